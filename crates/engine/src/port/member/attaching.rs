//! How a port connects to the ports of the other role: both kinds of port do it alike.
//!
//! A *sync* with the registry follows a change of the service. What is under the service's lock there takes no longer
//! for larger segments: a look at the registry and at the names of files, and later the moment in which a connection
//! becomes the ports' own. Mapping, locking into memory and unmapping happen without the lock.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use super::sync_state::{Port, Problem, SyncOutcome};
use crate::connection::{ConnectionFile, ConnectionLayout};
use crate::error::{SystemContext, SystemError};
use crate::id::Id;
use crate::port::link::{Connection, Connections, Ends};
use crate::service::ServiceLock;
use crate::service::files::{self, ConnectionName, FileName};
use crate::shm::is_damage;

/// A connection's file as a sync has found it.
#[derive(Debug, Clone)]
pub(in crate::port) struct Found {
    pub kind: ConnectionName,
    pub peer: Id,
    path: PathBuf,
}

/// The service as it was under the lock.
#[derive(Debug)]
pub(in crate::port) struct Snapshot {
    changes: u64,
    /// Ports of the other role that are registered, with their nodes.
    pub peers: Vec<[Id; 2]>,
    pub nodes: Vec<Id>,
    /// Connections of this port that still have a name.
    pub files: Vec<Found>,
}

impl Snapshot {
    pub fn is_registered(&self, peer: Id) -> bool {
        self.node(peer).is_some()
    }

    pub fn file(&self, peer: Id) -> Option<&Found> {
        self.files.iter().find(|found| found.peer == peer)
    }

    pub fn node(&self, peer: Id) -> Option<Id> {
        self.peers.iter().find(|[id, _]| *id == peer).map(|[_, node]| *node)
    }
}

/// What became of a peer that was to be attached.
type Attempt<T> = io::Result<Rc<Connection<T>>>;

/// A port that attaches connections which the other side has made.
pub(in crate::port) trait Attaching: Port {
    /// A connection is about to be taken in: makes room for it wherever the message path must not allocate.
    fn expect_one_more(&self);
    /// Closes connections that have ended, and takes them out of the list: to be dropped without anything borrowed.
    fn close_ended(&self, snapshot: &Snapshot) -> Connections<Self::Ends>;
    /// Which of the connections that have a name to attach, in order. The port is registered. Says whether some of them have
    /// to wait.
    fn choose(&self, snapshot: &Snapshot) -> (Vec<Found>, SyncOutcome);

    /// Takes in a connection, which is this side's own now.
    fn connect(&self, connection: Rc<Connection<Self::Ends>>) {
        connection.remote.keep();
        self.expect_one_more();
        self.connections.borrow_mut().push(connection);
    }

    /// Whether there is such a connection, or its files were damaged.
    fn is_known(&self, peer: Id) -> bool {
        self.connections.borrow().iter().any(|connection| connection.peer == peer)
            || self.refused.borrow().contains(&peer)
    }

    /// Connects to new peers, closes connections to those that are gone.
    #[cold]
    fn sync(&self) {
        if !self.sync_state.is_due(self.service.registry.changes()) {
            return;
        }
        let Some(snapshot) = self.read_registry() else { return };
        drop(self.close_ended(&snapshot));
        let mut synced = SyncOutcome::Complete;
        if self.registered.get() {
            let (chosen, rest) = self.choose(&snapshot);
            synced = rest;
            if !chosen.is_empty() {
                synced = synced.max(self.attach_all(&snapshot, chosen));
                // Some of them have left already.
                drop(self.close_ended(&snapshot));
            }
        }
        self.sync_state.record_sync(snapshot.changes, synced);
    }

    /// Nothing if the service cannot be looked at now.
    fn read_registry(&self) -> Option<Snapshot> {
        let service = &self.service;
        let Ok(lock) = service.lock_soon() else {
            // Its holder may be stopped: a moment later.
            self.sync_state.record_failed_sync();
            return None;
        };
        let registry = &service.registry;
        let changes = registry.changes();
        let peers = registry.ports(Self::Ends::SIDE.other()).into_iter().map(|entry| [entry.id, entry.node]).collect();
        let nodes = registry.node_ids();
        match service.check_reachable().and_then(|()| self.find_files(&lock)) {
            Ok(files) => Some(Snapshot { changes, peers, nodes, files }),
            Err(error) => {
                self.sync_state.record_sync(changes, SyncOutcome::Incomplete);
                self.sync_state.note(Problem::CannotAttach(Box::new(error)));
                None
            }
        }
    }

