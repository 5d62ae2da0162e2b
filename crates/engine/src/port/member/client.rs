//! How a client follows the service: servers that come, leave and die, and its own leaving.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::attaching::{Attaching, Found, Snapshot};
use super::following::{Following, Problem, Walked};
use crate::channel::Slots;
use crate::connection::{ConnectionFile, Side, State};
use crate::error::ReceiveError;
use crate::id::Id;
use crate::port::client_connection::ClientConnection;
use crate::port::client_core::ClientCore;
use crate::service::files::{self, ConnectionName};
use crate::service::sweep::Leaver;
use crate::service::{ServiceInner, cleanup};

impl ClientCore {
    /// Whether the client still has its place in the service.
    pub fn is_registered(&self) -> bool {
        self.registered.get()
    }

    /// Follows what has changed in the service, if anything has: one load of a word that hardly ever changes.
    #[inline(always)]
    pub fn follow_changes(&self) {
        if !self.following.is_current(self.service.registry.changes()) {
            self.walk(self.registered.get());
        }
    }

    /// After a poll that found nothing.
    #[inline(always)]
    pub fn idle(&self) {
        self.look_after_peers(self.watch.is_due_while_polling());
    }

    /// Where the answer matters now, such as `is_connected`.
    pub fn look_closely(&self) {
        self.look_after_peers(self.watch.is_due());
    }

    #[inline(always)]
    pub fn look_after_peers(&self, due: bool) {
        if due {
            self.check_lives();
        }
        self.follow_changes();
    }

    #[cold]
    #[inline(never)]
    pub fn check_lives(&self) {
        if let Err(gone) = self.service.node.check_linked() {
            self.following.note_once(Problem::NamespaceGone(gone));
        }
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            // If the node is dead, cleaning it up changes the registry, which is what is looked at next. If it could not
            // be looked at, the peer counts as alive, and the next slice tries again.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.tidy();
        }
    }

    /// What a call that has found nothing has to tell.
    #[cold]
    #[inline(never)]
    pub fn problem(&self) -> Option<ReceiveError> {
        self.following.take_problem().map(|problem| match problem {
            Problem::CannotAttach(reason) => ReceiveError::CannotAttach(reason),
            Problem::NamespaceGone(reason) => ReceiveError::NamespaceGone(Box::new(reason)),
        })
    }

    /// Gives up the place in the service; what was made from the client lives on.
    pub fn leave(&self) {
        if !self.registered.replace(false) {
            return;
        }
        self.sleeper.leave(&self.service);
        for connection in self.connections.borrow().iter() {
            connection.file.set_client_state(State::Left);
        }
        let holds = self.active.get() > 0 || self.loans.get() > 0;
        self.service.leave_port(Leaver::Client { id: self.id, holds });
    }

    /// What a server has not seen yet is left to it, if anybody wants it received (RR-FNF-01, RR-DYN-06).
    fn leave_unread(&self, connection: &ClientConnection) {
        let slots = connection.file.requests();
        let unread = (0..self.service.settings().max_active_requests).map(|slot| slots.load(slot));
        self.payloads.hand_over(unread, [connection.node, connection.server], &connection.file, Side::Client);
    }
}

impl Attaching for ClientCore {
    type Connection = ClientConnection;
    const PEERS: Side = Side::Server;

    fn service(&self) -> &Arc<ServiceInner> {
        &self.service
    }
    fn id(&self) -> Id {
        self.id
    }
    fn following(&self) -> &Following {
        &self.following
    }
    fn is_known(&self, server: Id) -> bool {
        self.connections.borrow().iter().any(|connection| connection.server == server)
            || self.refused.borrow().contains(&server)
    }
    fn refuse(&self, server: Id) {
        self.refused.borrow_mut().push(server);
    }
    fn make(&self, server: [Id; 2], file: ConnectionFile) -> io::Result<Rc<ClientConnection>> {
        ClientConnection::new(&self.service, self.id, server, file, &self.response_layout)
    }
    fn attach(&self, connection: &ClientConnection) {
        connection.attach(&self.payloads);
    }

    /// Adds a connection, and room for it wherever a message's way must not allocate.
    fn connect(&self, connection: Rc<ClientConnection>) {
        connection.settle();
        let mut connections = self.connections.borrow_mut();
        connections.push(connection);
        for lane in &self.lanes {
            let mut deliveries = lane.deliveries.borrow_mut();
            let more = connections.len().saturating_sub(deliveries.len());
            deliveries.reserve(more);
        }
    }

    fn close_ended(&self, snapshot: &Snapshot) -> Vec<Rc<ClientConnection>> {
        let mut connections = self.connections.borrow_mut();
        for connection in connections.iter().filter(|connection| !connection.gone.get()) {
            let (server, file) = (connection.server, snapshot.file(connection.server));
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
        connections.extract_if(.., |connection| connection.gone.get()).collect()
    }

    fn choose(&self, snapshot: &Snapshot) -> (Vec<Found>, Walked) {
        let is_new = |found: &&Found| snapshot.is_registered(found.peer) && !self.is_known(found.peer);
        (snapshot.files.iter().filter(is_new).cloned().collect(), Walked::Whole)
    }
}

impl Drop for ClientCore {
    /// Nothing is left that could be sent, and nobody waits for a response any more.
    fn drop(&mut self) {
        let connections = self.connections.take();
        let fire_and_forget = self.service.settings().fire_and_forget;
        let mut unmapped = Vec::new();
        for connection in connections.iter().filter(|connection| !connection.gone.get()) {
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
        let names = std::fs::read_dir(&self.service.folder).into_iter().flatten().flatten();
        let files: Vec<_> = names
            .filter_map(|entry| {
                let (_, client, server) = ConnectionName::of(entry.file_name().to_str()?)?;
                (client == self.id).then(|| (server, entry.path()))
            })
            .collect();
        for connection in unmapped {
            let file = files.iter().find(|(server, _)| *server == connection.server);
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
