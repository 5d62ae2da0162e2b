//! How a server follows the service: clients that come, leave and die, and its own leaving.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use super::attaching::{Attaching, Found, Snapshot};
use super::following::{Following, Problem, Walked};
use crate::channel::Slots;
use crate::connection::{ConnectionFile, Side, State};
use crate::error::ReceiveError;
use crate::id::Id;
use crate::port::server_connection::ServerConnection;
use crate::port::server_core::ServerCore;
use crate::service::files::ConnectionName;
use crate::service::sweep::Leaver;
use crate::service::{ServiceInner, cleanup};

/// Departed clients whose requests a server has mapped at once; the others wait in the service's folder.
const DEPARTED_AT_ONCE: usize = 32;

impl ServerCore {
    /// Whether the server still has its place in the service.
    pub fn is_registered(&self) -> bool {
        self.registered.get()
    }

    /// Whether the last client that could send has gone since this was asked last.
    pub fn has_lost_the_last_client(&self) -> bool {
        let can_send = |c: &Rc<ServerConnection>| !c.gone.get() && c.file.client_state() < State::Left;
        self.sleeper.has_lost_the_last(self.connections.borrow().iter().any(can_send))
    }

    /// Follows what has changed in the service, if anything has: one load of a word that hardly ever changes.
    #[inline(always)]
    pub fn follow_changes(&self) {
        if !self.following.is_current(self.service.registry.changes()) {
            self.follow();
        }
    }

    /// Something has changed, or is left to do.
    #[cold]
    #[inline(never)]
    fn follow(&self) {
        // Who waits for the end of another client is passed over by nobody once that has ended (RR-SND-12).
        let has_ended = |c: &Rc<ServerConnection>| c.gone.get() && !self.has_unread(c);
        if self.following.is_behind() && self.connections.borrow().iter().any(has_ended) {
            self.following.retry_now();
        }
        self.walk(self.registered.get());
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
            // As for clients: a dead node's cleaning changes the registry.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.tidy();
        }
    }

    /// Where nothing could be received although clients wait until earlier ones are done with: takes them in. `true` if
    /// somebody is new.
    #[cold]
    #[inline(never)]
    pub fn catch_up(&self) -> bool {
        let makes_room = |c: &Rc<ServerConnection>| c.gone.get() && !self.takes_room(c);
        if !self.following.is_behind() || !self.connections.borrow().iter().any(makes_room) {
            return false;
        }
        let before = self.attached.get();
        self.following.retry_now();
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
        self.has_unread(connection) && !connection.places.is_full()
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

    /// Gives up the place in the service; active requests live on.
    pub fn leave(&self) {
        if !self.registered.replace(false) {
            return;
        }
        self.sleeper.leave(&self.service);
        for connection in self.connections.borrow().iter() {
            connection.file.set_server_state(State::Left);
            connection.refuse_unread();
        }
        // Connections that were never mapped are unread whole; their clients see that nobody came.
        self.service.leave_port(Leaver::Server(self.id));
    }

    /// Gives up what is unread of the departed clients that were attached first, where there are more than may wait.
    fn give_up_the_oldest(&self, ended: &mut Vec<Rc<ServerConnection>>) {
        let settings = self.service.settings();
        let mut connections = self.connections.borrow_mut();
        let departed = connections.iter().filter(|connection| connection.gone.get()).count();
        let mut excess = departed.saturating_sub(settings.max_departed_clients);
        if excess == 0 || !settings.overflow_requests {
            return;
        }
        ended.extend(connections.extract_if(.., |connection| {
            let is_oldest = connection.gone.get() && excess > 0;
            excess -= usize::from(is_oldest);
            if is_oldest {
                self.service.registry.count_given_up(self.id, connection.file.unread_requests());
            }
            is_oldest
        }));
    }
}

impl Attaching for ServerCore {
    type Connection = ServerConnection;
    const PEERS: Side = Side::Client;

    fn service(&self) -> &Arc<ServiceInner> {
        &self.service
    }
    fn id(&self) -> Id {
        self.id
    }
    fn following(&self) -> &Following {
        &self.following
    }
    fn is_known(&self, client: Id) -> bool {
        self.connections.borrow().iter().any(|connection| connection.client == client)
            || self.refused.borrow().contains(&client)
    }
    fn refuse(&self, client: Id) {
        self.refused.borrow_mut().push(client);
    }
    fn make(&self, client: [Id; 2], file: ConnectionFile) -> io::Result<Rc<ServerConnection>> {
        ServerConnection::new(&self.service, self.id, client, file, &self.request_layout)
    }
    fn attach(&self, connection: &ServerConnection) {
        connection.attach(&self.payloads);
    }
    fn connect(&self, connection: Rc<ServerConnection>) {
        connection.settle();
        self.attached.set(self.attached.get() + 1);
        let mut connections = self.connections.borrow_mut();
        if connections.is_empty() {
            // Behind whoever comes last, so that the one that is attached first is received first.
            self.turn.set(usize::MAX - 1);
        }
        connections.push(connection);
        self.sleeper.meet();
    }

    fn close_ended(&self, snapshot: &Snapshot) -> Vec<Rc<ServerConnection>> {
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            let state = connection.file.client_state();
            // As for clients: one that left, or took the file away without mapping it, never will.
            let is_awaited = snapshot.is_registered(connection.client) && snapshot.file(connection.client).is_some();
            let never_came = state == State::Absent && !is_awaited;
            if never_came || state == State::Gone || !snapshot.nodes.contains(&connection.node) {
                connection.close(&self.payloads);
            }
        }
        // A client that is gone is kept as long as there is something of it to receive.
        let is_kept: Vec<bool> = {
            let connections = self.connections.borrow();
            let is_kept = |c: &Rc<ServerConnection>| !c.gone.get() || self.has_unread(c);
            connections.iter().map(is_kept).collect()
        };
        // The turn stays with the client that was served last or the one in front of it, so that nobody is passed over.
        let turn = self.turn.get();
        let removed = is_kept.iter().take(turn + 1).filter(|kept| !**kept).count();
        let mut kept = is_kept.into_iter();
        let mut ended: Vec<_> =
            self.connections.borrow_mut().extract_if(.., |_| !kept.next().unwrap_or(true)).collect();
        let last = self.connections.borrow().len().saturating_sub(1);
        self.turn.set(turn.checked_sub(removed).unwrap_or(last).min(last));
        self.give_up_the_oldest(&mut ended);
        ended
    }

    /// Registered clients, and of those that have left so many that what is mapped at once is bounded: in the order in which
    /// they left (RR-FNF-01).
    fn choose(&self, snapshot: &Snapshot) -> (Vec<Found>, Walked) {
        let settings = self.service.settings();
        let departed = self.connections.borrow().iter().filter(|c| c.gone.get() && self.takes_room(c)).count();
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
        let walked = if files.len() < all { Walked::Crowded } else { Walked::Whole };
        (files, walked)
    }
}

impl Drop for ServerCore {
    /// Nothing is left that could be sent: what clients have not seen yet is left to them (RR-PND-04, RR-DYN-06).
    fn drop(&mut self) {
        let settings = self.service.settings();
        for connection in self.connections.take().iter().filter(|connection| !connection.gone.get()) {
            let lane = |lane| {
                let slots = connection.file.responses(lane).view();
                (0..settings.response_slots()).map(move |slot| slots.load(slot))
            };
            let unread = (0..settings.max_active_requests).flat_map(lane);
            let client = [connection.node, connection.client];
            self.payloads.hand_over(unread, client, &connection.file, Side::Server);
        }
    }
}
