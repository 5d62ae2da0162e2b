//! What a sender has lent to one receiver, and how it comes back.

use std::rc::Rc;

use super::outstanding::Outstanding;
use super::payloads::Payloads;
use crate::engine::channel::{Entry, Garbage, ReturnConsumer, Slots};
use crate::engine::shm::Pool;

/// Chunks at one receiver.
#[derive(Debug)]
pub(super) struct Lending {
    outstanding: Outstanding,
    coming_back: ReturnConsumer,
    /// So many fit the return queue.
    max: usize,
}

impl Lending {
    /// For an empty return queue of `capacity` slots; with room for the current segment, so that a message allocates nothing.
    pub fn new(capacity: usize, payloads: &Payloads) -> Self {
        let outstanding = Outstanding::default();
        let (number, chunks) = payloads.current();
        outstanding.enter(number, chunks);
        Self { outstanding, coming_back: ReturnConsumer::new(capacity), max: capacity }
    }

    /// Counts the receiver as a holder of a chunk on its way, before the entry can be taken and come back.
    ///
    /// # Errors
    /// [`Garbage`] in the return queue.
    #[inline]
    pub fn lend(
        &self,
        payloads: &Payloads,
        pool: &Rc<Pool>,
        returns: &impl Slots,
        entry: Entry,
    ) -> Result<(), Garbage> {
        if self.outstanding.len() >= self.max {
            self.collect(payloads, returns)?;
        }
        // It was published by the caller, so it is on its way.
        let _ = pool.hold(entry.chunk);
        if !self.outstanding.insert(entry) {
            self.outstanding.enter(entry.segment, pool.chunks());
            let _ = self.outstanding.insert(entry);
        }
        Ok(())
    }

    /// Takes back one chunk.
    ///
    /// # Errors
    /// [`Garbage`] if it is not there.
    #[inline]
    pub fn reclaim(&self, payloads: &Payloads, entry: Entry) -> Result<(), Garbage> {
        if self.outstanding.remove(entry) && payloads.release(entry) { Ok(()) } else { Err(Garbage) }
    }

    /// Takes back what the receiver has returned.
    ///
    /// # Errors
    /// [`Garbage`].
    pub fn collect(&self, payloads: &Payloads, returns: &impl Slots) -> Result<(), Garbage> {
        // No more than is there, and the look that finds nothing: a peer that writes on and on does not hold us here.
        for _ in 0..=self.outstanding.len() {
            let Some(entry) = self.coming_back.pop(returns)? else { break };
            self.reclaim(payloads, entry)?;
        }
        Ok(())
    }

    /// The receiver is gone: everything that was there is ours again.
    pub fn close(&self, payloads: &Payloads) {
        for entry in self.outstanding.drain() {
            // Only what was on its way was inserted, so it can be released.
            let _ = payloads.release(entry);
        }
    }
}
