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
    #[inline]
    pub fn lend(&self, payloads: &Payloads, returns: &impl Slots, chunk: &Published) -> Result<(), Garbage> {
        if self.lent.get() >= self.max {
            self.collect(payloads, returns)?;
        }
        chunk.hold(self.receiver);
        self.lent.set(self.lent.get() + 1);
        Ok(())
    }

    /// Takes back one chunk.
    ///
    /// # Errors
    /// [`Garbage`] if it is not there.
    #[inline]
    pub fn reclaim(&self, payloads: &Payloads, entry: Entry) -> Result<(), Garbage> {
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
    pub fn collect(&self, payloads: &Payloads, returns: &impl Slots) -> Result<(), Garbage> {
        // No more than is there, and the look that finds nothing: a peer that writes on and on does not hold us here.
        for _ in 0..=self.lent.get() {
            let Some(entry) = self.coming_back.pop(returns)? else { break };
            self.reclaim(payloads, entry)?;
        }
        Ok(())
    }

    /// The receiver is gone: everything that was there is ours again.
    pub fn close(&self, payloads: &Payloads) {
        payloads.release_all(self.receiver);
        self.lent.set(0);
    }
}
