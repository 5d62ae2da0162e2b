//! How a message is found and taken. What is in the shuttle is older than what is in the channel, so it is looked for afterwards
//! and taken first.

use std::ops::Deref;
use std::rc::Rc;

use super::{ClientTrack, Inbound, LaneReceiver, ServerTrack};
use crate::channel::shuttle::{self, Oldest, ShuttleWord};
use crate::channel::{Front, Garbage, Slots};
use crate::connection::{self, SharedLine};
use crate::port::link::Link;
use crate::port::link::remote::Unreadable;
use crate::shm::{ChunkHeader, Message};

/// What was found, still where it is: to be taken if it is what it has to be.
pub(in crate::port) type Found<'a> = (Oldest, Message<'a>);

/// The fast path does not apply; nothing has changed.
pub(in crate::port) struct FastPathMiss;

/// Why nothing was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::port) enum NotTaken {
    /// There is nothing.
    Empty,
    /// It is not what the fast path takes.
    Miss,
}

/// Takes a message that was found in the common case, if it is what it has to be.
///
/// A trait, and no closure, because it is inlined for each way that a message travels: so which one it is need not be said in
/// memory.
pub(in crate::port) trait Takes {
    type Connection: Deref<Target = Link>;
    type Taken;

    /// From the peer whose turn it is.
    fn take(
        &self,
        connection: &Rc<Self::Connection>,
        turn: usize,
        message: Message<'_>,
        oldest: Oldest,
    ) -> Result<Self::Taken, NotTaken>;
}

impl Inbound {
    /// Whether there is nothing to take: one load.
    #[inline(always)]
    fn is_empty(&self) -> bool {
        self.consumer.is_empty(&self.slots.view())
    }

    /// Whether any slot has something, in whichever order it is to be taken.
    pub fn has_any(&self) -> bool {
        connection::all_words(&self.slots).any(|word| word != 0)
    }

    /// Takes the message that was found at the front.
    #[inline(always)]
    fn receive<T: Takes>(
        &self,
        taker: &T,
        (connection, turn): (&Rc<T::Connection>, usize),
        front: Result<Option<Front>, Garbage>,
    ) -> Result<T::Taken, NotTaken> {
        match front {
            Ok(None) => Err(NotTaken::Empty),
            Ok(Some(front)) => match connection.message(front, self.slots.view()) {
                Ok(message) => taker.take(connection, turn, message, Oldest::InChannel(front)),
                Err(_) => Err(NotTaken::Miss),
            },
            Err(Garbage) => Err(NotTaken::Miss),
        }
    }

    /// The oldest message. One that cannot be read any more is skipped.
    fn front<'a>(
        &'a self,
        link: &Link,
        ahead: impl Fn() -> Result<Option<Found<'a>>, Garbage>,
    ) -> Result<Option<Found<'a>>, Unreadable> {
        let slots = self.slots.view();
        // A sender that goes on sending is served by the next call.
        for _ in 0..=self.slots.len() {
            let front = self.consumer.front(&slots)?;
            // As in `receive`.
            if let Some(found) = ahead()? {
                return Ok(Some(found));
            }
            let Some(front) = front else { return Ok(None) };
            match link.message(front, slots) {
                Ok(message) => return Ok(Some((Oldest::InChannel(front), message))),
                Err(reason) => self.skip(link, front, reason)?,
            }
        }
        Ok(None)
    }

    /// Skips a message that cannot be read and never will be.
    #[cold]
    fn skip(&self, link: &Link, front: Front, reason: Unreadable) -> Result<(), Unreadable> {
        match reason {
            Unreadable::CannotMap => return Err(reason),
            Unreadable::Gone | Unreadable::Lost => {
                if self.take(front) {
                    link.give_back(front.entry());
                }
            }
            // One that was displaced may be gone with its segment, and is nothing to read.
            Unreadable::Garbage if !self.take(front) => return Ok(()),
            Unreadable::Garbage => {}
        }
        if reason == Unreadable::Gone { Ok(()) } else { Err(reason) }
    }

    /// Takes a message that was found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    fn take(&self, front: Front) -> bool {
        self.consumer.take_front(&self.slots.view(), front)
    }

    /// Gives back everything unread.
    #[inline(always)]
    pub fn drain(&self, link: &Link) -> Result<(), Garbage> {
        if self.is_empty() { Ok(()) } else { self.drain_some(link) }
    }

    #[cold]
    #[inline(never)]
    fn drain_some(&self, link: &Link) -> Result<(), Garbage> {
        // A sender that goes on sending is served by the next call.
        for _ in 0..self.slots.len() {
            let Some(entry) = self.consumer.take(&self.slots.view())? else { break };
            link.give_back(entry);
        }
        Ok(())
    }
}

impl ClientTrack {
    /// Whether a word of the lane says that there is a response.
    #[inline(always)]
    pub fn has_answered(&self, lane: usize, request_id: u64) -> bool {
        let by_shuttle = || self.shuttle.is_awaited(request_id) && SharedLine::of(&self.line).load(shuttle::REPLY) != 0;
        !self.lanes[lane].responses.is_empty() || by_shuttle()
    }

