//! What a server is, whatever it receives: its connections, with what it knows privately about each client, its loans, and how a
//! response goes to its client.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::atomic::{Ordering, fence};

use crate::error::{ReceiveError, SendError};
use crate::port::backpressure::BackpressureRetry;
use crate::port::link::Connection;
use crate::port::link::lending::Trouble;
use crate::port::link::remote::Unreadable;
use crate::port::member::sync_state::{Member, Port};
use crate::port::track::{LaneSender, Oldest, Outgoing, ServerTrack, Turn};
use crate::settings::Settings;
use crate::shm::Message;

pub(in crate::port) type ServerConnection = Connection<ServerTrack>;

impl ServerConnection {
    /// Refuses the request that was just found, unless a newer one has displaced it meanwhile.
    pub fn refuse(&self, oldest: Oldest, request_id: u64, lane: usize) {
        if self.track.take(oldest, request_id) {
            self.track.lanes[lane].newest.set(request_id);
            self.finish(lane, request_id);
            self.give_back(oldest.entry());
        }
    }

    /// Says that no response to this request will come.
    #[inline(always)]
    pub fn finish(&self, lane: usize, request_id: u64) {
        let LaneSender { newest, words, .. } = &self.track.lanes[lane];
        // An older request must not take back what was said of a newer one on the same lane.
        if newest.get() == request_id {
            // A loan that outlives its active request sends nothing after the end.
            newest.set(0);
            words.set_done(request_id);
            self.waker.wake();
        }
    }

    /// Refuses every request that nobody has received, because the server leaves.
    pub fn refuse_unread(&self) {
        // A client that goes on sending sees that the server has left, and that its request was not taken.
        for _ in 0..self.track.lanes.len() {
            let Ok(Some((oldest, message))) = self.track.front(self) else { return };
            let header = message.header();
            let Ok(lane) = self.track.lane_of(header.lane) else { return };
            self.refuse(oldest, header.request_id, lane);
        }
    }
}

#[derive(Debug)]
pub(in crate::port) struct ServerCore {
    member: Member<ServerTrack>,
    pub loans_max: usize,
    pub(super) fire_and_forget: bool,
    overflows_responses: bool,
    /// Where the next receive begins, so that every client is served in turn.
    pub(in crate::port) turn: Turn,
    /// Clients that were attached in its life.
    pub(in crate::port) attached: Cell<u64>,
}

impl Deref for ServerCore {
    type Target = Member<ServerTrack>;
    #[inline(always)]
    fn deref(&self) -> &Self::Target {
        &self.member
    }
}

impl ServerCore {
    pub fn new(member: Member<ServerTrack>, loans_max: usize) -> Self {
        let Settings { fire_and_forget, overflow_responses: overflows_responses, .. } = *member.service.settings();
        let (turn, attached) = (Turn::default(), Cell::new(0));
        Self { member, loans_max, fire_and_forget, overflows_responses, turn, attached }
    }

    pub fn has_requests(&self) -> Result<bool, ReceiveError> {
        self.follow_changes();
        loop {
            let found = self.search(|connection| Ok(self.front(connection)?.is_some()));
            if let Ok(Some(_)) = found {
                return Ok(true);
            }
            // Each time around, clients are taken in that have left, of which there is an end.
            if self.sync_state.needs_attention.get() && self.catch_up() {
                continue;
            }
            found?;
            return self.problem().map_or(Ok(false), Err);
        }
    }

    /// Looks for a client of which something `is_there`, beginning with the one whose turn it is.
    pub fn search(
        &self,
        is_there: impl Fn(&ServerConnection) -> Result<bool, ReceiveError>,
    ) -> Result<Option<usize>, ReceiveError> {
        let found = self.turn.search(&self.connections.borrow(), is_there);
        if !matches!(found, Ok(Some(_))) {
            self.on_empty_poll();
        }
        found
    }

    /// The request that a client waits for to be received, with unwanted ones out of the way.
    pub fn front<'a>(&self, connection: &'a ServerConnection) -> Result<Option<Message<'a>>, ReceiveError> {
        if connection.broken.get() {
            return Ok(None);
        }
        // Requests that are skipped are bounded by the channel; a client that goes on sending is served by the next
        // call.
        for _ in 0..=self.service.settings().max_active_requests {
            let front = connection.track.front(connection);
            let front = front.map_err(|reason| connection.unreadable(&self.payloads, reason))?;
            let Some((oldest, message)) = front else { return Ok(None) };
            let header = message.header();
            let Ok(lane) = connection.track.lane_of(header.lane) else {
                return Err(connection.unreadable(&self.payloads, Unreadable::Garbage));
            };
            if !self.is_unwanted(connection, lane, header.request_id) {
                return Ok(Some(message));
            }
            connection.refuse(oldest, header.request_id, lane);
        }
        Ok(None)
    }

    /// Sends a response, unless its request is nobody's any more: then the chunk is simply free again (RR-PND-06).
    #[inline(always)]
    pub fn send(&self, connection: &ServerConnection, response: Outgoing<'_>) -> Result<(), SendError> {
        let Outgoing { lane, request_id, .. } = response;
        if connection.closed.get() || connection.track.lanes[lane].newest.get() != request_id {
            return Ok(());
        }
        // Without overflow, it would take the room of a later request's responses on the same lane (RR-ACT-03). With
        // overflow it gives way to them, and the look at the client's word is saved.
        if !self.overflows_responses {
            // What was sent before is in the lane when the client's word is looked at: of those who look while the pending
            // response ends, a client that drains its lane behind that end misses one response at most.
            fence(Ordering::SeqCst);
            if !connection.is_awaited(lane, request_id) {
                return Ok(());
            }
        }
        match connection.track.push(connection, &self.payloads, response) {
            Ok(()) => Ok(()),
            Err(Trouble::Full | Trouble::Crowded) => self.settle(connection, response),
            Err(Trouble::Corrupted) => Err(self.corrupted(connection)),
        }
    }

    /// What is left to do where there was no room. Ends when somebody makes room, when nobody waits any more, or when the
    /// strategy or the handler says so.
    #[cold]
    #[inline(never)]
    fn settle(&self, connection: &ServerConnection, response: Outgoing<'_>) -> Result<(), SendError> {
        if !self.backpressure.may_wait() {
            return Ok(());
        }
        let Outgoing { lane, request_id, .. } = response;
        let mut waiting = BackpressureRetry::new(&self.backpressure, &self.service, self.id);
        // A handler may do anything in between, even drop the request or who waits for the response.
        let is_wanted =
            || connection.is_awaited(lane, request_id) && connection.track.lanes[lane].newest.get() == request_id;
        while is_wanted() && waiting.should_retry(connection.peer, connection.node) {
            waiting.pause();
            self.check_peers(self.watch.take_due());
            if !is_wanted() {
                break;
            }
            match connection.track.push(connection, &self.payloads, response) {
                Ok(()) => break,
                Err(Trouble::Full | Trouble::Crowded) => {}
                Err(Trouble::Corrupted) => return Err(self.corrupted(connection)),
            }
        }
        waiting.gave_up.map_or(Ok(()), |gave_up| Err(gave_up.into_error()))
    }

    #[cold]
    #[inline(never)]
    fn corrupted(&self, connection: &ServerConnection) -> SendError {
        connection.fail(&self.payloads);
        SendError::ConnectionCorrupted
    }
}
