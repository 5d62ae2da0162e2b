//! How a port gets its place in a service: it appears in the registry when all its files are there.

use std::cell::{Cell, RefCell};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::attaching::Attaching;
use super::sync_state::{Member, SyncState};
use crate::connection::{ConnectionFile, ConnectionLayout, Side};
use crate::error::{PortError, SystemContext, SystemError};
use crate::id::Id;
use crate::payload::{ChunkLayout, Kind};
use crate::port::backpressure::Backpressure;
use crate::port::link::{Connection, Connections, Ends};
use crate::port::payloads::{Payloads, SegmentPlan};
use crate::port::wait::wait_state::{LivenessTimer, WaitState};
use crate::service::files::{self, ConnectionName};
use crate::service::registry::{PORT_NAME_BYTES_MAX, PortEntry};
use crate::service::{ServiceInner, cleanup, layouts, sweep};
use crate::settings::Settings;
use crate::strategy::AllocationStrategy;

/// Ports that were dropped and of which something is still held, at once, that a port is prepared for at least.
const RECEIVERS_LEFT: usize = 32;

/// What a builder was told, of either kind of port.
#[derive(Debug, Clone)]
pub(super) struct PortOptions {
    pub name: String,
    pub max: Option<usize>,
    pub allocation_strategy: AllocationStrategy,
    pub initial_max_slice_len: usize,
    pub preallocate: Option<usize>,
    pub backpressure: Backpressure,
}

/// Makes a port, connected to every port of the other kind that is there. It sends messages of `kind`, of which at most
/// `chunks_max` are in use at once.
///
/// # Errors
/// [`PortError`]; nothing of the port is left then.
pub(super) fn enter<P: Attaching>(
    service: Arc<ServiceInner>,
    options: PortOptions,
    kind: Kind,
    chunks_max: usize,
    port: impl FnOnce(Member<P::Ends>) -> P,
) -> Result<Rc<P>, PortError> {
    let side = P::Ends::SIDE;
    let [sent_layout, received_layout] = side.pair(layouts(&service.config));
    let draft = Draft::begin(&service, &options.name, side)?;
    let id = draft.id;
    let payloads = draft.payloads(&sent_layout, &options, kind, chunks_max)?;
    let (connections, changes) = draft.publish(received_layout.align, &payloads)?;
    let port = port(Member {
        service,
        id,
        sent_layout,
        received_layout,
        payloads,
        backpressure: options.backpressure,
        connections: RefCell::default(),
        refused: RefCell::default(),
        sync_state: SyncState::new(changes),
        registered: Cell::new(true),
        watch: LivenessTimer::new(),
        wait_state: WaitState::new(side, id),
    });
    for connection in connections {
        port.connect(connection);
    }
    Ok(Rc::new(port))
}

/// Tries to publish a port while ports of the other kind come and go.
const TRIES_MAX: usize = 1000;

/// A port that is being made. Unless it is published, dropping it removes what it made.
///
/// Nobody sees anything of it before it is published, so all that takes longer for larger segments is done without the
/// service's lock.
struct Draft<'a> {
    service: &'a Arc<ServiceInner>,
    side: Side,
    id: Id,
    name: &'a str,
    /// Ports with which connections were made.
    peers: RefCell<Vec<Id>>,
    published: bool,
}

impl<'a> Draft<'a> {
    fn begin(service: &'a Arc<ServiceInner>, name: &'a str, side: Side) -> Result<Self, PortError> {
        let bytes = name.len();
        if bytes > PORT_NAME_BYTES_MAX {
            return Err(PortError::NameTooLong { bytes });
        }
        // What dead nodes hold must not count; what cannot be cleaned is told by the limit.
        let _ = cleanup::clean_dead_nodes(&service.node.root);
        if service.locks_memory() {
            service.registry.lock_in_memory().at("locking the registry into memory", &service.folder)?;
        }
        let id = Id::random().doing("making a port id")?;
        let draft = Self { service, side, id, name, peers: RefCell::default(), published: false };
        // Before large segments are made for nothing; what counts is the look under the lock.
        draft.check_limit()?;
        Ok(draft)
    }

    fn check_limit(&self) -> Result<(), PortError> {
        let count = self.service.registry.ports(self.side).len();
        let Settings { max_clients, max_servers, .. } = *self.service.settings();
        match self.side {
            Side::Client if count >= max_clients => Err(PortError::ExceedsMaxClients { max_clients }),
            Side::Server if count >= max_servers => Err(PortError::ExceedsMaxServers { max_servers }),
            _ => Ok(()),
        }
    }

    /// Without overflow of requests, nothing that departed clients have left is given up, so there is an end of clients that
    /// may come while a server does not look. Under the lock.
    fn check_departed(&self) -> Result<(), PortError> {
        let Settings { overflow_requests, max_departed_clients: max, .. } = *self.service.settings();
        if self.side != Side::Client || overflow_requests {
            return Ok(());
        }
        let folder = &self.service.folder;
        match sweep::most_departed(folder).at("counting departed clients", folder)? {
            Some((server, count)) if count >= max => Err(PortError::TooManyDepartedClients { server, max }),
            _ => Ok(()),
        }
    }

