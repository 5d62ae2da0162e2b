//! The shuttle: one line that takes a small request to its server and brings the first response back.
//!
//! A line that was just read is cheap to write, while one that the other side polls has to be fetched from there first. So
//! where a single small request is under way, each side answers in the line that it has just read. Everything else goes
//! through the channels; the rules that keep the order of both are here.
//!
//! - A request goes by the shuttle only if the server has taken all that went through the channel before, so what is in the
//!   shuttle is older than what is in the channel. A server looks into the channel first and into the shuttle afterwards, and
//!   takes what is in the shuttle: what was sent behind that is younger.
//! - Only the first response to such a request comes back by the shuttle, so it is older than those in the lane, and the
//!   client looks into the lane first.
//! - What is unread in the shuttle counts among the messages that the channel may hold.
//! - The client uses the shuttle again when the server will not write into it any more: after the response, or after the
//!   end of the request.

use std::cell::Cell;
use std::num::NonZeroU64;

use super::{Entry, Front, Garbage, Slots};

/// Index of the request's word among a shuttle's [`Slots`].
pub const REQUEST: usize = 0;
/// Index of the response's word.
pub const REPLY: usize = 1;
/// Most elements of a message in a shuttle.
pub const SHUTTLE_LEN_MAX: usize = 0xfffe;

const LEN_SHIFT: u32 = 16;
const FIELD_MASK: u64 = 0xffff;
const ID_SHIFT: u32 = 32;

/// What a word of a shuttle says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShuttleWord {
    word: NonZeroU64,
    /// Elements of the message, `0..=`[`SHUTTLE_LEN_MAX`].
    pub len: usize,
}

impl ShuttleWord {
    #[inline(always)]
    fn request(word: NonZeroU64) -> Result<Self, Garbage> {
        let len = (word.get() >> LEN_SHIFT & FIELD_MASK).checked_sub(1).ok_or(Garbage)?;
        Ok(Self { word, len: len as usize })
    }

    #[inline(always)]
    fn reply(word: NonZeroU64, request_id: u64) -> Result<Self, Garbage> {
        let len = (word.get() & FIELD_MASK).checked_sub(1).ok_or(Garbage)?;
        let is_reply = word.get() == pack_reply(request_id, len as usize);
        if is_reply { Ok(Self { word, len: len as usize }) } else { Err(Garbage) }
    }

    /// Lane of a request, as its client says: below 2^16.
    #[inline(always)]
    pub fn lane(self) -> u64 {
        self.word.get() & FIELD_MASK
    }
}

/// `{ low bits of the request's number: 32, elements + 1: 16, lane: 16 }`, high to low.
#[inline(always)]
fn pack_request(request_id: u64, lane: u32, len: usize) -> u64 {
    request_id << ID_SHIFT | (len as u64 + 1) << LEN_SHIFT | u64::from(lane) & FIELD_MASK
}

/// `{ low bits of the request's number: 48, elements + 1: 16 }`, high to low.
#[inline(always)]
fn pack_reply(request_id: u64, len: usize) -> u64 {
    request_id << LEN_SHIFT | (len as u64 + 1)
}

/// The oldest message of a peer, still where it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Oldest {
    /// In the shuttle.
    InShuttle(ShuttleWord),
    /// In a slot of the channel.
    InChannel(Front),
}

impl Oldest {
    /// Where the message lies.
    #[inline(always)]
    pub fn entry(self) -> Entry {
        match self {
            Self::InShuttle(_) => Entry::IN_SLOT,
            Self::InChannel(front) => front.entry(),
        }
    }
}

/// Whether there is room in the channel behind the shuttle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// There is as much as the channel itself has.
    Free,
    /// There is, now that the message in the shuttle is the sender's again.
    Displaced,
    /// There is none, and no overflow.
    Full,
}

/// Spin-loop hints of the pause after the first poll that finds nothing: 60 ns of an EPYC, 130 ns of a Xeon, about as long as the
/// line takes to the other side and back. Fewer let a fast poll take it away from a side that is still writing into it.
const FIRST_POLL_HINTS: u32 = 3;

/// The sender's account of a message in the shuttle that may be unread, and of those that went past it into the channel.
#[derive(Debug)]
struct Ahead {
    /// Messages that may be unread, with the one in the shuttle: `1..=2^16`.
    capacity: usize,
    overflow: bool,
    /// The word as long as nobody is known to have taken it, then 0.
    word: Cell<u64>,
    passed: Cell<usize>,
    /// Whether the next poll is the first one since. It pauses: nothing can be there so soon, and each poll takes the line
    /// away from the other side, which is about to write into it.
    is_first_poll: Cell<bool>,
}

impl Ahead {
    fn new(capacity: usize, overflow: bool) -> Self {
        Self { capacity, overflow, word: Cell::new(0), passed: Cell::new(0), is_first_poll: Cell::new(false) }
    }

    /// A message is written into the line.
    #[inline(always)]
    fn set(&self, word: u64) {
        self.word.set(word);
        self.passed.set(0);
        self.is_first_poll.set(true);
    }

    #[inline(always)]
    fn on_empty_poll(&self) {
        if self.is_first_poll.replace(false) {
            (0..FIRST_POLL_HINTS).for_each(|_| std::hint::spin_loop());
        }
    }

    /// Makes room for one more message in the channel, and counts it.
    fn make_room(&self, slots: &impl Slots, index: usize) -> Room {
        let word = self.word.get();
        if slots.load(index) != word {
            self.word.set(0);
            return Room::Free;
        }
        if self.passed.get() + 1 < self.capacity {
            self.passed.set(self.passed.get() + 1);
            return Room::Free;
        }
        if !self.overflow {
            return Room::Full;
        }
        self.word.set(0);
        if slots.take(index, word) { Room::Displaced } else { Room::Free }
    }
}

