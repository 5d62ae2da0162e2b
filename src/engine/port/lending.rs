//! What a sender has lent to one receiver, and how it comes back.
//!
//! Who holds which chunk is written in the sender's private memory, in the pools, so that a receiver that dies takes nothing
//! with it. Here is only how much, and as whom the pools know the receiver.

use std::cell::Cell;

use super::payloads::Payloads;
use crate::engine::channel::{Entry, Garbage, ReturnConsumer, Slots};
use crate::engine::shm::{Holder, Published};

/// Chunks at one receiver.
#[derive(Debug)]
pub(super) struct Lending {
    receiver: Holder,
    number: usize,
    lent: Cell<usize>,
    coming_back: ReturnConsumer,
    /// So many fit the return queue.
    max: usize,
}

impl Lending {
    /// To receiver `number`, who has an empty return queue of `capacity` slots.
    pub fn new(number: usize, capacity: usize) -> Self {
        let coming_back = ReturnConsumer::new(capacity);
        Self { receiver: Holder::receiver(number), number, lent: Cell::new(0), coming_back, max: capacity }
    }

    /// Number of the receiver.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Makes the receiver a holder of a chunk, before the entry can be taken and come back.
    ///
    /// # Errors
    /// [`Garbage`] in the return queue.
    #[inline(always)]
    pub fn lend(&self, payloads: &Payloads, returns: &impl Slots, chunk: Published<'_>) -> Result<(), Garbage> {
        let lent = self.lent.get();
        if lent >= self.max {
            return self.lend_after_collecting(payloads, returns, chunk);
        }
        chunk.hold(self.receiver);
        self.lent.set(lent + 1);
        Ok(())
    }

    #[cold]
    fn lend_after_collecting(
        &self,
        payloads: &Payloads,
        returns: &impl Slots,
        chunk: Published<'_>,
    ) -> Result<(), Garbage> {
        self.collect(payloads, returns)?;
        chunk.hold(self.receiver);
        self.lent.set(self.lent.get() + 1);
        Ok(())
    }

    /// Whether it is time to look what has come back: while the receiver is busy with what was sent, and not when the next
    /// message waits for it.
    #[inline(always)]
    pub fn is_half_lent(&self) -> bool {
        self.lent.get() * 2 >= self.max
    }

    /// Takes back the chunk of an entry, if it has one.
    ///
    /// # Errors
    /// [`Garbage`] if it is not there.
    pub fn reclaim(&self, payloads: &Payloads, entry: Entry) -> Result<(), Garbage> {
        if entry.is_in_slot() {
            return Ok(());
        }
        if payloads.release(entry, self.receiver) {
            // It held this one, so there was one.
            self.lent.set(self.lent.get() - 1);
            Ok(())
        } else {
            Err(Garbage)
        }
    }

    /// Takes back what the receiver has returned.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(never)]
    pub fn collect(&self, payloads: &Payloads, returns: &impl Slots) -> Result<(), Garbage> {
        let current = payloads.current();
        let mut lent = self.lent.get();
        // No more than is there, and one too many: a peer that writes on and on does not hold us here.
        let result = self.coming_back.drain(returns, lent + 1, |entry| {
            let ours = if entry.segment == current.number() {
                current.release(entry.chunk, self.receiver)
            } else {
                payloads.release(entry, self.receiver)
            };
            lent -= usize::from(ours);
            ours
        });
        self.lent.set(lent);
        result
    }

    /// The receiver is gone: everything that was there is ours again.
    pub fn close(&self, payloads: &Payloads) {
        payloads.release_all(self.receiver);
        self.lent.set(0);
    }
}