    fn payloads(
        &self,
        layout: &ChunkLayout,
        options: &PortOptions,
        kind: Kind,
        chunks_max: usize,
    ) -> Result<Payloads, PortError> {
        if self.service.locks_memory() && options.allocation_strategy.grows() {
            return Err(PortError::GrowthInSafetyCriticalProfile);
        }
        let len = if kind == Kind::Fixed { 1 } else { options.initial_max_slice_len };
        let chunks = options.preallocate.map_or(chunks_max, |messages| messages.clamp(1, chunks_max));
        let settings = self.service.settings();
        let peers = if self.side == Side::Client { settings.max_servers } else { settings.max_clients };
        // Rounded up to whole words of holders, of which one is the sender.
        let receivers = (peers + 1 + RECEIVERS_LEFT).next_multiple_of(64) - 1;
        let plan =
            SegmentPlan { layout: *layout, strategy: options.allocation_strategy, len, chunks: chunks_max, receivers };
        let Some(first) = plan.geometry(len, chunks) else {
            return Err(PortError::SegmentTooLarge { chunks, chunk_bytes: layout.stride(len).unwrap_or(usize::MAX) });
        };
        Payloads::create(self.service, self.id, plan, first).map_err(|error| {
            let bytes = first.stride.saturating_mul(first.chunks);
            let what = format!("creating the payload segment of {bytes} bytes ({} chunks)", first.chunks);
            SystemError::at(what, &self.service.folder, &error).into()
        })
    }

    /// Where the connection with a peer is until the port is published, and from then on.
    fn paths(&self, peer: Id) -> [PathBuf; 2] {
        let pair = self.side.pair([self.id, peer]);
        [files::unfinished_connection(self.service.node.id, pair), ConnectionName::Waiting.file(pair)]
            .map(|name| self.service.folder.join(name))
    }

    fn connection<T: Ends>(&self, peer: &PortEntry, align: usize) -> Result<Rc<Connection<T>>, PortError> {
        let ([path, _], layout) = (self.paths(peer.id), ConnectionLayout::new(self.service.settings()));
        self.peers.borrow_mut().push(peer.id);
        let file = ConnectionFile::create(&path, layout, self.service.node.id).at("creating a connection", &path)?;
        let opened = Connection::open(self.service, self.id, [peer.id, peer.node], file, align);
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
                PortError::Corrupted { file: "segment", reason: error.to_string() }
            }
            _ => SystemError::at("mapping the other side's payload segment", &self.service.folder, &error).into(),
        })
    }

    /// Enters the port into the registry, connected to every port of the other kind that is there, whose segments are aligned to
    /// `align`, and says what its counter was.
    fn publish<T: Ends>(mut self, align: usize, payloads: &Payloads) -> Result<(Connections<T>, u64), PortError> {
        let service = self.service;
        let others = self.side.other();
        let mut connections: Connections<T> = Vec::new();
        for _ in 0..TRIES_MAX {
            for peer in service.registry.ports(others) {
                if !connections.iter().any(|known| known.peer == peer.id) {
                    connections.push(self.connection(&peer, align)?);
                }
            }
            let lock = match service.lock() {
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(PortError::Busy),
                locked => locked.at("locking the service", &service.folder.join(files::LOCK))?,
            };
            let peers: Vec<Id> = service.registry.ports(others).into_iter().map(|peer| peer.id).collect();
            if peers.iter().any(|peer| !connections.iter().any(|known| known.peer == *peer)) {
                // Somebody has come meanwhile.
                continue;
            }
            self.check_limit()?;
            self.check_departed()?;
            let (kept, gone): (Vec<_>, Vec<_>) = connections.into_iter().partition(|known| peers.contains(&known.peer));
            for connection in &kept {
                connection.attach(payloads);
                let [unfinished, published] = self.paths(connection.peer);
                std::fs::rename(unfinished, published).at("publishing a connection", &service.folder)?;
            }
            let changes = self.enter_registry()?;
            drop(lock);
            for connection in gone {
                // One that stays goes with the node.
                let _ = files::remove(&self.paths(connection.peer)[0]);
            }
            return Ok((kept, changes));
        }
        Err(PortError::Busy)
    }

    /// Under the lock.
    fn enter_registry(&mut self) -> Result<u64, PortError> {
        let registry = &self.service.registry;
        let entry = PortEntry { id: self.id, node: self.service.node.id, name: self.name.to_owned() };
        let changes = registry.changes();
        // There is a place: counted under the same lock.
        if !registry.enter_port(self.side, &entry) {
            let reason = "more places are taken than there are".to_owned();
            return Err(PortError::Corrupted { file: "registry", reason });
        }
        registry.changed();
        self.published = true;
        Ok(changes)
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // By name: looking for them would take a descriptor. One that stays goes with the node.
        for peer in self.peers.take() {
            for path in self.paths(peer) {
                let _ = files::remove(&path);
            }
        }
    }
}