#[inline(always)]
fn take(slots: &impl Slots, index: usize, carried: ShuttleWord, may_be_displaced: bool) -> bool {
    if may_be_displaced {
        return slots.take(index, carried.word.get());
    }
    slots.store(index, 0);
    true
}

/// The client's side.
#[derive(Debug)]
pub struct ShuttleClient {
    overflow_responses: bool,
    ahead: Ahead,
    /// The request to which a response may come by the shuttle, 0 if none: then the shuttle is free.
    awaited: Cell<u64>,
    /// Its lane.
    lane: Cell<u32>,
}

impl ShuttleClient {
    /// For an empty shuttle beside a channel of `capacity` requests.
    pub fn new(capacity: usize, overflow_requests: bool, overflow_responses: bool) -> Self {
        let ahead = Ahead::new(capacity, overflow_requests);
        Self { overflow_responses, ahead, awaited: Cell::new(0), lane: Cell::new(0) }
    }

    /// Whether the shuttle is free, as far as is known.
    #[inline(always)]
    pub fn is_free(&self) -> bool {
        self.awaited.get() == 0
    }

    /// The request that was sent by the shuttle last, and its lane.
    pub fn sent(&self) -> (u64, usize) {
        (self.awaited.get(), self.lane.get() as usize)
    }

    /// Whether the shuttle is free. `done` says with which request of a lane the server was done last; asked for only
    /// if the server has taken the request that went by the shuttle.
    pub fn poll_free(&self, slots: &impl Slots, done: impl FnOnce(usize) -> u64) -> bool {
        if self.is_free() {
            return true;
        }
        if slots.load(REQUEST) != 0 {
            return false;
        }
        // Whichever request of its lane the server is done with, it is this one or a newer one, for which it gave this up.
        let is_done = slots.load(REPLY) != 0 || done(self.lane.get() as usize) >= self.awaited.get();
        if is_done {
            // A response that nobody waits for any more does not go out again.
            slots.store(REPLY, 0);
            self.awaited.set(0);
        }
        is_done
    }

    /// Sends the request whose payload is in the shuttle: the word that is there until it is taken. The shuttle is
    /// free, and the channel empty.
    #[inline(always)]
    pub fn send(&self, slots: &impl Slots, request_id: u64, lane: u32, len: usize) -> u64 {
        let word = pack_request(request_id, lane, len);
        self.awaited.set(request_id);
        self.lane.set(lane);
        self.ahead.set(word);
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

    /// Peeks at the response to the request, which [is awaited](Self::is_awaited), without taking it.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(always)]
    pub fn front(&self, slots: &impl Slots) -> Result<Option<ShuttleWord>, Garbage> {
        match NonZeroU64::new(slots.load(REPLY)) {
            None => Ok(None),
            Some(word) => ShuttleWord::reply(word, self.awaited.get()).map(Some),
        }
    }

    /// After a poll that found nothing.
    #[inline(always)]
    pub fn on_empty_poll(&self) {
        self.ahead.on_empty_poll();
    }

    /// Takes the response that was peeked at; `false` if the server has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, slots: &impl Slots, reply: ShuttleWord) -> bool {
        if !take(slots, REPLY, reply, self.overflow_responses) {
            return false;
        }
        self.awaited.set(0);
        true
    }
}

/// The server's side.
#[derive(Debug)]
pub struct ShuttleServer {
    overflow_requests: bool,
    ahead: Ahead,
    /// The request that came by the shuttle last.
    request_id: Cell<u64>,
    /// Whether no response to it was sent.
    is_first: Cell<bool>,
}

impl ShuttleServer {
    /// For an empty shuttle beside lanes of `capacity` responses.
    pub fn new(capacity: usize, overflow_requests: bool, overflow_responses: bool) -> Self {
        Self {
            overflow_requests,
            ahead: Ahead::new(capacity, overflow_responses),
            request_id: Cell::new(0),
            is_first: Cell::new(false),
        }
    }

    /// Peeks at the request without taking it.
    ///
    /// # Errors
    /// [`Garbage`].
    #[inline(always)]
    pub fn front(&self, slots: &impl Slots) -> Result<Option<ShuttleWord>, Garbage> {
        NonZeroU64::new(slots.load(REQUEST)).map(ShuttleWord::request).transpose()
    }

    /// Takes the request that was peeked at; `false` if the client has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, slots: &impl Slots, request: ShuttleWord, request_id: u64) -> bool {
        if !take(slots, REQUEST, request, self.overflow_requests) {
            return false;
        }
        self.request_id.set(request_id);
        self.is_first.set(true);
        self.ahead.word.set(0);
        true
    }

    /// Whether a response to this request, sent now, is the first and may go back by the shuttle.
    #[inline(always)]
    pub fn is_first(&self, request_id: u64) -> bool {
        self.is_first.get() && self.request_id.get() == request_id
    }

    /// The first response is sent, whichever that is.
    #[inline(always)]
    pub fn mark_answered(&self) {
        self.is_first.set(false);
    }

    /// Sends the response whose payload is in the shuttle.
    #[inline(always)]
    pub fn reply(&self, slots: &impl Slots, request_id: u64, len: usize) {
        let word = pack_reply(request_id, len);
        self.ahead.set(word);
        slots.store(REPLY, word);
    }

    /// After a poll that found nothing.
    #[inline(always)]
    pub fn on_empty_poll(&self) {
        self.ahead.on_empty_poll();
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
