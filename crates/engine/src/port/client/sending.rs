//! How a request goes to the servers: by the shuttle, in a slot, or in a chunk; and what happens where one has no room.

use std::rc::Rc;

use crate::channel::shuttle::{Room, SHUTTLE_LEN_MAX};
use crate::channel::{Entry, Push};
use crate::connection::{self, State};
use crate::error::{LoanError, SendError};
use crate::port::backpressure::{GaveUp, Waiting};
use crate::port::client::connection::ClientConnection;
use crate::port::client::core::ClientCore;
use crate::port::link::lending::Lent;
use crate::port::member::following::{Port, Problem};
use crate::shm::{ChunkHeader, ChunkMut, Published, SHUTTLE_BYTES, slot_header};

/// So many servers that have left still hold something that no more can: it does not get the request.
const CROWDED: u8 = 4;
/// What became of sending to one server, or to several.
const NO_TROUBLE: u8 = 0;
/// There is no room.
const FULL: u8 = 1;
/// It has written garbage, and its connection is closed.
const CORRUPTED: u8 = 2;

/// Requests between two looks at the clock, and where that is due at the lives of servers.
const REQUESTS_BETWEEN_LOOKS: u64 = 32;

/// A request on its way, which its chunk holds.
#[derive(Debug, Clone, Copy)]
pub(in crate::port) struct Outgoing {
    id: u64,
    /// Elements.
    len: usize,
    /// Its bytes if it travels in slots.
    small: Option<usize>,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub(in crate::port) struct Sent {
    pub lane: u32,
    pub delivered: u32,
    pub request_id: u64,
}

impl ClientCore {
    /// Sends a chunk of `len` elements to every server and opens a lane for the responses. `small` are its bytes if it travels
    /// in slots.
    #[inline(always)]
    pub fn send(&self, chunk: &mut ChunkMut, len: usize, small: Option<usize>) -> Result<Sent, SendError> {
        if self.active.get() >= self.active_max {
            return Err(SendError::ExceedsMaxActiveRequests { max: self.active_max });
        }
        self.follow_changes();
        // There is a lane for each active request of the service, and active_max is at most that.
        let Some(lane) = self.free_lanes.pop() else {
            return Err(SendError::ExceedsMaxActiveRequests { max: self.active_max });
        };
        let place = &self.lanes[lane as usize];
        let request_id = self.next_request.get();
        if request_id.is_multiple_of(REQUESTS_BETWEEN_LOOKS) {
            // A client may do nothing but send, and still has to notice that servers die (RR-LIV-02).
            self.look_closely();
        }
        self.next_request.set(request_id + 1);
        self.active.set(self.active.get() + 1);
        place.request_id.set(request_id);
        chunk.set_header(ChunkHeader { request_id, lane: lane.into(), len: len as u64 });
        let chunk = chunk.publish();
        let request = Outgoing { id: request_id, len, small };
        let connections = self.connections.borrow();
        let trouble = match &connections[..] {
            [connection] if connection.open.get() => self.deliver(connection, lane as usize, chunk, request),
            several => self.deliver_to_each(several, lane as usize, chunk, request),
        };
        drop(connections);
        if trouble != NO_TROUBLE {
            self.settle(lane as usize, chunk, request, trouble)?;
        }
        let delivered = place.deliveries.borrow().len() as u32;
        if delivered == 0 && self.following.is_unsettled() {
            self.tell_of_nobody(lane as usize)?;
        }
        Ok(Sent { lane, delivered, request_id })
    }

    /// Where no server got the request: why one that is there is not connected, if that is known.
    #[cold]
    #[inline(never)]
    fn tell_of_nobody(&self, lane: usize) -> Result<(), SendError> {
        let Some(problem) = self.following.take_problem() else { return Ok(()) };
        let reason = match problem {
            Problem::CannotAttach(reason) => SendError::CannotAttach(reason),
            Problem::NamespaceGone(reason) => SendError::NamespaceGone(Box::new(reason)),
        };
        Err(self.take_back(lane, GaveUp::Nobody(reason)))
    }

    /// Sends to all servers: the trouble with any of them.
    fn deliver_to_each(
        &self,
        connections: &[Rc<ClientConnection>],
        lane: usize,
        chunk: Published<'_>,
        request: Outgoing,
    ) -> u8 {
        let open = connections.iter().filter(|connection| connection.open.get());
        open.fold(NO_TROUBLE, |trouble, connection| trouble | self.deliver(connection, lane, chunk, request))
    }

