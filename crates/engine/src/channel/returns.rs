//! The return queue: chunks that a receiver gives back, in any order, learned by the sender when its pool runs low.

use std::cell::Cell;

use super::{Entry, Garbage, Slots};

/// The receiver's side: it gives back.
#[derive(Debug, Clone)]
pub struct ReturnProducer {
    mask: u32,
    slot: Cell<u32>,
}

impl ReturnProducer {
    /// For an empty queue of `capacity` slots, a power of two that holds everything that can be outstanding.
    pub fn new(capacity: usize) -> Self {
        Self { mask: capacity as u32 - 1, slot: Cell::new(0) }
    }

    /// Gives an entry back.
    ///
    /// # Errors
    /// [`Garbage`] if the queue is full, which no correct sender lets happen.
    #[inline(always)]
    pub fn push(&self, slots: &impl Slots, entry: Entry) -> Result<(), Garbage> {
        if slots.load(self.slot.get() as usize) != 0 {
            return Err(Garbage);
        }
        slots.store(self.slot.get() as usize, entry.pack(0));
        self.slot.set((self.slot.get() + 1) & self.mask);
        Ok(())
    }
}

/// The sender's side: it takes back.
#[derive(Debug, Clone)]
pub struct ReturnConsumer {
    mask: u32,
    slot: Cell<u32>,
}

impl ReturnConsumer {
    /// For an empty queue, as [`ReturnProducer::new`].
    pub fn new(capacity: usize) -> Self {
        Self { mask: capacity as u32 - 1, slot: Cell::new(0) }
    }

    /// Takes one entry back. Whether it was outstanding is for the caller to check.
    ///
    /// # Errors
    /// [`Garbage`] for a word that is no entry.
    #[inline(always)]
    pub fn pop(&self, slots: &impl Slots) -> Result<Option<Entry>, Garbage> {
        let word = slots.load(self.slot.get() as usize);
        if word == 0 {
            return Ok(None);
        }
        slots.store(self.slot.get() as usize, 0);
        self.slot.set((self.slot.get() + 1) & self.mask);
        Entry::unpack(word).map(Some)
    }

    /// Takes up to `max` entries back, each of which `take` has to know.
    ///
    /// # Errors
    /// [`Garbage`] for a word that is no entry, or an entry that `take` does not know; everything before it was taken.
    #[inline]
    pub fn drain(&self, slots: &impl Slots, max: usize, mut take: impl FnMut(Entry) -> bool) -> Result<(), Garbage> {
        for _ in 0..max {
            let Some(entry) = self.pop(slots)? else { break };
            if !take(entry) {
                return Err(Garbage);
            }
        }
        Ok(())
    }
}
