//! Files of a service that nobody will ask for any more, and connections of clients that have left. Under the service's
//! lock; what takes longer the larger it is, is left to do without.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::files::{self, ConnectionName, FileName};
use super::registry::Registry;
use crate::connection::{ConnectionFile, ConnectionLayout, Side, State};
use crate::error::found;
use crate::id::Id;
use crate::root::Root;

/// Files and folders that nobody can find any more, to be removed when the lock is released: that takes longer the larger
/// they are. Whoever sweeps next finds those that a killed process has not removed.
#[must_use = "what is discarded still has to be removed"]
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Discarded {
    /// A service's folder, which gets the name of a temporary one of node `by` in one step.
    ///
    /// # Errors
    /// Those of the system.
    pub fn service(root: &Root, folder: &Path, by: Id) -> io::Result<Self> {
        let aside = files::temporary_folder(root, by)?;
        found(std::fs::rename(folder, &aside))?;
        Ok(Self { files: Vec::new(), folder: Some(aside) })
    }

    /// Removes all of it, without the lock.
    ///
    /// # Errors
    /// The first one; the rest is removed all the same.
    pub fn remove(self) -> io::Result<()> {
        let mut removed = Ok(());
        for path in &self.files {
            removed = removed.and(files::remove(path));
        }
        removed.and(self.folder.map_or(Ok(()), |folder| files::remove_folder(&folder)))
    }
}

/// Who leaves the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leaver {
    /// Nobody that is known here.
    Nobody,
    /// A client. `holds` says whether it may still send, or be answered: it has loans or pending responses.
    Client { id: Id, holds: bool },
    /// A server, which receives nothing any more.
    Server(Id),
}

impl Leaver {
    /// Who leaves if that is told later: what a client still holds may have changed by then.
    pub fn later(self) -> Self {
        match self {
            Self::Client { id, .. } => Self::Client { id, holds: true },
            other => other,
        }
    }

    /// Whether it is this port.
    pub fn is(self, port: Id) -> bool {
        match self {
            Self::Nobody => false,
            Self::Client { id, .. } | Self::Server(id) => id == port,
        }
    }
}

/// Service that is swept.
struct Sweep<'a> {
    registry: &'a Registry,
    leaver: Leaver,
    nodes: Vec<Id>,
    discarded: Discarded,
    /// Connections of departed clients: number, client, server, path.
    departed: Vec<(u64, Id, Id, PathBuf)>,
    /// What was handed over: sender, node of the reader, reader, path.
    handovers: Vec<([Id; 3], PathBuf)>,
    /// Departed clients whose connections could not be looked at now: what they need is kept.
    unseen: Vec<Id>,
}

/// Removes what nobody will ask for any more, behind whoever has just been taken out of the registry.
///
/// - The connection of a client that has left is asked for while its server is there and something in it can be received:
///   a request that is wanted (RR-FNF-01, RR-FNF-02), or one that the client may still send. It then waits under the name of
///   a departed client's, at most `max_departed_clients` for each server.
/// - A segment is asked for as long as its node is there, whose business it is, or a connection of its client waits.
/// - What was handed over is asked for as long as the reader is there, or may be: its node is.
///
/// # Errors
/// Those of the system; what was not reached is swept the next time.
pub(crate) fn sweep(registry: &Registry, leaver: Leaver) -> io::Result<Discarded> {
    let [clients, servers] = [Side::Client, Side::Server]
        .map(|role| registry.ports(role).into_iter().map(|entry| entry.id).collect::<Vec<_>>());
    let nodes = registry.node_ids();
    let (discarded, departed, handovers, unseen) = Default::default();
    let mut sweep = Sweep { registry, leaver, nodes, discarded, departed, handovers, unseen };
    let mut segments = Vec::new();
    let is_in = |port: &Id| clients.contains(port) || servers.contains(port);
    for (name, path) in files::list(&registry.folder)? {
        match name {
            FileName::Connection(kind, [client, server]) => {
                if !servers.contains(&server) {
                    files::remove(&path)?;
                } else if !clients.contains(&client) {
                    sweep.depart(kind, [client, server], path)?;
                }
            }
            FileName::Segment { node, port } if !sweep.nodes.contains(&node) => segments.push((port, path)),
            FileName::Handover { sender, node, reader } => sweep.handovers.push(([sender, node, reader], path)),
            FileName::NotificationPipe { port } if !is_in(&port) => files::remove(&path)?,
            FileName::Unfinished { node } if !sweep.nodes.contains(&node) => files::remove(&path)?,
            FileName::Segment { .. } | FileName::NotificationPipe { .. } | FileName::Unfinished { .. } => {}
        }
    }
    sweep.keep_to_the_bound()?;
    let Sweep { nodes, departed, handovers, unseen, mut discarded, .. } = sweep;
    let is_given_up = |[_, node, reader]: &[Id; 3]| !nodes.contains(node) || leaver == Leaver::Server(*reader);
    discarded.files.extend(handovers.into_iter().filter(|(ids, _)| is_given_up(ids)).map(|(_, path)| path));
    let waits = |port: &Id| departed.iter().any(|(_, client, ..)| client == port) || unseen.contains(port);
    discarded.files.extend(segments.into_iter().filter(|(port, _)| !waits(port)).map(|(_, path)| path));
    Ok(discarded)
}

