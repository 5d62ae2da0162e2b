//! How a server follows the service: clients that come, leave and die, and its own leaving.

use std::rc::Rc;

use super::attaching::{Attaching, Found, Snapshot};
use super::sync_state::{Port, SyncOutcome};
use crate::connection::{self, Side, State};
use crate::port::server::core::{ServerConnection, ServerCore};
use crate::port::track::ServerTrack;
use crate::service::files::ConnectionName;
use crate::service::sweep::Leaver;

/// Departed clients whose requests a server has mapped at once; the others wait in the service's folder.
const DEPARTED_AT_ONCE: usize = 32;

impl ServerCore {
    /// Whether the last client that could send has gone since this was asked last.
    pub fn take_last_client_left(&self) -> bool {
        let can_send = |c: &Rc<ServerConnection>| !c.closed.get() && c.file.client_state() < State::Left;
        let is_there = self.connections.borrow().iter().any(can_send);
        self.wait_state.had_peer.replace(is_there) && !is_there
    }

    /// Where nothing could be received although clients wait until earlier ones are done with: takes them in. `true` if
    /// somebody is new.
    #[cold]
    #[inline(never)]
    pub fn catch_up(&self) -> bool {
        let makes_room = |c: &Rc<ServerConnection>| c.closed.get() && !self.takes_room(c);
        if !self.sync_state.is_behind() || !self.connections.borrow().iter().any(makes_room) {
            return false;
        }
        let before = self.attached.get();
        self.sync_state.retry_at.set(None);
        self.follow_changes();
        self.attached.get() != before
    }

    /// Whether something of a client that is gone is still to be received. Nothing is taken out by this look, not even what
    /// turns out to be unreadable: a receive tells that.
    fn has_unread(&self, connection: &ServerConnection) -> bool {
        self.service.settings().fire_and_forget && !connection.broken.get() && connection.file.unread_requests() > 0
    }

    /// Whether a client that is gone keeps others waiting: something of it can be received now.
    fn takes_room(&self, connection: &ServerConnection) -> bool {
        self.has_unread(connection) && !connection.track.places.is_full()
    }

    /// Gives up the place in the service; active requests live on.
    pub fn leave(&self) {
        self.leave_service(Leaver::Server(self.id), ServerConnection::refuse_unread);
    }

    /// Of each connection, whether it goes on: a client that is gone is kept as long as there is something of it to receive.
    /// Where more of those wait than may, the ones that were attached first are given up, and what is unread of them counted.
    fn is_kept(&self) -> Vec<bool> {
        let settings = self.service.settings();
        let connections = self.connections.borrow();
        let mut is_kept: Vec<bool> = connections.iter().map(|c| !c.closed.get() || self.has_unread(c)).collect();
        let departed = connections.iter().zip(&is_kept).filter(|(c, kept)| c.closed.get() && **kept).count();
        let max = if settings.overflow_requests { settings.max_departed_clients } else { departed };
        let waiting = connections.iter().zip(&mut is_kept).filter(|(c, kept)| c.closed.get() && **kept);
        for (oldest, kept) in waiting.take(departed.saturating_sub(max)) {
            *kept = false;
            self.service.registry.count_given_up(self.id, oldest.file.unread_requests());
        }
        is_kept
    }
}

impl Port for ServerCore {
    type Ends = ServerTrack;

    #[cold]
    #[inline(never)]
    fn follow(&self) {
        // Who waits for the end of another client is passed over by nobody once that has ended (RR-SND-12).
        let has_ended = |c: &Rc<ServerConnection>| c.closed.get() && !self.has_unread(c);
        if self.sync_state.is_behind() && self.connections.borrow().iter().any(has_ended) {
            self.sync_state.retry_at.set(None);
        }
        self.sync();
    }
}

impl Attaching for ServerCore {
    fn expect_one_more(&self) {
        self.attached.set(self.attached.get() + 1);
        if self.connections.borrow().is_empty() {
            // Behind whoever comes last, so that the one that is attached first is received first.
            self.turn.last.set(usize::MAX - 1);
        }
        self.wait_state.had_peer.set(true);
    }

    fn close_ended(&self, snapshot: &Snapshot) -> Vec<Rc<ServerConnection>> {
        for connection in self.connections.borrow().iter().filter(|connection| !connection.closed.get()) {
            let state = connection.file.client_state();
            // As for clients: one that left, or took the file away without mapping it, never will.
            let is_awaited = snapshot.is_registered(connection.peer) && snapshot.file(connection.peer).is_some();
            let never_came = state == State::Absent && !is_awaited;
            if never_came || state == State::Gone || !snapshot.nodes.contains(&connection.node) {
                connection.close(&self.payloads);
            }
        }
        let is_kept = self.is_kept();
        // The turn stays with the client that was served last or the one in front of it, so that nobody is passed over.
        let turn = self.turn.last.get();
        let removed = is_kept.iter().take(turn + 1).filter(|kept| !**kept).count();
        let mut kept = is_kept.into_iter();
        let ended = self.connections.borrow_mut().extract_if(.., |_| !kept.next().unwrap_or(true)).collect();
        let last = self.connections.borrow().len().saturating_sub(1);
        self.turn.last.set(turn.checked_sub(removed).unwrap_or(last).min(last));
        ended
    }

    /// Registered clients, and of those that have left so many that what is mapped at once is bounded: in the order in which
    /// they left (RR-FNF-01).
    fn choose(&self, snapshot: &Snapshot) -> (Vec<Found>, SyncOutcome) {
        let settings = self.service.settings();
        let departed = self.connections.borrow().iter().filter(|c| c.closed.get() && self.takes_room(c)).count();
        let mut room = DEPARTED_AT_ONCE.min(settings.max_departed_clients).saturating_sub(departed);
        let may_give_up = settings.overflow_requests;
        let mut files: Vec<_> = snapshot.files.iter().filter(|found| !self.is_known(found.peer)).cloned().collect();
        files.sort_by_key(|found| match found.kind {
            ConnectionName::Departed { number, .. } => (0, number),
            ConnectionName::Waiting | ConnectionName::Deferred => (1, 0),
        });
        let all = files.len();
        files.retain(|found| {
            // Of one that is registered, what it leaves unread can be given up when it goes; or else it waits, too.
            if snapshot.is_registered(found.peer) && (may_give_up || departed < settings.max_departed_clients) {
                return true;
            }
            let has_room = room > 0;
            room = room.saturating_sub(1);
            has_room
        });
        let synced = if files.len() < all { SyncOutcome::Crowded } else { SyncOutcome::Complete };
        (files, synced)
    }
}

impl Drop for ServerCore {
    /// Nothing is left that could be sent: what clients have not seen yet is left to them (RR-PND-04, RR-DYN-06).
    fn drop(&mut self) {
        for connection in self.connections.take().iter().filter(|connection| !connection.closed.get()) {
            let unread = connection.file.lanes.iter().flat_map(|lane| connection::all_words(&lane.responses));
            let client = [connection.node, connection.peer];
            self.payloads.hand_over(unread, client, &connection.file, Side::Server);
        }
    }
}