    /// Sends to one server: the trouble with it.
    #[inline(always)]
    fn deliver(&self, connection: &Rc<ClientConnection>, lane: usize, chunk: Published<'_>, request: Outgoing) -> u8 {
        // Without overflow, a response that came after the end of an earlier request would keep out one to this.
        let end = &connection.lanes[lane];
        if !self.overflows_responses && connection.drain(end).is_err() {
            return self.corrupted(connection);
        }
        end.set_open(request.id);
        if self.send_by_shuttle(connection, lane, chunk, request) {
            return NO_TROUBLE;
        }
        if connection.shuttle.has_message() {
            let trouble = self.make_room(connection);
            if trouble != NO_TROUBLE {
                return trouble;
            }
        }
        let (producer, slots) = (&connection.requests, connection.file.requests());
        let slot = producer.next_slot();
        let word = if let Some(bytes) = request.small
            && let Some(slot) = producer.vacant(&slots)
        {
            chunk.copy_to(bytes, slots.line(slot));
            producer.fill(&slots, slot, Entry::IN_SLOT)
        } else {
            match self.push_chunk(connection, slot, chunk) {
                Ok(word) => word,
                Err(trouble) => return trouble,
            }
        };
        connection.waker.wake();
        connection.newest_slot.set(Some(slot));
        end.set_sent(Some(slot), word);
        self.lanes[lane].deliveries.borrow_mut().push(Rc::clone(connection));
        if connection.lending.is_half_lent() && connection.collect(&self.payloads).is_err() {
            connection.fail(&self.payloads);
        }
        NO_TROUBLE
    }

    /// Sends a request by the shuttle if it is the only one under way and very small; `false` if it has to go through the
    /// channel.
    #[inline(always)]
    fn send_by_shuttle(
        &self,
        connection: &Rc<ClientConnection>,
        lane: usize,
        chunk: Published<'_>,
        Outgoing { id, len, small }: Outgoing,
    ) -> bool {
        let Some(bytes) = small.filter(|bytes| *bytes <= SHUTTLE_BYTES && len <= SHUTTLE_LEN_MAX) else {
            return false;
        };
        if !self.uses_shuttle || self.active.get() > 1 || !connection.is_shuttle_free() {
            return false;
        }
        let shuttle = connection.file.shuttle();
        chunk.copy_body_to(bytes, shuttle.request());
        shuttle.set_request_id(id);
        let word = connection.shuttle.send(&shuttle, id, lane as u32, len);
        connection.waker.wake();
        connection.lanes[lane].set_sent(None, word);
        self.lanes[lane].deliveries.borrow_mut().push(Rc::clone(connection));
        true
    }

    /// Makes room in the channel behind a request that may still be in the shuttle.
    #[cold]
    #[inline(never)]
    fn make_room(&self, connection: &Rc<ClientConnection>) -> u8 {
        let (request_id, lane) = connection.shuttle.sent();
        match connection.shuttle.make_room(&connection.file.shuttle()) {
            Room::Free => {}
            Room::Full => return FULL,
            Room::Displaced => self.mark_displaced(connection, request_id, lane),
        }
        NO_TROUBLE
    }

    /// Lends the chunk and pushes its entry: the word in the slot, or the trouble.
    #[inline(never)]
    fn push_chunk(&self, connection: &Rc<ClientConnection>, slot: usize, chunk: Published<'_>) -> Result<u64, u8> {
        match connection.lending.lend(&self.payloads, connection.file.request_returns(), chunk) {
            Ok(Lent::Done) => {}
            Ok(Lent::NoNumber) => return Err(CROWDED),
            Err(_) => return Err(self.corrupted(connection)),
        }
        let entry = Entry { segment: chunk.segment(), chunk: chunk.index() };
        let (producer, slots) = (&connection.requests, connection.file.requests());
        if let Some(slot) = producer.vacant(&slots) {
            connection::set_next_of(slots, slot, chunk.next());
            return Ok(producer.fill(&slots, slot, entry));
        }
        match producer.push(&slots, entry) {
            Ok(Push::Done { word }) => Ok(word),
            Ok(Push::Displaced { word, oldest }) => match self.reclaim_displaced(connection, slot, oldest) {
                NO_TROUBLE => Ok(word),
                trouble => Err(trouble),
            },
            Ok(Push::Full) => {
                // Lent a moment ago and never left.
                let _ = connection.lending.reclaim(&self.payloads, entry);
                Err(FULL)
            }
            Err(_) => Err(self.corrupted(connection)),
        }
    }