    /// The same of any slot of the lane.
    pub fn has_any(&self, lane: usize, request_id: u64) -> bool {
        self.has_answered(lane, request_id) || self.lanes[lane].responses.has_any()
    }

    /// The word of a response to this request that has come by the shuttle.
    #[inline(always)]
    fn poll_shuttle(&self, request_id: u64) -> Result<Option<ShuttleWord>, Garbage> {
        if !self.shuttle.is_awaited(request_id) {
            return Ok(None);
        }
        let shared = SharedLine::of(&self.line);
        shared.prefetch();
        self.shuttle.front(&shared)
    }

    #[inline(always)]
    fn in_shuttle(&self, word: ShuttleWord, lane: usize, request_id: u64) -> Message<'_> {
        let header = ChunkHeader { request_id, lane: lane as u64, len: word.len as u64 };
        Message::Tiny(header, SharedLine::of(&self.line).reply())
    }

    /// Takes the oldest response to a request, or else the oldest of its lane, in the common case.
    #[inline(always)]
    pub fn receive<T: Takes>(
        &self,
        taker: &T,
        from: (&Rc<T::Connection>, usize),
        (lane, request_id): (usize, u64),
    ) -> Result<T::Taken, NotTaken> {
        let responses = &self.lanes[lane].responses;
        let front = responses.consumer.front(&responses.slots.view());
        // After polling the channel: what is in the shuttle was sent before what is there.
        match self.poll_shuttle(request_id) {
            Ok(None) => responses.receive(taker, from, front),
            Ok(Some(word)) => {
                taker.take(from.0, from.1, self.in_shuttle(word, lane, request_id), Oldest::InShuttle(word))
            }
            Err(Garbage) => Err(NotTaken::Miss),
        }
    }

    /// The oldest one, still where it is, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link, lane: usize, request_id: u64) -> Result<Option<Found<'a>>, Unreadable> {
        let found = |word| (Oldest::InShuttle(word), self.in_shuttle(word, lane, request_id));
        self.lanes[lane].responses.front(link, || Ok(self.poll_shuttle(request_id)?.map(found)))
    }

    /// After a look that has found nothing.
    #[inline(always)]
    pub fn on_empty_poll(&self) {
        self.shuttle.on_empty_poll();
    }

    /// Takes the response that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, end: &LaneReceiver, oldest: Oldest) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&SharedLine::of(&self.line), carried),
            Oldest::InChannel(front) => end.responses.take(front),
        }
    }

    /// Gives back the response that was just found unread, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, link: &Link, lane: usize, oldest: Oldest) {
        if self.take(&self.lanes[lane], oldest) {
            link.give_back(oldest.entry());
        }
    }
}

impl ServerTrack {
    /// Whether a word says that there is a request.
    #[inline(always)]
    pub fn is_waiting(&self) -> bool {
        let shared = SharedLine::of(&self.line);
        // As where a request is looked for to be taken: the line arrives ready for that.
        shared.prefetch();
        !(self.shuttle.is_empty(&shared) && self.requests.is_empty())
    }

    /// The word of the request that is in the shuttle.
    #[inline(always)]
    fn poll_shuttle(&self) -> Result<Option<ShuttleWord>, Garbage> {
        let shared = SharedLine::of(&self.line);
        shared.prefetch();
        self.shuttle.front(&shared)
    }

    #[inline(always)]
    fn in_shuttle(&self, word: ShuttleWord) -> Message<'_> {
        let shared = SharedLine::of(&self.line);
        let header = ChunkHeader { request_id: shared.request_id(), lane: word.lane(), len: word.len as u64 };
        Message::Tiny(header, shared.request())
    }

    /// Takes the oldest request, in the common case.
    #[inline(always)]
    pub fn receive<T: Takes>(&self, taker: &T, from: (&Rc<T::Connection>, usize)) -> Result<T::Taken, NotTaken> {
        let front = self.requests.consumer.front(&self.requests.slots.view());
        // After polling the channel: what is in the shuttle was sent before what is there.
        match self.poll_shuttle() {
            Ok(None) => self.requests.receive(taker, from, front),
            Ok(Some(word)) => taker.take(from.0, from.1, self.in_shuttle(word), Oldest::InShuttle(word)),
            Err(Garbage) => Err(NotTaken::Miss),
        }
    }

    /// The oldest one, still where it is, with those out of the way that cannot be read any more.
    pub fn front<'a>(&'a self, link: &'a Link) -> Result<Option<Found<'a>>, Unreadable> {
        self.requests
            .front(link, || Ok(self.poll_shuttle()?.map(|word| (Oldest::InShuttle(word), self.in_shuttle(word)))))
    }

    /// After a look that has found nothing.
    #[inline(always)]
    pub fn on_empty_poll(&self) {
        self.shuttle.on_empty_poll();
    }

    /// Takes the request that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, oldest: Oldest, request_id: u64) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&SharedLine::of(&self.line), carried, request_id),
            Oldest::InChannel(front) => self.requests.take(front),
        }
    }
}
