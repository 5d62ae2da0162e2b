//! What is uncommon when a request is sent: several servers, and servers that have no room.

use std::rc::Rc;

use super::core::{ClientConnection, ClientCore};
use crate::connection::State;
use crate::error::{LoanError, SendError};
use crate::port::backpressure::{BackpressureRetry, SendAborted};
use crate::port::link::lending::Trouble;
use crate::port::member::sync_state::Port;
use crate::port::track::Outgoing;

/// What went wrong with any of the servers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Troubles {
    full: bool,
    crowded: bool,
    corrupted: bool,
}

impl From<Trouble> for Troubles {
    #[cold]
    fn from(trouble: Trouble) -> Self {
        let mut troubles = Self::default();
        troubles.note(trouble);
        troubles
    }
}

impl Troubles {
    fn note(&mut self, trouble: Trouble) {
        match trouble {
            Trouble::Full => self.full = true,
            Trouble::Crowded => self.crowded = true,
            Trouble::Corrupted => self.corrupted = true,
        }
    }
}

impl ClientCore {
    /// Sends to all servers.
    pub(super) fn deliver_to_each(
        &self,
        connections: &[Rc<ClientConnection>],
        request: Outgoing<'_>,
    ) -> Result<(), Troubles> {
        let mut troubles = Troubles::default();
        for connection in connections.iter().filter(|connection| connection.open.get()) {
            if let Err(trouble) = self.deliver(connection, request) {
                troubles.note(trouble);
            }
        }
        if troubles == Troubles::default() { Ok(()) } else { Err(troubles) }
    }

    /// Where no server got the request: why one that is there is not connected, if that is known.
    #[cold]
    #[inline(never)]
    pub(super) fn no_receiver_error(&self, lane: usize) -> Result<(), SendError> {
        let problem = self.sync_state.take_problem(SendError::CannotAttach, SendError::NamespaceGone);
        problem.map_or(Ok(()), |reason| Err(self.abort_send(lane, SendAborted::Failed(reason))))
    }

    /// What is left to do where not every server has simply got the request.
    #[cold]
    #[inline(never)]
    pub(super) fn settle(&self, request: Outgoing<'_>, mut troubles: Troubles) -> Result<(), SendError> {
        let is_delivered = || !self.lanes[request.lane].deliveries.borrow().is_empty();
        let mut gave_up = None;
        if troubles.full && self.backpressure.may_wait() {
            gave_up = self.deliver_when_there_is_room(request, &mut troubles);
        }
        if troubles.crowded && !is_delivered() {
            gave_up.get_or_insert(SendAborted::Failed(LoanError::OutOfMemory.into()));
        }
        // As long as somebody has the request, a server that lost its connection is as one that has gone.
        if troubles.corrupted && !is_delivered() {
            gave_up = Some(SendAborted::Failed(SendError::ConnectionCorrupted));
        }
        gave_up.map_or(Ok(()), |gave_up| Err(self.abort_send(request.lane, gave_up)))
    }

    /// It will never be answered by this server (RR-SND-06).
    pub fn mark_displaced(&self, connection: &Rc<ClientConnection>, request_id: u64, number: usize) {
        let lane = self.lanes.get(number);
        let Some(lane) = lane.filter(|lane| lane.request_id.get() == request_id) else { return };
        if lane.deliveries.borrow().iter().any(|delivered| Rc::ptr_eq(delivered, connection)) {
            connection.track.lanes[number].displaced.set(true);
        }
    }

    /// Waits for each server that had no room and is still there, as the strategy or the handler says. The others have the
    /// request already.
    #[cold]
    fn deliver_when_there_is_room(&self, request: Outgoing<'_>, troubles: &mut Troubles) -> Option<SendAborted> {
        let mut full: Vec<_> = {
            let deliveries = self.lanes[request.lane].deliveries.borrow();
            let has = |c: &_| deliveries.iter().any(|delivered| Rc::ptr_eq(delivered, c));
            self.connections.borrow().iter().filter(|c| c.open.get() && !has(c)).map(Rc::clone).collect()
        };
        let mut waiting = BackpressureRetry::new(&self.backpressure, &self.service, self.id);
        // All of them in turn: one that has no room keeps the request from no other.
        loop {
            full.retain(|connection| waiting.should_retry(connection.peer, connection.node));
            if full.is_empty() {
                break;
            }
            waiting.pause();
            self.check_peers(self.watch.take_due());
            full.retain(|connection| {
                if !connection.open.get() {
                    return false;
                }
                let outcome = self.deliver(connection, request);
                if outcome == Err(Trouble::Full) {
                    return true;
                }
                // One that is crowded is given up like one that has no room.
                troubles.corrupted |= outcome == Err(Trouble::Corrupted);
                self.undo_if_server_left(connection, request.lane);
                false
            });
        }
        waiting.gave_up
    }

    /// A server that leaves refuses what it has not received, and by that makes room: what takes it is not delivered.
    fn undo_if_server_left(&self, connection: &Rc<ClientConnection>, lane: usize) {
        // In this order: a server that has received it and then left has changed the word before its state.
        let has_left = connection.file.server_state() >= State::Left;
        if has_left && connection.track.is_unread(lane) {
            self.lanes[lane].deliveries.borrow_mut().retain(|delivered| !Rc::ptr_eq(delivered, connection));
            connection.track.lanes[lane].words.set_open(0);
        }
    }

    /// Leaves nothing of a request that was not sent (RR-SND-10). Servers that have it see that nobody waits.
    #[cold]
    pub fn abort_send(&self, lane: usize, gave_up: SendAborted) -> SendError {
        self.close_lane(lane);
        gave_up.into_error()
    }
}