    /// The connections of this port that have a name.
    fn find_files(&self, _lock: &ServiceLock<'_>) -> Result<Vec<Found>, SystemError> {
        let folder = &self.service.folder;
        let files = files::list(folder).at("looking for connections in the service's folder", folder)?;
        let own = |(name, path)| {
            let FileName::Connection(kind, ids) = name else { return None };
            let [own, peer] = Self::Ends::SIDE.pair(ids);
            (own == self.id).then_some(Found { kind, peer, path })
        };
        Ok(files.into_iter().filter_map(own).collect())
    }

    fn attach_all(&self, snapshot: &Snapshot, chosen: Vec<Found>) -> SyncOutcome {
        let mut synced = SyncOutcome::Complete;
        let mut attempts = Vec::new();
        for found in chosen {
            match self.attempt(snapshot, &found) {
                // Renamed or taken away meanwhile: the next sync finds it, or not.
                Err(error) if error.kind() == io::ErrorKind::NotFound => synced = SyncOutcome::Incomplete,
                attempt => attempts.push((found, attempt)),
            }
        }
        // Its holder may be stopped: a moment later.
        let Ok(lock) = self.service.lock_soon() else { return SyncOutcome::Crowded };
        let (ready, problem) = self.settle(&lock, attempts, &mut synced);
        drop(lock);
        for connection in ready {
            self.connect(connection);
        }
        if let Some(problem) = problem {
            self.sync_state.note(Problem::CannotAttach(problem));
            synced = SyncOutcome::Incomplete;
        }
        synced
    }

    /// Maps everything, without the lock.
    ///
    /// # Errors
    /// Those of mapping; `NotFound` if the file has another name by now, or none.
    fn attempt(&self, snapshot: &Snapshot, found: &Found) -> Attempt<Self::Ends> {
        let service = &self.service;
        let file = ConnectionFile::open(&found.path, ConnectionLayout::new(service.settings()))?;
        // One that has left made the file itself, and what it waits for lives on with its node.
        let node = snapshot.node(found.peer).unwrap_or_else(|| file.maker());
        Connection::open(service, self.id, [found.peer, node], file, self.received_layout.align)
    }

    /// Makes the connections the ports' own, under the lock: those that are ready, and the first reason for which one is
    /// not.
    fn settle(
        &self,
        lock: &ServiceLock<'_>,
        attempts: Vec<(Found, Attempt<Self::Ends>)>,
        synced: &mut SyncOutcome,
    ) -> (Connections<Self::Ends>, Option<Box<SystemError>>) {
        let service = &self.service;
        let (mut ready, mut problem, mut is_told) = (Vec::new(), None, false);
        // Without the lock, a client may have left, and its connection have got another name or none.
        let Ok(files) = self.find_files(lock) else {
            *synced = SyncOutcome::Incomplete;
            return (ready, problem);
        };
        for (found, attempt) in attempts {
            let Some(now) = files.iter().find(|file| file.peer == found.peer) else { continue };
            match attempt {
                Ok(connection) => {
                    connection.attach(&self.payloads);
                    // Both sides have it.
                    let _ = files::remove(&now.path);
                    // The other side counted this one as not connected.
                    is_told |= now.kind == ConnectionName::Deferred;
                    ready.push(connection);
                }
                // Its files are damaged, which is final.
                Err(error) if is_damage(&error) => {
                    self.refused.borrow_mut().push(found.peer);
                    // The other side is to see that nobody comes.
                    let _ = files::remove(&now.path);
                    is_told = true;
                }
                // Not now; it is told so, and tried again.
                Err(error) => {
                    if now.kind == ConnectionName::Waiting {
                        let deferred = ConnectionName::Deferred.file(Self::Ends::SIDE.pair([self.id, now.peer]));
                        // What has no other name counts as connected, and is tried again all the same.
                        let _ = std::fs::rename(&now.path, service.folder.join(deferred));
                        is_told = true;
                    }
                    let what = "attaching a peer's connection and payload segments";
                    problem.get_or_insert_with(|| Box::new(SystemError::at(what, &found.path, &error)));
                }
            }
        }
        if is_told {
            service.registry.changed();
        }
        (ready, problem)
    }
}
