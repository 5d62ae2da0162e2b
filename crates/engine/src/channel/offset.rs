//! The offset channel: messages in flight, with or without overflow.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::{CHUNK_MASK, Entry, Garbage, SEQUENCE_MASK, Slots, sequence_of};

/// In which order the slots of a channel are used: again and again from 0, each `step` behind the one before.
#[derive(Debug, Clone, Copy)]
struct Round {
    capacity: u32,
    step: u32,
}

impl Round {
    /// Slots in a row are lines in a row, and a processor that sees a few of those in use asks for the next ones by itself: it
    /// takes them away from whoever is about to write or read them. So of more than eight slots, neighbours are not used one
    /// after the other (docs/MEASURING.md).
    fn new(capacity: usize) -> Self {
        // Below 2^16.
        let capacity = capacity as u32;
        let step = if capacity <= 8 {
            1
        } else {
            (3 * capacity / 8..capacity).find(|step| gcd(*step, capacity) == 1).unwrap_or(1)
        };
        Self { capacity, step }
    }

    #[inline(always)]
    fn after(self, slot: u32) -> u32 {
        let next = slot + self.step;
        if next >= self.capacity { next - self.capacity } else { next }
    }
}

/// Greatest common divisor; slots are used in a round that meets all of them if step and capacity have none but 1.
fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// What became of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Push {
    /// It is in the channel; the word is what its slot holds until it is taken.
    Done {
        /// The word in the slot.
        word: u64,
    },
    /// It is in the channel, and the oldest entry is the producer's again.
    Displaced {
        /// The word in the slot.
        word: u64,
        /// What was displaced.
        oldest: Entry,
    },
    /// There is no room, and no overflow: nothing happened.
    Full,
}

/// The sender's side. `capacity` is in `1..=2^16`.
#[derive(Debug, Clone)]
pub struct OffsetProducer {
    round: Round,
    /// Whether the oldest entry gives way where there is no room.
    pub(crate) overflow: bool,
    /// Slot of the next entry, in `0..capacity`.
    slot: Cell<u32>,
    /// Sequence of the next entry, in `0..2^28`.
    sequence: Cell<u64>,
}

impl OffsetProducer {
    /// For an empty channel.
    pub fn new(capacity: usize, overflow: bool) -> Self {
        Self { round: Round::new(capacity), overflow, slot: Cell::new(0), sequence: Cell::new(0) }
    }

    /// Prefetches the slot of the next push while its message is being written, so that the push does not have to wait
    /// for it.
    #[inline(always)]
    pub fn prefetch(&self, slots: &impl Slots) {
        slots.prefetch(self.slot.get() as usize);
    }

    /// Slot that the next push uses.
    pub fn next_slot(&self) -> usize {
        self.slot.get() as usize
    }

    /// Slot of the push behind the next one; of a channel without overflow that was full but for one slot, the oldest.
    pub fn slot_after_next(&self) -> usize {
        self.round.after(self.slot.get()) as usize
    }

    /// Pushes an entry. With overflow the oldest one is exchanged against it in one step, so that every entry belongs to
    /// exactly one side at any moment, whoever dies.
    ///
    /// # Errors
    /// [`Garbage`] if the consumer's process wrote into the slot; the entry is in the channel all the same.
    #[inline]
    pub fn push(&self, slots: &impl Slots, entry: Entry) -> Result<Push, Garbage> {
        if let Some(slot) = self.vacant(slots) {
            return Ok(Push::Done { word: self.fill(slots, slot, entry) });
        }
        if !self.overflow {
            return Ok(Push::Full);
        }
        let word = entry.pack(self.sequence.get());
        let oldest = slots.swap(self.slot.get() as usize, word);
        self.advance();
        match oldest {
            0 => Ok(Push::Done { word }),
            oldest => Ok(Push::Displaced { word, oldest: Entry::unpack(oldest)? }),
        }
    }

    /// The slot of the next entry, if it is empty; otherwise the channel is full or about to overflow. An empty slot stays
    /// empty until it is filled: what is written beside its word before that is read by nobody before it is whole.
    #[inline(always)]
    pub fn vacant(&self, slots: &impl Slots) -> Option<usize> {
        let slot = self.slot.get() as usize;
        if slots.load(slot) == 0 { Some(slot) } else { None }
    }

    /// Pushes an entry into the slot that is [vacant](OffsetProducer::vacant), without an exchange: the word that is in it now.
    #[inline(always)]
    pub fn fill(&self, slots: &impl Slots, slot: usize, entry: Entry) -> u64 {
        let word = entry.pack(self.sequence.get());
        slots.store(slot, word);
        self.advance();
        word
    }

    #[inline(always)]
    fn advance(&self) {
        self.sequence.set((self.sequence.get() + 1) & SEQUENCE_MASK);
        self.slot.set(self.round.after(self.slot.get()));
    }
}

/// The oldest entry of a channel, still in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    word: NonZeroU64,
    slot: u32,
}

impl Front {
    #[inline(always)]
    fn new(word: NonZeroU64, slot: u32) -> Result<Self, Garbage> {
        if word.get() & CHUNK_MASK == 0 { Err(Garbage) } else { Ok(Self { word, slot }) }
    }

    /// Where the message lies.
    #[inline(always)]
    pub fn entry(self) -> Entry {
        Entry::of(self.word)
    }

