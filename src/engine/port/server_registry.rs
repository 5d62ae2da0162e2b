//! How a server follows the service: clients that come, leave and die, and its own leaving.

use std::rc::Rc;

use super::server_connection::ServerConnection;
use super::server_core::ServerCore;
use crate::engine::channel::Slots;
use crate::engine::connection::{ConnectionFile, ConnectionLayout, Side, State};
use crate::engine::id::Id;
use crate::engine::service::registry::Role;
use crate::engine::service::{cleanup, files};

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
        if self.service.registry.changes() != self.seen.get() {
            self.walk();
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
    pub fn check_lives(&self) {
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            // As for clients: a dead node's cleaning changes the registry.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.tidy();
        }
    }

    /// Connects to clients that made a connection for us, closes connections to those that are gone.
    #[cold]
    pub fn walk(&self) {
        let registry = &self.service.registry;
        // Without the lock, a moment later: the counter stays different.
        let Ok(_lock) = self.service.lock() else { return };
        self.seen.set(registry.changes());
        let clients = registry.ports(Role::Client);
        let nodes = registry.node_ids();
        if self.registered.get() {
            self.attach_new(&clients.iter().map(|client| (client.id, client.node)).collect::<Vec<_>>());
        }
        for connection in self.connections.borrow().iter() {
            let state = connection.file.client_state();
            let registered = clients.iter().any(|client| client.id == connection.client);
            // As for clients: one that left, or took the file away without mapping it, never will.
            let path = || self.service.folder.join(files::connection(connection.client, self.id));
            let never_came = state == State::Absent && !(registered && path().exists());
            let gone = never_came || state == State::Gone || !nodes.contains(&connection.node);
            if gone && !connection.gone.get() {
                connection.close(&self.payloads);
            }
        }
        // A client that is gone is kept as long as there is something of it to receive.
        let is_kept = |connection: &ServerConnection| {
            let something_to_receive = || !connection.broken.get() && matches!(connection.front(), Ok(Some(_)));
            !connection.gone.get() || something_to_receive()
        };
        // The turn stays with the client that was served last or the one in front of it, so that nobody is passed over.
        let (mut index, mut removed) = (0, 0);
        let turn = self.turn.get();
        self.connections.borrow_mut().retain(|connection| {
            let kept = is_kept(connection);
            removed += usize::from(!kept && index <= turn);
            index += 1;
            kept
        });
        let last = self.connections.borrow().len().saturating_sub(1);
        self.turn.set(turn.checked_sub(removed).unwrap_or(last).min(last));
    }

    /// The lowest number that no receiver has.
    pub fn free_number(&self) -> Option<usize> {
        let connections = self.connections.borrow();
        (0..self.payloads.receivers()).find(|number| connections.iter().all(|c| c.lending.number() != *number))
    }

    /// Maps every connection that waits for this server, those of clients that are gone already too (RR-FNF-01).
    pub fn attach_new(&self, clients: &[(Id, Id)]) {
        let Ok(entries) = std::fs::read_dir(&self.service.folder) else { return };
        for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some((client, server)) = files::connection_ids(name) else { continue };
            let known = self.connections.borrow().iter().any(|connection| connection.client == client);
            if server != self.id || known || self.refused.borrow().contains(&client) {
                continue;
            }
            // More clients that have left are still used than anybody thought of: this one waits until they are gone.
            let Some(number) = self.free_number() else { continue };
            let attached =
                ConnectionFile::open(&path, ConnectionLayout::new(self.service.settings())).and_then(|file| {
                    // A client that has left made the file itself, and its pending responses live on with its node.
                    let registered = clients.iter().find(|(id, _)| *id == client);
                    let node = registered.map_or_else(|| file.maker(), |(_, node)| *node);
                    let receiver = (&self.payloads, number);
                    ServerConnection::new(&self.service, self.id, [client, node], file, &self.request_layout, receiver)
                });
            if let Ok(connection) = attached {
                connection.map_unread();
                self.connect(connection);
            } else {
                self.refused.borrow_mut().push(client);
                // The client is to see that nobody comes.
                self.service.registry.changed();
            }
            // Both sides have it, or never will.
            let _ = files::remove(&path);
        }
        // Segments of clients that are gone, now that they are mapped.
        let _ = cleanup::sweep(&self.service.folder, &self.service.registry);
    }

    /// Gives up the place in the service; active requests live on.
    pub fn leave(&self) {
        if !self.registered.replace(false) {
            return;
        }
        for connection in self.connections.borrow().iter() {
            connection.file.set_server_state(State::Left);
            connection.refuse_unread();
        }
        // Connections that were never mapped are unread whole; their clients see that nobody came.
        if let Ok(_lock) = self.service.lock() {
            self.service.registry.leave_ports(|entry| entry.id == self.id);
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = cleanup::sweep(&self.service.folder, &self.service.registry);
        } else {
            self.service.node.leave_behind();
        }
    }
}

impl Drop for ServerCore {
    /// Nothing is left that could be sent: what clients have not seen yet is left to them (RR-PND-04, RR-DYN-06).
    fn drop(&mut self) {
        let settings = self.service.settings();
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            let lane = |lane| {
                let slots = connection.file.responses(lane).view();
                (0..settings.response_buffer).map(move |slot| slots.load(slot))
            };
            let unread = (0..settings.max_active_requests).flat_map(lane);
            self.payloads.hand_over(unread, connection.client, &connection.file, Side::Server);
        }
    }
}