    /// What is left to do where not every server has simply got the request.
    #[cold]
    #[inline(never)]
    fn settle(&self, lane: usize, chunk: Published<'_>, request: Outgoing, trouble: u8) -> Result<(), SendError> {
        let mut corrupted = trouble & CORRUPTED != 0;
        let mut gave_up = None;
        if trouble & FULL != 0 && self.backpressure.may_wait() {
            gave_up = self.deliver_when_there_is_room(lane, chunk, request, &mut corrupted);
        }
        if trouble & CROWDED != 0 && self.lanes[lane].deliveries.borrow().is_empty() {
            gave_up.get_or_insert(GaveUp::Nobody(SendError::Loan(LoanError::OutOfMemory)));
        }
        // As long as somebody has the request, a server that lost its connection is as one that has gone.
        if corrupted && self.lanes[lane].deliveries.borrow().is_empty() {
            gave_up = Some(GaveUp::Corrupted);
        }
        match gave_up {
            None => Ok(()),
            Some(gave_up) => Err(self.take_back(lane, gave_up)),
        }
    }

    /// A request that a newer one has displaced. What was in the slot beside it is still there.
    #[cold]
    pub fn reclaim_displaced(&self, connection: &Rc<ClientConnection>, slot: usize, oldest: Entry) -> u8 {
        let in_slot = || slot_header(connection.file.requests().line(slot));
        let header = if oldest.is_in_slot() { Some(in_slot()) } else { self.payloads.header(oldest) };
        if let Some(header) = header {
            self.mark_displaced(connection, header.request_id, header.lane as usize);
        }
        match connection.lending.reclaim(&self.payloads, oldest) {
            Ok(()) => NO_TROUBLE,
            Err(_) => self.corrupted(connection),
        }
    }

    #[cold]
    pub fn corrupted(&self, connection: &ClientConnection) -> u8 {
        connection.fail(&self.payloads);
        CORRUPTED
    }

    /// It will never be answered by this server (RR-SND-06).
    pub fn mark_displaced(&self, connection: &Rc<ClientConnection>, request_id: u64, number: usize) {
        let lane = self.lanes.get(number);
        let Some(lane) = lane.filter(|lane| lane.request_id.get() == request_id) else { return };
        if lane.deliveries.borrow().iter().any(|delivered| Rc::ptr_eq(delivered, connection)) {
            connection.lanes[number].displaced.set(true);
        }
    }

    /// Waits for each server that had no room and is still there, as the strategy or the handler says. The others have the
    /// request already.
    #[cold]
    fn deliver_when_there_is_room(
        &self,
        lane: usize,
        chunk: Published<'_>,
        request: Outgoing,
        corrupted: &mut bool,
    ) -> Option<GaveUp> {
        let mut full: Vec<_> = {
            let deliveries = self.lanes[lane].deliveries.borrow();
            let has = |connection: &Rc<ClientConnection>| {
                deliveries.iter().any(|delivered| Rc::ptr_eq(delivered, connection))
            };
            self.connections.borrow().iter().filter(|c| c.open.get() && !has(c)).map(Rc::clone).collect()
        };
        let mut waiting = Waiting::new(&self.backpressure, &self.service, self.id);
        // All of them in turn: one that has no room keeps the request from no other.
        loop {
            full.retain(|connection| waiting.goes_on(connection.server, connection.node));
            if full.is_empty() {
                break;
            }
            waiting.pause();
            self.look_after_peers(self.watch.is_due());
            full.retain(|connection| {
                let settled = !connection.open.get()
                    || match self.deliver(connection, lane, chunk, request) {
                        FULL => false,
                        trouble => {
                            *corrupted |= trouble == CORRUPTED;
                            self.forget_if_too_late(connection, lane);
                            true
                        }
                    };
                !settled
            });
        }
        waiting.gave_up
    }

    /// A server that leaves refuses what it has not received, and by that makes room: what takes it is not delivered.
    fn forget_if_too_late(&self, connection: &Rc<ClientConnection>, lane: usize) {
        let end = &connection.lanes[lane];
        // In this order: a server that has received it and then left has changed the word before its state.
        let has_left = connection.file.server_state() >= State::Left;
        if has_left && connection.word_at(end.sent_slot.get()) == end.sent_word.get() {
            self.lanes[lane].deliveries.borrow_mut().retain(|delivered| !Rc::ptr_eq(delivered, connection));
            end.set_open(0);
        }
    }

    /// Leaves nothing of a request that was not sent (RR-SND-10). Servers that have it see that nobody waits.
    #[cold]
    pub fn take_back(&self, lane: usize, gave_up: GaveUp) -> SendError {
        self.close_lane(lane);
        gave_up.into_error()
    }
}