    /// The slot that it is in.
    #[inline(always)]
    pub fn slot(self) -> usize {
        self.slot as usize
    }
}

/// The receiver's side.
#[derive(Debug, Clone)]
pub struct OffsetConsumer {
    round: Round,
    overflow: bool,
    /// Slot of the oldest entry, if there is one.
    slot: Cell<u32>,
    /// Its sequence, in `0..2^28`.
    sequence: Cell<u64>,
}

impl OffsetConsumer {
    /// For an empty channel.
    pub fn new(capacity: usize, overflow: bool) -> Self {
        Self { round: Round::new(capacity), overflow, slot: Cell::new(0), sequence: Cell::new(0) }
    }

    /// Whether there is nothing to take: one load.
    #[inline]
    pub fn is_empty(&self, slots: &impl Slots) -> bool {
        slots.load(self.slot.get() as usize) == 0
    }

    /// Peeks at the oldest entry without taking it. With overflow it may be displaced before it is taken; what its
    /// chunk holds is certain only once [`OffsetConsumer::take_front`] has succeeded.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(always)]
    pub fn front(&self, slots: &impl Slots) -> Result<Option<Front>, Garbage> {
        // Whoever polls is about to take: the line arrives in exclusive state, which saves a second transfer.
        let slot = self.slot.get();
        slots.prefetch(slot as usize);
        let Some(word) = NonZeroU64::new(slots.load(slot as usize)) else { return Ok(None) };
        if sequence_of(word.get()) == self.sequence.get() {
            return Front::new(word, slot).map(Some);
        }
        let Some(word) = self.front_after_overflow(slots, word.get())? else { return Ok(None) };
        Front::new(word, self.slot.get()).map(Some)
    }

    /// Takes the entry that was peeked at; `false` if it was displaced meanwhile.
    #[inline(always)]
    pub fn take_front(&self, slots: &impl Slots, front: Front) -> bool {
        if self.overflow {
            if !slots.take(front.slot(), front.word.get()) {
                return false;
            }
        } else {
            slots.store(front.slot(), 0);
        }
        self.sequence.set((sequence_of(front.word.get()) + 1) & SEQUENCE_MASK);
        self.slot.set(self.round.after(front.slot));
        true
    }

    /// Takes the oldest entry.
    ///
    /// `None` if there is none, and also if the producer displaced every entry that was peeked at: the work of one call
    /// is bounded.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline]
    pub fn take(&self, slots: &impl Slots) -> Result<Option<Entry>, Garbage> {
        // Each failed exchange means that the producer has pushed once more.
        let looks_max = 2 * self.round.capacity + 1;
        for _ in 0..looks_max {
            let Some(front) = self.front(slots)? else { return Ok(None) };
            if self.take_front(slots, front) {
                return Ok(Some(front.entry()));
            }
        }
        Ok(None)
    }

    /// The slot holds an entry of a later round, so everything before the round was displaced: the oldest entry that
    /// can still be there follows in the next slot, one capacity behind what was seen here. The sender may lap the
    /// consumer meanwhile, so that is looked at again; a sender that writes garbage only confuses the order of its own
    /// messages.
    #[cold]
    fn front_after_overflow(&self, slots: &impl Slots, mut word: u64) -> Result<Option<NonZeroU64>, Garbage> {
        if !self.overflow {
            return Err(Garbage);
        }
        let looks_max = 2 * self.round.capacity + 1;
        for _ in 0..looks_max {
            self.slot.set(self.round.after(self.slot.get()));
            self.sequence.set(sequence_of(word).wrapping_sub(u64::from(self.round.capacity) - 1) & SEQUENCE_MASK);
            let Some(found) = NonZeroU64::new(slots.load(self.slot.get() as usize)) else { return Ok(None) };
            word = found.get();
            if sequence_of(word) == self.sequence.get() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Both sides of an empty channel on which so many messages have travelled before.
    pub fn after_messages(capacity: usize, overflow: bool, messages: u64) -> (OffsetProducer, OffsetConsumer) {
        let (producer, consumer) = (OffsetProducer::new(capacity, overflow), OffsetConsumer::new(capacity, overflow));
        let slot = (messages % capacity as u64) as u32 * producer.round.step % capacity as u32;
        for (at, sequence) in [(&producer.slot, &producer.sequence), (&consumer.slot, &consumer.sequence)] {
            at.set(slot);
            sequence.set(messages & SEQUENCE_MASK);
        }
        (producer, consumer)
    }

    #[test]
    fn every_slot_is_used_once_a_round_and_neighbours_are_apart() {
        for capacity in 1..=200 {
            let round = Round::new(capacity);
            let mut slots: Vec<u32> =
                std::iter::successors(Some(0), |slot| Some(round.after(*slot))).take(capacity).collect();
            assert_eq!(round.after(slots[capacity - 1]), 0, "the round of {capacity} slots ends where it began");
            let apart = |pair: &[u32]| capacity <= 8 || pair[0].abs_diff(pair[1]) > 1;
            assert!(slots.windows(2).all(apart), "neighbours follow each other among {capacity} slots: {slots:?}");
            slots.sort_unstable();
            assert!(slots.iter().copied().eq(0..capacity as u32), "{capacity} slots: {slots:?}");
        }
    }
}
