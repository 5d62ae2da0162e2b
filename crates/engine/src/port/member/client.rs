//! How a client follows the service: servers that come, leave and die, and its own leaving.

use std::rc::Rc;

use super::attaching::{Attaching, Found, Snapshot};
use super::sync_state::{Port, SyncOutcome};
use crate::connection::{self, Side, State};
use crate::port::client::core::{ClientConnection, ClientCore};
use crate::port::track::ClientTrack;
use crate::service::files::{self, ConnectionName, FileName};
use crate::service::sweep::Leaver;

impl ClientCore {
    /// Gives up the place in the service; what was made from the client lives on.
    pub fn leave(&self) {
        let holds = self.active.get() > 0 || self.loans.get() > 0;
        self.leave_service(Leaver::Client { id: self.id, holds }, |_| ());
    }

    /// What a server has not seen yet is left to it, if anybody wants it received (RR-FNF-01, RR-DYN-06).
    fn leave_unread(&self, connection: &ClientConnection) {
        let unread = connection::all_words(&connection.file.requests);
        self.payloads.hand_over(unread, [connection.node, connection.peer], &connection.file, Side::Client);
    }
}

impl Port for ClientCore {
    type Ends = ClientTrack;

    #[cold]
    #[inline(never)]
    fn follow(&self) {
        self.sync();
    }
}

impl Attaching for ClientCore {
    fn expect_one_more(&self) {
        let count = self.connections.borrow().len() + 1;
        for lane in &self.lanes {
            let mut deliveries = lane.deliveries.borrow_mut();
            let more = count.saturating_sub(deliveries.len());
            deliveries.reserve(more);
        }
    }

    fn close_ended(&self, snapshot: &Snapshot) -> Vec<Rc<ClientConnection>> {
        let mut connections = self.connections.borrow_mut();
        for connection in connections.iter().filter(|connection| !connection.closed.get()) {
            let (server, file) = (connection.peer, snapshot.file(connection.peer));
            let state = connection.file.server_state();
            let is_registered = snapshot.is_registered(server);
            let is_deferred = file.is_some_and(|found| found.kind == ConnectionName::Deferred);
            // Left without leaving the service: it has found garbage here. Absent although it has looked: it cannot attach
            // this client, until it says otherwise.
            connection.open.set(is_registered && state < State::Left && !(state == State::Absent && is_deferred));
            // A server maps the connection only while it is registered: one that left before never will, and neither will
            // one that has taken the file away without mapping it.
            let never_came = state == State::Absent && !(is_registered && file.is_some());
            if never_came || state == State::Gone || !snapshot.nodes.contains(&connection.node) {
                connection.close(&self.payloads);
            }
        }
        connections.extract_if(.., |connection| connection.closed.get()).collect()
    }

    fn choose(&self, snapshot: &Snapshot) -> (Vec<Found>, SyncOutcome) {
        let is_new = |found: &&Found| snapshot.is_registered(found.peer) && !self.is_known(found.peer);
        (snapshot.files.iter().filter(is_new).cloned().collect(), SyncOutcome::Complete)
    }
}

impl Drop for ClientCore {
    /// Nothing is left that could be sent, and nobody waits for a response any more.
    fn drop(&mut self) {
        let connections = self.connections.take();
        let fire_and_forget = self.service.settings().fire_and_forget;
        let mut unmapped = Vec::new();
        for connection in connections.iter().filter(|connection| !connection.closed.get()) {
            match connection.file.server_state() {
                State::Absent => unmapped.push(connection),
                State::Attached if fire_and_forget => self.leave_unread(connection),
                // It receives nothing more, or nothing that nobody waits for (RR-FNF-02).
                State::Attached | State::Left | State::Gone => {}
            }
        }
        if unmapped.is_empty() {
            return;
        }
        // Under the lock, so that it is certain for whom something waits: a server may have attached itself since the look
        // above. Where the lock's holder is stopped, without.
        let lock = self.service.lock();
        let files = files::list(&self.service.folder).unwrap_or_default();
        for connection in unmapped {
            let ids = [self.id, connection.peer];
            let file = files.iter().find(|(name, _)| matches!(name, FileName::Connection(_, of) if *of == ids));
            let is_wanted = fire_and_forget && connection.file.unread_requests() > 0;
            match (connection.file.server_state(), file) {
                (State::Absent, Some(_)) | (State::Attached, _) if is_wanted => self.leave_unread(connection),
                // One that stays is swept with the server.
                (_, Some((_, path))) => drop(files::remove(path)),
                _ => {}
            }
        }
        drop(lock);
    }
}
