//! What travels: entries of one word, which say where a message lies, through slots.
//!
//! Both channels have one producer and one consumer. Neither has a shared index: each side counts for itself and looks at
//! the slot where the next entry has to be. [`Slots`] is the facade through which all atomics go, so that the same code
//! runs on mapped memory and under test.

mod offset;
pub mod ordering;
mod returns;
pub mod shuttle;

use std::num::NonZeroU64;

pub use offset::{Front, OffsetConsumer, OffsetProducer, Push};
pub use returns::{ReturnConsumer, ReturnProducer};

/// Shared words of a channel. Index `i` is slot `i`; how far apart slots lie is the implementation's matter.
pub trait Slots {
    /// Loads with acquire ordering: what was written before the entry was stored is seen after it was loaded.
    fn load(&self, slot: usize) -> u64;
    /// Stores with release ordering: everything before it is seen by whoever loads the value.
    fn store(&self, slot: usize, word: u64);
    /// Exchanges with acquire and release ordering.
    fn swap(&self, slot: usize, word: u64) -> u64;
    /// Exchanges `old` for 0 with acquire and release ordering; `false` if something else is there.
    fn take(&self, slot: usize, old: u64) -> bool;
    /// Prefetches a slot that is about to be exchanged. A hint: nothing depends on it.
    #[inline]
    fn prefetch(&self, _slot: usize) {}
}

/// Where a message lies: a chunk in a segment of the sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Number of the sender's segment, below [`SEGMENTS_MAX`].
    pub segment: u16,
    /// Chunk in the segment, below 2^24 - 2; one more in [`Entry::IN_SLOT`].
    pub chunk: u32,
}

/// Segments that a sender can make in its life: numbers are not used again, so that no receiver takes a new segment for
/// an old one.
pub const SEGMENTS_MAX: usize = 1 << 12;

/// A peer wrote a word that no correct one writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a peer wrote a word into a channel that no correct peer writes")]
pub struct Garbage;

/// Sequences wrap here: a receiver that sleeps through exactly a multiple of 2^28 overflows may see two messages in the
/// wrong order, and no other harm.
const SEQUENCE_MASK: u64 = (1 << 28) - 1;
const SEQUENCE_SHIFT: u32 = 36;
const SEGMENT_MASK: u64 = SEGMENTS_MAX as u64 - 1;
const SEGMENT_SHIFT: u32 = 24;
const CHUNK_MASK: u64 = (1 << 24) - 1;

impl Entry {
    /// Of a message that lies beside the entry, in the slot itself, and in no chunk.
    pub const IN_SLOT: Self = Self { segment: 0, chunk: CHUNK_MASK as u32 - 1 };

    /// Whether the message lies in the slot. Garbage may say so of a slot that holds none; what is read there is checked.
    #[inline(always)]
    pub fn is_in_slot(self) -> bool {
        self.chunk == Self::IN_SLOT.chunk
    }

    /// `{ sequence: 28, segment: 12, chunk + 1: 24 }`, high to low. Never 0, which is the empty slot.
    #[inline]
    fn pack(self, sequence: u64) -> u64 {
        let segment = u64::from(self.segment) & SEGMENT_MASK;
        sequence << SEQUENCE_SHIFT | segment << SEGMENT_SHIFT | ((u64::from(self.chunk) + 1) & CHUNK_MASK)
    }

    /// The entry in a slot, if there is one.
    ///
    /// # Errors
    /// [`Garbage`].
    pub fn of_word(word: u64) -> Result<Option<Self>, Garbage> {
        if word == 0 { Ok(None) } else { Self::unpack(word).map(Some) }
    }

    /// For a word whose chunk was looked at: garbage names some chunk or other.
    #[inline]
    fn of(word: NonZeroU64) -> Self {
        let word = word.get();
        let chunk = ((word & CHUNK_MASK) as u32).wrapping_sub(1);
        Self { segment: (word >> SEGMENT_SHIFT & SEGMENT_MASK) as u16, chunk }
    }

    #[inline]
    fn unpack(word: u64) -> Result<Self, Garbage> {
        let chunk = ((word & CHUNK_MASK) as u32).checked_sub(1).ok_or(Garbage)?;
        Ok(Self { segment: (word >> SEGMENT_SHIFT & SEGMENT_MASK) as u16, chunk })
    }
}

#[inline]
fn sequence_of(word: u64) -> u64 {
    word >> SEQUENCE_SHIFT
}

#[cfg(test)]
mod tests;
