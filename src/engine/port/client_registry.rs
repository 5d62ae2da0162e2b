//! How a client follows the service: servers that come, leave and die, and its own leaving.

use super::client_connection::ClientConnection;
use super::client_core::ClientCore;
use crate::engine::channel::Slots;
use crate::engine::connection::{ConnectionFile, ConnectionLayout, Side, State};
use crate::engine::service::registry::Role;
use crate::engine::service::{cleanup, files};

impl ClientCore {
    /// Whether the client still has its place in the service.
    pub fn is_registered(&self) -> bool {
        self.registered.get()
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
            // If the node is dead, cleaning it up changes the registry, which is what is looked at next. If it could not
            // be looked at, the peer counts as alive, and the next slice tries again.
            let _ = cleanup::clean_node_if_dead(&self.service.node.root, connection.node);
            connection.tidy();
        }
    }

    /// Connects to new servers, closes connections to those that are gone.
    #[cold]
    pub fn walk(&self) {
        let registry = &self.service.registry;
        // Without the lock, a moment later: the counter stays different.
        let Ok(_lock) = self.service.lock() else { return };
        self.seen.set(registry.changes());
        let servers = registry.ports(Role::Server);
        let nodes = registry.node_ids();
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            let state = connection.file.server_state();
            let registered = servers.iter().any(|server| server.id == connection.server);
            // Left without leaving the service: it has found garbage here.
            if !registered || state >= State::Left {
                connection.open.set(false);
            }
            // A server maps the connection only while it is registered: one that left before never will, and neither will
            // one that has taken the file away without mapping it, because it could not.
            let path = || self.service.folder.join(files::connection(self.id, connection.server));
            let never_came = state == State::Absent && !(registered && path().exists());
            if never_came || state == State::Gone || !nodes.contains(&connection.node) {
                connection.close(&self.payloads);
            }
        }
        self.connections.borrow_mut().retain(|connection| !connection.gone.get());
        if !self.registered.get() {
            return;
        }
        for server in servers {
            let known = self.connections.borrow().iter().any(|connection| connection.server == server.id)
                || self.refused.borrow().contains(&server.id);
            if known {
                continue;
            }
            // More servers that have left are still used than anybody thought of: this one waits until they are gone.
            let Some(number) = self.free_number() else { continue };
            let path = self.service.folder.join(files::connection(self.id, server.id));
            let attached =
                ConnectionFile::open(&path, ConnectionLayout::new(self.service.settings())).and_then(|file| {
                    let (ids, receiver) = ([server.id, server.node], (&self.payloads, number));
                    ClientConnection::new(&self.service, self.id, ids, file, &self.response_layout, receiver)
                });
            if let Ok(connection) = attached {
                self.connect(connection);
            } else {
                self.refused.borrow_mut().push(server.id);
                // The server is to see that nobody comes.
                registry.changed();
            }
            // Both sides have it, or never will.
            let _ = files::remove(&path);
        }
    }

    /// The lowest number that no receiver has.
    pub fn free_number(&self) -> Option<usize> {
        let connections = self.connections.borrow();
        (0..self.payloads.receivers()).find(|number| connections.iter().all(|c| c.lending.number() != *number))
    }

    /// Takes away connections that no server has mapped yet and that hold nothing for it: a server that never looks must not
    /// pay for every client that comes and goes. Under the service's lock.
    pub fn withdraw(&self) {
        if self.active.get() > 0 || self.loans.get() > 0 {
            return;
        }
        let settings = self.service.settings();
        for connection in self.connections.borrow().iter() {
            let slots = connection.file.requests();
            let received_later = settings.fire_and_forget
                && (connection.word_at(None) != 0 || (0..settings.max_active_requests).any(|i| slots.load(i) != 0));
            if connection.file.server_state() == State::Absent && !received_later {
                connection.close(&self.payloads);
                // What stays is swept with the server.
                let _ = files::remove(&self.service.folder.join(files::connection(self.id, connection.server)));
            }
        }
    }

    /// Gives up the place in the service; what was made from the client lives on.
    pub fn leave(&self) {
        if !self.registered.replace(false) {
            return;
        }
        for connection in self.connections.borrow().iter() {
            connection.file.set_client_state(State::Left);
        }
        if let Ok(_lock) = self.service.lock() {
            self.withdraw();
            self.service.registry.leave_ports(|entry| entry.id == self.id);
            // What cannot be removed now is removed with the next port that leaves, or with the service.
            let _ = cleanup::sweep(&self.service.folder, &self.service.registry);
        } else {
            self.service.node.leave_behind();
        }
    }
}

impl Drop for ClientCore {
    /// Nothing is left that could be sent: what servers have not seen yet is left to them (RR-FNF-01, RR-DYN-06).
    fn drop(&mut self) {
        for connection in self.connections.borrow().iter().filter(|connection| !connection.gone.get()) {
            let slots = connection.file.requests();
            let unread = (0..self.service.settings().max_active_requests).map(|slot| slots.load(slot));
            self.payloads.hand_over(unread, connection.server, &connection.file, Side::Client);
        }
    }
}
