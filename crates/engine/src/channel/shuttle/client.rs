//! The client's side of a shuttle.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::{Ahead, Carried, FirstLook, REPLY, REQUEST, Room, pack_request, take};
use crate::channel::{Garbage, Slots};

/// The client's side.
#[derive(Debug)]
pub struct ShuttleClient {
    overflow_responses: bool,
    ahead: Ahead,
    /// The request to which a response may come by the shuttle, 0 if none: then the shuttle is free.
    awaited: Cell<u64>,
    /// Its lane.
    lane: Cell<u32>,
    first_look: FirstLook,
}

impl ShuttleClient {
    /// For an empty shuttle beside a channel of `capacity` requests.
    pub fn new(capacity: usize, overflow_requests: bool, overflow_responses: bool) -> Self {
        let ahead = Ahead::new(capacity, overflow_requests);
        Self { overflow_responses, ahead, awaited: Cell::new(0), lane: Cell::new(0), first_look: FirstLook::default() }
    }

    /// Whether the shuttle is here, as far as is known.
    #[inline(always)]
    pub fn is_here(&self) -> bool {
        self.awaited.get() == 0
    }

    /// The request that was sent by the shuttle last, and its lane.
    pub fn sent(&self) -> (u64, usize) {
        (self.awaited.get(), self.lane.get() as usize)
    }

    /// Whether the shuttle is here. `done` says with which request of a lane the server was done last; asked for only if the
    /// server has taken the request that went by the shuttle.
    pub fn has_come_back(&self, slots: &impl Slots, done: impl FnOnce(usize) -> u64) -> bool {
        if self.is_here() {
            return true;
        }
        if slots.load(REQUEST) != 0 {
            return false;
        }
        // Whichever request of its lane the server is done with, it is this one or a newer one, for which it gave this up.
        let is_done = slots.load(REPLY) != 0 || done(self.lane.get() as usize) >= self.awaited.get();
        if is_done {
            self.come_back(slots);
        }
        is_done
    }

    /// A response that nobody waits for any more does not go out again.
    fn come_back(&self, slots: &impl Slots) {
        slots.store(REPLY, 0);
        self.awaited.set(0);
    }

    /// Sends the request whose payload is in the shuttle: the word that is there until it is taken. The shuttle is here, and
    /// the channel empty.
    #[inline(always)]
    pub fn send(&self, slots: &impl Slots, request_id: u64, lane: u32, len: usize) -> u64 {
        let word = pack_request(request_id, lane, len);
        self.awaited.set(request_id);
        self.lane.set(lane);
        self.ahead.set(word);
        self.first_look.is_due();
        slots.store(REQUEST, word);
        word
    }

    /// Whether a request may still be in the shuttle, as far as is known.
    #[inline(always)]
    pub fn has_message(&self) -> bool {
        self.ahead.word.get() != 0
    }

    /// Makes room for a request in the channel, behind [a message](Self::has_message) in the shuttle.
    pub fn make_room(&self, slots: &impl Slots) -> Room {
        let room = self.ahead.make_room(slots, REQUEST);
        if room == Room::Displaced {
            self.awaited.set(0);
        }
        room
    }

    /// Whether the first response to this request may come by the shuttle.
    #[inline(always)]
    pub fn is_awaited(&self, request_id: u64) -> bool {
        self.awaited.get() == request_id
    }

    /// Looks at the response to the request, which [is awaited](Self::is_awaited), without taking it.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(always)]
    pub fn front(&self, slots: &impl Slots) -> Result<Option<Carried>, Garbage> {
        match NonZeroU64::new(slots.load(REPLY)) {
            None => Ok(None),
            Some(word) => Carried::reply(word, self.awaited.get()).map(Some),
        }
    }

    /// After a look that found nothing.
    #[inline(always)]
    pub fn found_nothing(&self) {
        self.first_look.found_nothing();
    }

    /// Takes the response that was looked at; `false` if the server has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, slots: &impl Slots, reply: Carried) -> bool {
        if !take(slots, REPLY, reply, self.overflow_responses) {
            return false;
        }
        self.awaited.set(0);
        true
    }
}
