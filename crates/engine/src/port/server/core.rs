//! What a server is, whatever it receives: its connections, its loans, and how a response goes to its client.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::atomic::{Ordering, fence};

use crate::channel::Garbage;
use crate::connection::Side;
use crate::error::{ReceiveError, SendError};
use crate::port::backpressure::{GaveUp, Waiting};
use crate::port::lender::Lender;
use crate::port::link::remote::Unreadable;
use crate::port::member::following::{Member, Port};
use crate::port::payloads::Payloads;
use crate::port::server::connection::{Outgoing, ServerConnection};
use crate::shm::{ChunkMut, Message, Published};

#[derive(Debug)]
pub(in crate::port) struct ServerCore {
    member: Member<ServerConnection>,
    pub loans_max: usize,
    /// Where the next receive begins, so that every client is served in turn.
    pub(in crate::port) turn: Cell<usize>,
    /// Clients that were attached in its life.
    pub(in crate::port) attached: Cell<u64>,
}

impl Deref for ServerCore {
    type Target = Member<ServerConnection>;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl Lender for ServerCore {
    #[inline(always)]
    fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    fn bring_home(&self) {
        self.look_closely();
        self.collect();
        self.payloads.tidy();
    }

    fn announce(&self, segment: u16) {
        for connection in self.connections.borrow().iter() {
            connection.file.set_segment(Side::Server, segment);
        }
    }
}

impl ServerCore {
    pub fn new(member: Member<ServerConnection>, loans_max: usize) -> Self {
        Self { member, loans_max, turn: Cell::new(0), attached: Cell::new(0) }
    }

    pub fn has_requests(&self) -> Result<bool, ReceiveError> {
        self.follow_changes();
        loop {
            let mut error = None;
            for connection in self.connections.borrow().iter() {
                match self.front(connection) {
                    Ok(Some(_)) => return Ok(true),
                    Ok(None) => {}
                    Err(reason) => error = Some(reason),
                }
            }
            self.idle();
            // Each time around, clients are taken in that have left, of which there is an end.
            if self.following.is_unsettled() && self.catch_up() {
                continue;
            }
            return error.or_else(|| self.problem()).map_or(Ok(false), Err);
        }
    }

    /// Whether nobody waits for the answer, where that matters (RR-FNF-02).
    #[inline(always)]
    pub fn is_unwanted(&self, connection: &ServerConnection, lane: usize, request_id: u64) -> bool {
        !self.service.settings().fire_and_forget && !connection.is_awaited(lane, request_id)
    }

    /// The client to receive from: the next one, or of several the next one that has sent something. Nothing if none has.
    #[inline(always)]
    pub fn first_waiting(&self) -> Option<usize> {
        let next = self.turn.get() + 1;
        if self.connections.borrow().len() > 1 { self.first_waiting_of_several(next) } else { Some(next) }
    }

    /// A look at a word of each client, and at nothing else: most of them may be idle.
    #[inline(never)]
    fn first_waiting_of_several(&self, next: usize) -> Option<usize> {
        let connections = self.connections.borrow();
        let (before, from) = connections.split_at(next.min(connections.len()));
        let is_waiting = |connection: &Rc<ServerConnection>| {
            let shuttle = connection.file.shuttle();
            // As where a request is looked for to be taken: the line arrives ready for that.
            shuttle.warm();
            let is_empty =
                connection.shuttle.is_empty(&shuttle) && connection.incoming.is_empty(&connection.file.requests());
            !is_empty && !connection.broken.get()
        };
        let found = from.iter().position(is_waiting).map(|index| before.len() + index);
        let found = found.or_else(|| before.iter().position(is_waiting));
        drop(connections);
        if found.is_none() {
            self.idle();
        }
        found
    }

