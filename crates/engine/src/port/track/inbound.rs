//! How a message is found and taken in the common case. What is in the shuttle is older than what is in the channel, so it is
//! looked for afterwards and taken first.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::{ClientTrack, Inbound, LaneReceiver, ServerTrack};
use crate::channel::shuttle::{self, Oldest, ShuttleWord};
use crate::channel::{Front, Garbage, Slots};
use crate::connection::SharedLine;
use crate::port::link::{Connection, Connections, Ends};
use crate::port::member::sync_state::Port;
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

/// Whose message was received last, by its place among the peers: each of them is heard, however much another one sends
/// (RR-SND-12).
#[derive(Debug, Default)]
pub(in crate::port) struct Turn {
    pub last: Cell<usize>,
}

impl Turn {
    /// The peer to receive from: the next one, or of several the next one that `is_waiting`. Nothing if none is.
    #[inline(always)]
    pub fn next<C>(&self, peers: &RefCell<Vec<Rc<C>>>, is_waiting: impl Fn(&C) -> bool) -> Option<usize> {
        let next = self.last.get() + 1;
        if peers.borrow().len() > 1 { next_of_several(&peers.borrow(), next, is_waiting) } else { Some(next) }
    }
}

/// A look at a word of each peer, and at nothing else: most of them may have nothing to say.
#[inline(never)]
fn next_of_several<C>(peers: &[Rc<C>], next: usize, is_waiting: impl Fn(&C) -> bool) -> Option<usize> {
    let (before, from) = peers.split_at(next.min(peers.len()));
    let found = from.iter().position(|peer| is_waiting(peer)).map(|index| before.len() + index);
    found.or_else(|| before.iter().position(|peer| is_waiting(peer)))
}

/// A peer, and its place among the others.
pub(in crate::port) type Peer<'a, T> = (&'a Rc<Connection<T>>, usize);

/// Takes a message that was found in the common case, if it is what it has to be.
///
/// A trait, and no closure, because it is inlined for each way that a message travels: so which one it is need not be said in
/// memory.
pub(in crate::port) trait Takes {
    type Ends: Ends;
    type Taken;

    /// From the peer whose turn it is.
    fn take(&self, peer: Peer<'_, Self::Ends>, message: Message<'_>, oldest: Oldest) -> Result<Self::Taken, NotTaken>;

    /// The oldest message of the peer whose turn it is.
    fn take_oldest(&self, peer: Peer<'_, Self::Ends>) -> Result<Self::Taken, NotTaken>;

    /// Fast path: the peer of this number has sent a message that is what it has to be, or it is the only one and has sent
    /// nothing.
    #[inline(always)]
    fn receive_from(
        &self,
        port: &impl Port<Ends = Self::Ends>,
        peers: &RefCell<Connections<Self::Ends>>,
        turn: usize,
    ) -> Result<Option<Self::Taken>, FastPathMiss> {
        let peers = peers.borrow();
        // Behind the last one it is the first one's turn.
        let turn = if turn < peers.len() { turn } else { 0 };
        let connection = peers.get(turn).ok_or(FastPathMiss)?;
        if connection.broken.get() {
            return Err(FastPathMiss);
        }
        match self.take_oldest((connection, turn)) {
            Ok(taken) => return Ok(Some(taken)),
            Err(NotTaken::Empty) if peers.len() == 1 => {}
            Err(_) => return Err(FastPathMiss),
        }
        connection.track.on_empty_poll();
        drop(peers);
        port.on_empty_poll();
        // Somebody may wait to be attached, or something be to be told.
        if port.sync_state.needs_attention.get() { Err(FastPathMiss) } else { Ok(None) }
    }
}

impl Inbound {
    /// Whether there is nothing to take: one load.
    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.consumer.is_empty(&self.slots.view())
    }

    /// Takes the message that was found at the front.
    #[inline(always)]
    fn receive<T: Takes>(
        &self,
        taker: &T,
        peer: Peer<'_, T::Ends>,
        front: Result<Option<Front>, Garbage>,
    ) -> Result<T::Taken, NotTaken> {
        match front {
            Ok(None) => Err(NotTaken::Empty),
            Ok(Some(front)) => match peer.0.remote.message(front, self.slots.view(), &peer.0.file) {
                Ok(message) => taker.take(peer, message, Oldest::InChannel(front)),
                Err(_) => Err(NotTaken::Miss),
            },
            Err(Garbage) => Err(NotTaken::Miss),
        }
    }

