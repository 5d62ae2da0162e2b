//! The words of a connection in which entries travel, as [`Slots`].

use std::sync::atomic::{AtomicU64, Ordering};

use crate::channel::{Slots, ordering};
use crate::shm::{self, Column, LINE, LinesView, TINY_WORDS};

/// In the line that both sides write: word of the request, its number, its payload; word of the response, its payload.
const SHARED_WORDS: [usize; 2] = [0, 4];
const REQUEST_ID: usize = 1;

/// Words of mapped memory that are slots.
pub(crate) trait MappedSlots {
    /// The word of a slot.
    fn slot(&self, slot: usize) -> &AtomicU64;
}

impl<M: MappedSlots> Slots for M {
    #[inline(always)]
    fn load(&self, slot: usize) -> u64 {
        self.slot(slot).load(ordering::LOAD)
    }

    #[inline(always)]
    fn store(&self, slot: usize, word: u64) {
        self.slot(slot).store(word, ordering::STORE);
    }

    #[inline(always)]
    fn swap(&self, slot: usize, word: u64) -> u64 {
        self.slot(slot).swap(word, ordering::SWAP)
    }

    #[inline(always)]
    fn take(&self, slot: usize, old: u64) -> bool {
        self.slot(slot).compare_exchange(old, 0, ordering::TAKE, ordering::TAKE_FAILED).is_ok()
    }

    #[inline(always)]
    fn warm(&self, slot: usize) {
        shm::warm(self.slot(slot));
    }
}

/// A slot is the first word of its line; what is beside it is the message, if it is small, or a hint.
impl MappedSlots for LinesView<'_> {
    #[inline(always)]
    fn slot(&self, slot: usize) -> &AtomicU64 {
        &self.line(slot)[0]
    }
}

/// A return queue has a slot in each word.
impl MappedSlots for Column {
    #[inline(always)]
    fn slot(&self, slot: usize) -> &AtomicU64 {
        self.word(slot)
    }
}

/// The line that both sides write: a slot for a request and one for a response, with what belongs to each behind it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SharedLine<'a>(&'a [AtomicU64; LINE]);

impl MappedSlots for SharedLine<'_> {
    #[inline(always)]
    fn slot(&self, slot: usize) -> &AtomicU64 {
        &self.0[SHARED_WORDS[slot]]
    }
}

impl<'a> SharedLine<'a> {
    /// In line 3 of a connection.
    #[inline(always)]
    pub fn new(line: &'a [AtomicU64; LINE]) -> Self {
        Self(line)
    }

    /// Whether there is a request in it that nobody has taken.
    pub fn has_request(self) -> bool {
        self.load(0) != 0
    }

    /// Asks for the line, to write something in it soon.
    #[inline(always)]
    pub fn warm(self) {
        shm::warm(self.0);
    }

    /// Number of the request in it; it holds if the request is taken afterwards.
    #[inline(always)]
    pub fn request_id(self) -> u64 {
        // Relaxed, as payloads: ordered by the request's word, which was loaded before and is taken afterwards.
        self.0[REQUEST_ID].load(Ordering::Relaxed)
    }

    #[inline(always)]
    pub fn set_request_id(self, request_id: u64) {
        self.0[REQUEST_ID].store(request_id, Ordering::Relaxed); // The request's word makes it known.
    }

    /// The payload of the request.
    #[inline(always)]
    pub fn request(self) -> &'a [AtomicU64; TINY_WORDS] {
        let [_, _, body @ .., _, _, _, _] = self.0;
        body
    }

    /// The payload of the response.
    #[inline(always)]
    pub fn reply(self) -> &'a [AtomicU64; TINY_WORDS] {
        let [_, _, _, _, _, body @ .., _] = self.0;
        body
    }
}