    /// The request that a client waits for to be received, with unwanted ones out of the way.
    pub fn front<'a>(&self, connection: &'a ServerConnection) -> Result<Option<Message<'a>>, ReceiveError> {
        if connection.broken.get() {
            return Ok(None);
        }
        // Requests that are skipped are bounded by the channel; a client that goes on sending is heard by the next call.
        for _ in 0..=self.service.settings().max_active_requests {
            let front = connection.front().map_err(|reason| self.unreadable(connection, reason))?;
            let Some((oldest, message)) = front else { return Ok(None) };
            let header = message.header();
            let Ok(lane) = connection.lane_of(header.lane) else { return Err(self.corrupted(connection)) };
            if !self.is_unwanted(connection, lane, header.request_id) {
                return Ok(Some(message));
            }
            connection.refuse(oldest, header.request_id, lane);
        }
        Ok(None)
    }

    #[cold]
    pub fn corrupted(&self, connection: &ServerConnection) -> ReceiveError {
        connection.fail(&self.payloads);
        ReceiveError::ConnectionCorrupted
    }

    #[cold]
    pub fn unreadable(&self, connection: &ServerConnection, reason: Unreadable) -> ReceiveError {
        match reason {
            Unreadable::CannotMap => ReceiveError::CannotMap(Box::new(connection.remote.take_problem())),
            Unreadable::Lost => ReceiveError::MessageLost,
            Unreadable::Garbage | Unreadable::Gone => self.corrupted(connection),
        }
    }

    pub fn collect(&self) {
        // What is gone has been taken back already, so its returns would look like garbage.
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            if connection.collect(&self.payloads).is_err() {
                connection.fail(&self.payloads);
            }
        }
    }

    /// Sends a response, unless its request is nobody's any more: then the chunk is simply free again (RR-PND-06).
    #[inline(always)]
    pub fn send(
        &self,
        connection: &ServerConnection,
        chunk: &mut ChunkMut,
        response: Outgoing,
    ) -> Result<(), SendError> {
        let Outgoing { lane, request_id, .. } = response;
        if connection.gone.get() || connection.lanes[lane].newest.get() != request_id {
            return Ok(());
        }
        // Without overflow, it would take the room of a later request's responses on the same lane (RR-ACT-03). With
        // overflow it gives way to them, and the look at the client's word is saved.
        if !self.service.settings().overflow_responses {
            // What was sent before is in the lane when the client's word is looked at: of those who look while the pending
            // response ends, a client that drains its lane behind that end misses one response at most.
            fence(Ordering::SeqCst);
            if !connection.is_awaited(lane, request_id) {
                return Ok(());
            }
        }
        let chunk = chunk.publish();
        if connection.reply(chunk, response) {
            return Ok(());
        }
        match connection.push(&self.payloads, chunk, response) {
            Ok(true) => Ok(()),
            Ok(false) => self.settle(connection, chunk, response),
            Err(Garbage) => Err(self.take_back(connection, GaveUp::Corrupted)),
        }
    }

    /// What is left to do where there was no room.
    #[cold]
    #[inline(never)]
    fn settle(&self, connection: &ServerConnection, chunk: Published<'_>, response: Outgoing) -> Result<(), SendError> {
        if !self.backpressure.may_wait() {
            return Ok(());
        }
        match self.push_when_there_is_room(connection, chunk, response) {
            None => Ok(()),
            Some(gave_up) => Err(self.take_back(connection, gave_up)),
        }
    }

    /// Ends when somebody makes room, when nobody waits any more, or when the strategy or the handler says so.
    fn push_when_there_is_room(
        &self,
        connection: &ServerConnection,
        chunk: Published<'_>,
        response: Outgoing,
    ) -> Option<GaveUp> {
        let Outgoing { lane, request_id, .. } = response;
        let mut waiting = Waiting::new(&self.backpressure, &self.service, self.id);
        // A handler may do anything in between, even drop the request or who waits for the response.
        let is_wanted = || connection.is_awaited(lane, request_id) && connection.lanes[lane].newest.get() == request_id;
        while is_wanted() && waiting.goes_on(connection.client, connection.node) {
            waiting.pause();
            self.look_after_peers(self.watch.is_due());
            if !is_wanted() {
                break;
            }
            match connection.push(&self.payloads, chunk, response) {
                Ok(true) => break,
                Ok(false) => {}
                Err(Garbage) => return Some(GaveUp::Corrupted),
            }
        }
        waiting.gave_up
    }

    #[cold]
    #[inline(never)]
    fn take_back(&self, connection: &ServerConnection, gave_up: GaveUp) -> SendError {
        if matches!(gave_up, GaveUp::Corrupted) {
            connection.fail(&self.payloads);
        }
        gave_up.into_error()
    }
}
