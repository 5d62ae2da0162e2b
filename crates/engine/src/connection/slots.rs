//! The words of a connection in which entries travel, as [`Slots`].

use std::sync::atomic::{AtomicU64, Ordering};

use crate::channel::{Slots, ordering};
use crate::shm::{self, Column, LINE, Lines, LinesView, TINY_WORDS};

/// In the line that both sides write: word of the request, its number, its payload; word of the response, its payload.
const SHARED_WORDS: [usize; 2] = [0, 4];
const REQUEST_ID: usize = 1;
/// In the line of a channel's slot, behind it.
const NEXT: usize = 1;

/// The words in all slots of a channel, in whichever order they are to be taken.
pub(crate) fn all_words(slots: &Lines) -> impl Iterator<Item = u64> {
    let view = slots.view();
    (0..slots.len()).map(move |slot| view.load(slot))
}

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
    fn prefetch(&self, slot: usize) {
        shm::prefetch(self.slot(slot));
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
    /// The only one of these lines.
    #[inline(always)]
    pub fn of(line: &'a Lines) -> Self {
        Self(line.first())
    }

    /// Prefetches the line, which is written soon.
    #[inline(always)]
    pub fn prefetch(self) {
        shm::prefetch(self.0);
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

/// What the sides say about a lane: the client in the first line, the server in the second.
#[derive(Debug, Clone)]
pub(crate) struct LaneWords(Lines);

impl LaneWords {
    /// Over these two lines.
    pub fn new(lines: Lines) -> Self {
        Self(lines)
    }

    #[inline(always)]
    fn word(&self, line: usize, word: usize) -> &AtomicU64 {
        &self.0.view().line(line)[word]
    }

    /// The request whose pending response uses the lane, 0 for none. Written by the client.
    #[inline(always)]
    pub fn open(&self) -> u64 {
        // Acquire: a closed lane is seen before anything that the client does with it afterwards.
        self.word(0, 0).load(Ordering::Acquire)
    }

    #[inline(always)]
    pub fn set_open(&self, request_id: u64) {
        self.word(0, 0).store(request_id, Ordering::Release); // Pairs with the above.
    }

    /// The request whose client wants no more responses. Written by the client.
    pub fn hint(&self) -> u64 {
        self.word(0, 1).load(Ordering::Acquire) // As `open`.
    }

    pub fn set_hint(&self, request_id: u64) {
        self.word(0, 1).store(request_id, Ordering::Release); // As `set_open`.
    }

    /// The newest request of the lane that the server is done with. Written by the server.
    #[inline(always)]
    pub fn done(&self) -> u64 {
        // Acquire: responses sent before are in the lane when the end is seen.
        self.word(1, 0).load(Ordering::Acquire)
    }

    #[inline(always)]
    pub fn set_done(&self, request_id: u64) {
        self.word(1, 0).store(request_id, Ordering::Release); // Pairs with the above.
    }
}

/// The chunk that the sender of a slot expects to send from next, and one more; 0 if it has no idea. Only a hint which
/// line to prefetch. It comes with the line of the slot, so it costs no other one; a message in the slot itself takes
/// its place.
#[inline(always)]
pub(crate) fn next_chunk_hint(slots: LinesView<'_>, slot: usize) -> u64 {
    slots.line(slot)[NEXT].load(Ordering::Relaxed) // Relaxed: whatever is read, nothing depends on it.
}

#[inline(always)]
pub(crate) fn set_next_chunk_hint(slots: LinesView<'_>, slot: usize, next: u64) {
    slots.line(slot)[NEXT].store(next, Ordering::Relaxed); // As `next_chunk_hint`.
}
