//! The offset channel: messages on their way, with or without overflow.

use super::{Entry, Garbage, SEQUENCE_MASK, Slots, sequence_of};

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
#[derive(Debug, Clone, Copy)]
pub struct OffsetProducer {
    capacity: u32,
    overflow: bool,
    /// Slot of the next entry, in `0..capacity`.
    slot: u32,
    /// Sequence of the next entry, in `0..2^32`.
    sequence: u64,
}

impl OffsetProducer {
    /// For an empty channel.
    pub fn new(capacity: usize, overflow: bool) -> Self {
        Self { capacity: capacity as u32, overflow, slot: 0, sequence: 0 }
    }

    /// Slot that the next push uses.
    pub fn next_slot(&self) -> usize {
        self.slot as usize
    }

    /// Pushes an entry. With overflow the oldest one is exchanged against it in one step, so that every entry belongs to
    /// exactly one side at any moment, whoever dies.
    ///
    /// # Errors
    /// [`Garbage`] if the consumer's process wrote into the slot; the entry is in the channel all the same.
    #[inline]
    pub fn push(&mut self, slots: &impl Slots, entry: Entry) -> Result<Push, Garbage> {
        let word = entry.pack(self.sequence);
        let slot = self.slot as usize;
        let oldest = if self.overflow {
            slots.swap(slot, word)
        } else {
            if slots.load(slot) != 0 {
                return Ok(Push::Full);
            }
            slots.store(slot, word);
            0
        };
        self.sequence = (self.sequence + 1) & SEQUENCE_MASK;
        self.slot = if self.slot + 1 == self.capacity { 0 } else { self.slot + 1 };
        match oldest {
            0 => Ok(Push::Done { word }),
            oldest => Ok(Push::Displaced { word, oldest: Entry::unpack(oldest)? }),
        }
    }
}

/// The receiver's side.
#[derive(Debug, Clone, Copy)]
pub struct OffsetConsumer {
    capacity: u32,
    overflow: bool,
    /// Slot of the oldest entry, if there is one.
    slot: u32,
    /// Its sequence, in `0..2^32`.
    sequence: u64,
}

impl OffsetConsumer {
    /// For an empty channel.
    pub fn new(capacity: usize, overflow: bool) -> Self {
        Self { capacity: capacity as u32, overflow, slot: 0, sequence: 0 }
    }

    /// Looks at the oldest entry without taking it. With overflow it may be displaced before it is taken.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline]
    pub fn peek(&mut self, slots: &impl Slots) -> Result<Option<Entry>, Garbage> {
        match self.front(slots)? {
            Some(word) => Entry::unpack(word).map(Some),
            None => Ok(None),
        }
    }

    /// Takes the entry that [`Self::peek`] has just shown; `false` if the producer has displaced it meanwhile.
    #[inline]
    #[must_use]
    pub fn take_peeked(&mut self, slots: &impl Slots, peeked: Entry) -> bool {
        let slot = self.slot as usize;
        if !self.overflow {
            slots.store(slot, 0);
        } else if !slots.take(slot, peeked.pack(self.sequence)) {
            return false;
        }
        self.sequence = (self.sequence + 1) & SEQUENCE_MASK;
        self.slot = if self.slot + 1 == self.capacity { 0 } else { self.slot + 1 };
        true
    }

    /// Takes the oldest entry.
    ///
    /// `None` if there is none, and also if the producer displaced every entry that was looked at: the work of one call is
    /// bounded.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline]
    pub fn take(&mut self, slots: &impl Slots) -> Result<Option<Entry>, Garbage> {
        // Each failed exchange means that the producer has pushed once more.
        for _ in 0..=2 * self.capacity {
            let Some(word) = self.front(slots)? else { return Ok(None) };
            let slot = self.slot as usize;
            if self.overflow {
                if !slots.take(slot, word) {
                    continue;
                }
            } else {
                slots.store(slot, 0);
            }
            self.sequence = (self.sequence + 1) & SEQUENCE_MASK;
            self.slot = if self.slot + 1 == self.capacity { 0 } else { self.slot + 1 };
            return Entry::unpack(word).map(Some);
        }
        Ok(None)
    }

    /// Goes to the oldest entry and returns its word.
    #[inline]
    fn front(&mut self, slots: &impl Slots) -> Result<Option<u64>, Garbage> {
        let word = slots.load(self.slot as usize);
        if word == 0 {
            return Ok(None);
        }
        if sequence_of(word) == self.sequence {
            return Ok(Some(word));
        }
        self.front_after_overflow(slots, word)
    }

    /// The slot holds an entry of a later round, so everything before the round was displaced: the oldest entry that can
    /// still be there follows in the next slot, one capacity behind what was seen here. The sender may be on its way round
    /// meanwhile, so that is looked at again; a sender that writes garbage only confuses the order of its own messages.
    #[cold]
    fn front_after_overflow(&mut self, slots: &impl Slots, mut word: u64) -> Result<Option<u64>, Garbage> {
        if !self.overflow {
            return Err(Garbage);
        }
        for _ in 0..=2 * self.capacity {
            self.slot = if self.slot + 1 == self.capacity { 0 } else { self.slot + 1 };
            self.sequence = sequence_of(word).wrapping_sub(u64::from(self.capacity) - 1) & SEQUENCE_MASK;
            word = slots.load(self.slot as usize);
            if word == 0 {
                return Ok(None);
            }
            if sequence_of(word) == self.sequence {
                return Ok(Some(word));
            }
        }
        Ok(None)
    }
}