    /// Takes a message that was found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub(super) fn take(&self, front: Front) -> bool {
        self.consumer.take_front(&self.slots.view(), front)
    }
}

impl ClientTrack {
    /// Whether a word of the lane says that there is a response.
    #[inline(always)]
    pub fn has_answered(&self, lane: usize, request_id: u64) -> bool {
        let by_shuttle = || self.shuttle.is_awaited(request_id) && SharedLine::of(&self.line).load(shuttle::REPLY) != 0;
        !self.lanes[lane].responses.is_empty() || by_shuttle()
    }

    /// The word of a response to this request that has come by the shuttle.
    #[inline(always)]
    pub(super) fn poll_shuttle(&self, request_id: u64) -> Result<Option<ShuttleWord>, Garbage> {
        if !self.shuttle.is_awaited(request_id) {
            return Ok(None);
        }
        let shared = SharedLine::of(&self.line);
        shared.prefetch();
        self.shuttle.front(&shared)
    }

    #[inline(always)]
    pub(super) fn in_shuttle(&self, word: ShuttleWord, lane: usize, request_id: u64) -> Message<'_> {
        let header = ChunkHeader { request_id, lane: lane as u64, len: word.len as u64 };
        Message::Tiny(header, SharedLine::of(&self.line).reply())
    }

    /// Takes the oldest response to a request, or else the oldest of its lane, in the common case.
    #[inline(always)]
    pub fn receive<T: Takes>(
        &self,
        taker: &T,
        peer: Peer<'_, T::Ends>,
        (lane, request_id): (usize, u64),
    ) -> Result<T::Taken, NotTaken> {
        let responses = &self.lanes[lane].responses;
        let front = responses.consumer.front(&responses.slots.view());
        // After polling the channel: what is in the shuttle was sent before what is there.
        match self.poll_shuttle(request_id) {
            Ok(None) => responses.receive(taker, peer, front),
            Ok(Some(word)) => taker.take(peer, self.in_shuttle(word, lane, request_id), Oldest::InShuttle(word)),
            Err(Garbage) => Err(NotTaken::Miss),
        }
    }

    /// Takes the response that was just found; `false` if a newer one has displaced it meanwhile.
    #[inline(always)]
    pub fn take(&self, end: &LaneReceiver, oldest: Oldest) -> bool {
        match oldest {
            Oldest::InShuttle(carried) => self.shuttle.take(&SharedLine::of(&self.line), carried),
            Oldest::InChannel(front) => end.responses.take(front),
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
        shared.load(shuttle::REQUEST) != 0 || !self.requests.is_empty()
    }

    /// The word of the request that is in the shuttle.
    #[inline(always)]
    pub(super) fn poll_shuttle(&self) -> Result<Option<ShuttleWord>, Garbage> {
        let shared = SharedLine::of(&self.line);
        shared.prefetch();
        self.shuttle.front(&shared)
    }

    #[inline(always)]
    pub(super) fn in_shuttle(&self, word: ShuttleWord) -> Message<'_> {
        let shared = SharedLine::of(&self.line);
        let header = ChunkHeader { request_id: shared.request_id(), lane: word.lane(), len: word.len as u64 };
        Message::Tiny(header, shared.request())
    }

    /// Takes the oldest request, in the common case.
    #[inline(always)]
    pub fn receive<T: Takes>(&self, taker: &T, peer: Peer<'_, T::Ends>) -> Result<T::Taken, NotTaken> {
        let front = self.requests.consumer.front(&self.requests.slots.view());
        // After polling the channel: what is in the shuttle was sent before what is there.
        match self.poll_shuttle() {
            Ok(None) => self.requests.receive(taker, peer, front),
            Ok(Some(word)) => taker.take(peer, self.in_shuttle(word), Oldest::InShuttle(word)),
            Err(Garbage) => Err(NotTaken::Miss),
        }
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

impl Connection<ServerTrack> {
    /// Whether somebody waits for responses to this request.
    #[inline(always)]
    pub fn is_awaited(&self, lane: usize, request_id: u64) -> bool {
        !self.closed.get() && self.track.lanes[lane].words.open() == request_id
    }
}