impl Sweep<'_> {
    fn open_connection(&self, path: &Path) -> io::Result<ConnectionFile> {
        ConnectionFile::open(path, ConnectionLayout::new(&self.registry.settings))
    }

    /// A client that has left, before a server has mapped their connection.
    fn depart(&mut self, kind: ConnectionName, [client, server]: [Id; 2], path: PathBuf) -> io::Result<()> {
        if let ConnectionName::Departed { number, node } = kind {
            // Without fire-and-forget, it waited for what its client might still want.
            if !self.registry.settings.fire_and_forget && !self.nodes.contains(&node) {
                return files::remove(&path);
            }
            self.departed.push((number, client, server, path));
            return Ok(());
        }
        let file = match self.open_connection(&path) {
            Ok(file) => file,
            // Of no use to anybody.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return files::remove(&path),
            // Looked at by whoever sweeps next.
            Err(_) => {
                self.unseen.push(client);
                return Ok(());
            }
        };
        if file.server_state() != State::Absent && file.client_state() != State::Absent {
            // Mapped a moment ago by a server that has died since, or is about to unlink it.
            return Ok(());
        }
        let node = file.maker();
        let may_send = match self.leaver {
            Leaver::Client { id, holds } if id == client => holds,
            _ => self.nodes.contains(&node),
        };
        // A client that has never mapped the connection has sent nothing there, and will not.
        let is_wanted = file.client_state() != State::Absent
            && (may_send || (self.registry.settings.fire_and_forget && file.unread_requests() > 0));
        if !is_wanted {
            return files::remove(&path);
        }
        let number = self.registry.next_departure();
        let departed = self.registry.folder.join(ConnectionName::Departed { number, node }.file([client, server]));
        std::fs::rename(&path, &departed)?;
        self.departed.push((number, client, server, departed));
        Ok(())
    }

    /// Gives up the requests of the clients that left first, where too many wait for a server that does not look. Without
    /// overflow of requests, none more than that are created instead.
    fn keep_to_the_bound(&mut self) -> io::Result<()> {
        let settings = &self.registry.settings;
        if !settings.overflow_requests {
            return Ok(());
        }
        self.departed.sort_unstable_by_key(|(number, ..)| *number);
        // From the one that left last on.
        let mut waiting = BTreeMap::new();
        let mut given_up = Vec::new();
        for (i, (_, _, server, _)) in self.departed.iter().enumerate().rev() {
            let count = waiting.entry(*server).or_insert(0);
            *count += 1;
            if *count > settings.max_departed_clients {
                given_up.push(i);
            }
        }
        for i in &given_up {
            let (_, client, server, path) = self.departed.remove(*i);
            // What cannot be looked at counts as one, so that the loss is seen.
            let requests = self.open_connection(&path).map_or(1, |file| file.unread_requests());
            files::remove(&path)?;
            self.registry.count_given_up(server, requests);
            let gone = self.handovers.extract_if(.., |([sender, _, reader], _)| [*sender, *reader] == [client, server]);
            self.discarded.files.extend(gone.map(|(_, path)| path));
        }
        if !given_up.is_empty() {
            // Whose pending response lives is to see that nobody comes.
            self.registry.changed();
        }
        Ok(())
    }
}

/// The server for which the connections of most clients wait that have left, or that are not connected yet, and how many.
/// Under the lock.
///
/// # Errors
/// Those of the system.
pub(crate) fn most_departed(folder: &Path) -> io::Result<Option<(Id, usize)>> {
    let mut counts = BTreeMap::new();
    for (name, _) in files::list(folder)? {
        if let FileName::Connection(ConnectionName::Departed { .. }, [_, server]) = name {
            *counts.entry(server).or_insert(0) += 1;
        }
    }
    Ok(counts.into_iter().max_by_key(|(_, count)| *count))
}
