//! The server's side of a shuttle.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::{Ahead, Carried, FirstLook, REPLY, REQUEST, Room, pack_reply, take};
use crate::channel::{Garbage, Slots};

/// The server's side.
#[derive(Debug)]
pub struct ShuttleServer {
    overflow_requests: bool,
    ahead: Ahead,
    /// The request that came by the shuttle last.
    request_id: Cell<u64>,
    /// Whether no response to it was sent.
    is_first: Cell<bool>,
    first_look: FirstLook,
}

impl ShuttleServer {
    /// For an empty shuttle beside lanes of `capacity` responses.
    pub fn new(capacity: usize, overflow_requests: bool, overflow_responses: bool) -> Self {
        Self {
            overflow_requests,
            ahead: Ahead::new(capacity, overflow_responses),
            request_id: Cell::new(0),
            is_first: Cell::new(false),
            first_look: FirstLook::default(),
        }
    }

    /// Whether there is nothing to take: one load.
    #[inline(always)]
    pub fn is_empty(&self, slots: &impl Slots) -> bool {
        slots.load(REQUEST) == 0
    }

    /// Looks at the request without taking it.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(always)]
    pub fn front(&self, slots: &impl Slots) -> Result<Option<Carried>, Garbage> {
        NonZeroU64::new(slots.load(REQUEST)).map(Carried::request).transpose()
    }

    /// Takes the request that was looked at; `false` if the client has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, slots: &impl Slots, request: Carried, request_id: u64) -> bool {
        if !take(slots, REQUEST, request, self.overflow_requests) {
            return false;
        }
        self.request_id.set(request_id);
        self.is_first.set(true);
        self.ahead.set(0);
        true
    }

    /// Whether a response to this request, sent now, is the first and may go back by the shuttle.
    #[inline(always)]
    pub fn is_first(&self, request_id: u64) -> bool {
        self.is_first.get() && self.request_id.get() == request_id
    }

    /// The first response is on its way, whichever that is.
    #[inline(always)]
    pub fn has_answered(&self) {
        self.is_first.set(false);
    }

    /// Sends the response whose payload is in the shuttle.
    #[inline(always)]
    pub fn reply(&self, slots: &impl Slots, request_id: u64, len: usize) {
        let word = pack_reply(request_id, len);
        self.ahead.set(word);
        self.first_look.is_due();
        slots.store(REPLY, word);
    }

    /// After a look that found nothing.
    #[inline(always)]
    pub fn found_nothing(&self) {
        self.first_look.found_nothing();
    }

    /// Whether a response to this request may still be in the shuttle, as far as is known.
    #[inline(always)]
    pub fn has_message(&self, request_id: u64) -> bool {
        self.ahead.word.get() != 0 && self.request_id.get() == request_id
    }

    /// Makes room in the lane, behind [a response](Self::has_message) in the shuttle.
    pub fn make_room(&self, slots: &impl Slots) -> Room {
        self.ahead.make_room(slots, REPLY)
    }
}
