//! What a sender has lent to one receiver, and how it comes back.
//!
//! Who holds which chunk is written in the sender's private memory, in the pools, so that a receiver that dies takes nothing
//! with it. Here is only how much, and as whom the pools know the receiver.

use std::cell::Cell;

use crate::channel::{Entry, Garbage, ReturnConsumer};
use crate::port::payloads::Payloads;
use crate::shm::{Column, Holder, Published};

/// Chunks at one receiver.
///
/// The receiver has a number among those of the sender, under which the pools know it, from the moment in which it is
/// attached, or a later loan, until it is closed. Nothing is done by number otherwise: it may be another receiver's by then.
#[derive(Debug)]
pub(in crate::port) struct Lending {
    /// Of no chunk as long as there is no number.
    receiver: Cell<Holder>,
    number: Cell<Option<u32>>,
    lent: Cell<usize>,
    return_consumer: ReturnConsumer,
    returns: Column,
    /// So many fit the return queue; 0 without a number, so that the first chunk asks for one.
    max: Cell<usize>,
}

/// Why a receiver does not get a message, in either direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::port) enum Trouble {
    /// There is no room.
    Full,
    /// All numbers are taken, by receivers that are gone and still hold something.
    Crowded,
    /// It has written garbage.
    Corrupted,
}

impl From<Garbage> for Trouble {
    fn from(Garbage: Garbage) -> Self {
        Self::Corrupted
    }
}

impl Lending {
    /// To a receiver whose return queue is empty, without a number yet.
    pub fn new(returns: Column) -> Self {
        Self {
            receiver: Cell::new(Holder::receiver(0)),
            number: Cell::new(None),
            lent: Cell::new(0),
            return_consumer: ReturnConsumer::new(returns.len()),
            returns,
            max: Cell::new(0),
        }
    }

    /// Whether the receiver has a number.
    #[inline(always)]
    pub fn has_number(&self) -> bool {
        self.max.get() != 0
    }

    /// Asks for a number; `false` if all are taken, by receivers that are gone and still hold something.
    pub fn find_number(&self, payloads: &Payloads) -> bool {
        if self.has_number() {
            return true;
        }
        let Some(number) = payloads.numbers.pop() else { return false };
        self.number.set(Some(number));
        self.receiver.set(Holder::receiver(number as usize));
        self.max.set(self.returns.len());
        true
    }

    /// Makes the receiver a holder of a chunk, before the entry can be taken and come back.
    ///
    /// # Errors
    /// [`Trouble`], but for `Full`.
    #[inline(always)]
    pub fn lend(&self, payloads: &Payloads, chunk: Published<'_>) -> Result<(), Trouble> {
        if self.lent.get() >= self.max.get() {
            self.make_room(payloads)?;
        }
        chunk.pool.hold(chunk.index, self.receiver.get());
        self.lent.set(self.lent.get() + 1);
        Ok(())
    }

    #[cold]
    fn make_room(&self, payloads: &Payloads) -> Result<(), Trouble> {
        if !self.find_number(payloads) {
            return Err(Trouble::Crowded);
        }
        Ok(self.collect(payloads)?)
    }

    /// Whether to drain the return queue: while the receiver is busy with what was sent, and not when the next message
    /// waits for it.
    #[inline(always)]
    pub fn should_drain_returns(&self) -> bool {
        self.lent.get() * 2 >= self.max.get()
    }

    /// Takes back the chunk of an entry, if it has one.
    ///
    /// # Errors
    /// [`Garbage`] if it is not there.
    pub fn reclaim(&self, payloads: &Payloads, entry: Entry) -> Result<(), Garbage> {
        if entry.is_in_slot() {
            return Ok(());
        }
        if self.number.get().is_some() && payloads.release(entry, self.receiver.get()) {
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
    pub fn collect(&self, payloads: &Payloads) -> Result<(), Garbage> {
        if self.number.get().is_none() {
            return Ok(());
        }
        let current = payloads.current();
        let (mut lent, receiver) = (self.lent.get(), self.receiver.get());
        // No more than is there, and one too many: a peer that keeps writing does not block this loop.
        let result = self.return_consumer.drain(&self.returns, lent + 1, |entry| {
            let ours = if entry.segment == current.number() {
                current.release(entry.chunk, receiver)
            } else {
                payloads.release(entry, receiver)
            };
            lent -= usize::from(ours);
            ours
        });
        self.lent.set(lent);
        result
    }

    /// The receiver is gone: everything that was there is ours again, and its number is free.
    pub fn close(&self, payloads: &Payloads) {
        if let Some(number) = self.number.take() {
            payloads.release_all(self.receiver.get());
            payloads.numbers.push(number);
        }
        self.max.set(0);
        self.lent.set(0);
    }
}
