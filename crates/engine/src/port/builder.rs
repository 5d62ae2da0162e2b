//! Builders of clients and servers: a port appears in the registry when all its files are there.

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::AllocationStrategy;
use super::attaching::Attaching;
use super::backpressure::{Backpressure, BackpressureAction, BackpressureInfo, BackpressureStrategy};
use super::client::Client;
use super::client_connection::ClientConnection;
use super::client_core::ClientCore;
use super::payloads::{Payloads, Plan};
use super::server::Server;
use super::server_connection::ServerConnection;
use super::server_core::ServerCore;
use crate::connection::{ConnectionFile, ConnectionLayout};
use crate::error::{PortError, SystemError};
use crate::id::Id;
use crate::payload::{ChunkLayout, Kind, Payload, Types};
use crate::service::registry::{PORT_NAME_BYTES_MAX, PortEntry, Role};
use crate::service::{ServiceInner, cleanup, files, layouts, sweep};
use crate::settings::Settings;
use crate::shm::Plain;

/// Ports that were dropped and of which something is still held, at once, that a port is prepared for at least.
const RECEIVERS_LEFT: usize = 32;

/// What both kinds of port have.
#[derive(Debug, Clone)]
struct PortOptions {
    name: String,
    max: Option<usize>,
    allocation_strategy: AllocationStrategy,
    initial_max_slice_len: usize,
    preallocate: Option<usize>,
    backpressure: Backpressure,
}

macro_rules! port_builder {
    ($(#[$doc:meta])* $builder:ident, $defaults:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $builder<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
            service: Arc<ServiceInner>,
            options: PortOptions,
            types: Types<Req, Res, ReqHeader, ResHeader>,
        }

        impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> $builder<Req, Res, ReqHeader, ResHeader> {
            pub(crate) fn new(service: Arc<ServiceInner>) -> Self {
                let defaults = &service.node.config.$defaults;
                let options = PortOptions {
                    name: String::new(),
                    max: None,
                    allocation_strategy: defaults.allocation_strategy,
                    initial_max_slice_len: defaults.initial_max_slice_len.max(1),
                    preallocate: defaults.preallocate,
                    backpressure: Backpressure { strategy: defaults.backpressure_strategy, handler: None },
                };
                Self { service, options, types: PhantomData }
            }

            /// Names the port, for listings (RR-PRT-03).
            #[must_use]
            pub fn name(mut self, name: &str) -> Self {
                name.clone_into(&mut self.options.name);
                self
            }

            /// Elements that a loaned slice may have, without growing; 1 unless configured, 0 is taken as 1 (RR-DYN-01).
            #[must_use]
            pub fn initial_max_slice_len(mut self, len: usize) -> Self {
                self.options.initial_max_slice_len = len.max(1);
                self
            }

            /// How the payload segment gets room for longer slices (RR-DYN-02); not at all unless configured.
            #[must_use]
            pub fn allocation_strategy(mut self, strategy: AllocationStrategy) -> Self {
                self.options.allocation_strategy = strategy;
                self
            }

            /// Makes the payload segment with room for so many messages instead of as many as the limits allow to be in use
            /// at once, which is the most that is ever needed; 0 is taken as 1. When all are in use, a loan fails with
            /// [`LoanError::OutOfMemory`](crate::error::LoanError::OutOfMemory) until one comes back (RR-PRT-08); with an
            /// allocation strategy that grows, the segment grows instead (RR-DYN-07).
            #[must_use]
            pub fn preallocate(mut self, messages: usize) -> Self {
                self.options.preallocate = Some(messages.max(1));
                self
            }

            /// What to do when a buffer without overflow is full.
            #[must_use]
            pub fn backpressure_strategy(mut self, strategy: BackpressureStrategy) -> Self {
                self.options.backpressure.strategy = strategy;
                self
            }

            /// Asks `handler` whenever a buffer without overflow is full, instead of following the strategy (RR-SND-09).
            ///
            /// It is called in the thread that sends and may use other ports, for instance to receive what makes room. A
            /// panic of it goes on in the sender, with nothing of the message left.
            #[must_use]
            pub fn backpressure_handler(
                mut self,
                handler: impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static,
            ) -> Self {
                self.options.backpressure.handler = Some(Rc::new(handler));
                self
            }
        }
    };
}

port_builder! {
    /// Builds a [`Client`].
    ClientBuilder, client
}
port_builder! {
    /// Builds a [`Server`].
    ServerBuilder, server
}

impl<Req, Res, ReqHeader, ResHeader> ClientBuilder<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    /// Lowers the client's own maximum of active requests; 0 is taken as 1 (RR-PRT-04).
    #[must_use]
    pub fn max_active_requests(mut self, max: usize) -> Self {
        self.options.max = Some(max.max(1));
        self
    }

    /// Creates the client, connected to every server that is there.
    ///
    /// # Errors
    /// [`PortError`]; nothing of the client is left then.
    pub fn create(self) -> Result<Client<Req, Res, ReqHeader, ResHeader>, PortError> {
        let settings = self.service.settings();
        let active_max = self.options.max.unwrap_or(settings.max_active_requests);
        if active_max > settings.max_active_requests {
            return Err(PortError::ExceedsMaxActiveRequests { asked: active_max, has: settings.max_active_requests });
        }
        let layouts = layouts(&self.service.config);
        // Loaned, unread and held by each server, and the one that is being sent.
        let chunks = settings.max_loaned_requests + settings.max_servers * 2 * settings.max_active_requests + 1;
        let site = Site::enter(&self.service, &self.options, Role::Client)?;
        let (id, payloads) = (site.id, site.payloads(&layouts[0], &self.options, Req::KIND, chunks)?);
        let (made, changes) = site.publish(
            |server, file| ClientConnection::new(&self.service, id, server, file, &layouts[1]),
            |connection| connection.attach(&payloads),
        )?;
        let backpressure = self.options.backpressure.clone();
        let core = ClientCore::new(&self.service, id, layouts, payloads, active_max, backpressure, changes);
        for connection in made {
            core.connect(connection);
        }
        Ok(Client::new(Rc::new(core)))
    }
}

impl<Req, Res, ReqHeader, ResHeader> ServerBuilder<Req, Res, ReqHeader, ResHeader>
where
    Req: Payload + ?Sized,
    Res: Payload + ?Sized,
    ReqHeader: Plain + Default,
    ResHeader: Plain + Default,
{
    /// Responses that each active request may have loaned at once: 2 unless configured, 0 is taken as 1 (RR-LOAN-02).
    #[must_use]
    pub fn max_loaned_responses_per_request(mut self, max: usize) -> Self {
        self.options.max = Some(max.max(1));
        self
    }

    /// Creates the server, connected to every client that is there.
    ///
    /// # Errors
    /// [`PortError`]; nothing of the server is left then.
    pub fn create(self) -> Result<Server<Req, Res, ReqHeader, ResHeader>, PortError> {
        let settings = self.service.settings();
        let loans_max = self.options.max.unwrap_or(self.service.node.config.server.max_loaned_responses.max(1));
        let layouts = layouts(&self.service.config);
        // For each active request of each client: loaned, unread and held; and the one that is being sent.
        let each = loans_max.saturating_add(settings.response_slots() + settings.max_borrowed_responses);
        let chunks = each.saturating_mul(settings.max_clients * settings.max_active_requests).saturating_add(1);
        let site = Site::enter(&self.service, &self.options, Role::Server)?;
        let (id, payloads) = (site.id, site.payloads(&layouts[1], &self.options, Res::KIND, chunks)?);
        let (made, changes) = site.publish(
            |client, file| ServerConnection::new(&self.service, id, client, file, &layouts[0]),
            |connection| connection.attach(&payloads),
        )?;
        let backpressure = self.options.backpressure.clone();
        let core = ServerCore::new(&self.service, id, layouts, payloads, loans_max, backpressure, changes);
        for connection in made {
            core.connect(connection);
        }
        Ok(Server::new(Rc::new(core)))
    }
}

/// Tries to publish a port while ports of the other role come and go.
const TRIES_MAX: usize = 1000;

/// A port that is being made. Unless it is published, dropping it removes what it made.
///
/// Nobody sees anything of it before it is published, so all that takes longer for larger segments is done without the
/// service's lock.
struct Site<'a> {
    service: &'a Arc<ServiceInner>,
    role: Role,
    id: Id,
    name: &'a str,
    /// Ports with which connections were made.
    peers: RefCell<Vec<Id>>,
    published: bool,
}

impl<'a> Site<'a> {
    fn enter(service: &'a Arc<ServiceInner>, options: &'a PortOptions, role: Role) -> Result<Self, PortError> {
        let bytes = options.name.len();
        if bytes > PORT_NAME_BYTES_MAX {
            return Err(PortError::NameTooLong { bytes });
        }
        // What dead nodes hold must not count; what cannot be cleaned is told by the limit.
        let _ = cleanup::clean_dead_nodes(&service.node.root);
        if service.locks_memory() {
            let locked = service.registry.lock_in_memory();
            locked.map_err(|error| SystemError::at("locking the registry into memory", &service.folder, &error))?;
        }
        let id = Id::random().map_err(|error| SystemError::new("making a port id", &error))?;
        let site = Self { service, role, id, name: &options.name, peers: RefCell::default(), published: false };
        // Before large segments are made in vain; what counts is the look under the lock.
        site.check_limit()?;
        Ok(site)
    }

    fn check_limit(&self) -> Result<(), PortError> {
        let count = self.service.registry.ports(self.role).len();
        let Settings { max_clients, max_servers, .. } = *self.service.settings();
        match self.role {
            Role::Client if count >= max_clients => Err(PortError::ExceedsMaxClients { max_clients }),
            Role::Server if count >= max_servers => Err(PortError::ExceedsMaxServers { max_servers }),
            _ => Ok(()),
        }
    }

    /// Without overflow of requests, nothing that departed clients have left is given up, so there is an end of clients that
    /// may come while a server does not look. Under the lock.
    fn check_departed(&self) -> Result<(), PortError> {
        let Settings { overflow_requests, max_departed_clients: max, .. } = *self.service.settings();
        if self.role != Role::Client || overflow_requests {
            return Ok(());
        }
        let waiting = sweep::waiting_for_servers(&self.service.folder)
            .map_err(|error| SystemError::at("counting departed clients", &self.service.folder, &error))?;
        match waiting.first() {
            Some((server, count)) if *count >= max => Err(PortError::TooManyDepartedClients { server: *server, max }),
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
        let peers = if self.role == Role::Client { settings.max_servers } else { settings.max_clients };
        // Rounded up to whole words of holders, of which one is the sender.
        let receivers = (peers + 1 + RECEIVERS_LEFT).next_multiple_of(64) - 1;
        let plan = Plan { layout: *layout, strategy: options.allocation_strategy, len, chunks: chunks_max, receivers };
        let Some(first) = plan.geometry(len, chunks) else {
            return Err(PortError::SegmentTooLarge { chunks, chunk_bytes: layout.stride(len).unwrap_or(usize::MAX) });
        };
        Payloads::create(self.service, self.id, plan, first).map_err(|error| {
            let bytes = first.stride.saturating_mul(first.chunks);
            let what = format!("creating the payload segment of {bytes} bytes ({} chunks)", first.chunks);
            SystemError::at(what, &self.service.folder, &error).into()
        })
    }

    /// Client and server of a connection with a peer.
    fn pair(&self, peer: Id) -> [Id; 2] {
        if self.role == Role::Client { [self.id, peer] } else { [peer, self.id] }
    }

    /// Where the connection with a peer is until the port is published.
    fn unfinished(&self, peer: Id) -> PathBuf {
        let [client, server] = self.pair(peer);
        self.service.folder.join(files::unfinished_connection(self.service.node.id, client, server))
    }

    fn connection<C>(
        &self,
        peer: &PortEntry,
        make: &impl Fn([Id; 2], ConnectionFile) -> io::Result<Rc<C>>,
    ) -> Result<Rc<C>, PortError> {
        let (path, layout) = (self.unfinished(peer.id), ConnectionLayout::new(self.service.settings()));
        self.peers.borrow_mut().push(peer.id);
        let file = ConnectionFile::create(&path, layout, self.service.node.id)
            .map_err(|error| SystemError::at("creating a connection", &path, &error))?;
        make([peer.id, peer.node], file).map_err(|error| damaged(self.service, &error))
    }

    /// Enters the port into the registry, connected to every port of the other role that is there, and says what its counter
    /// was. `attach` makes a connection the port's own.
    fn publish<C>(
        mut self,
        make: impl Fn([Id; 2], ConnectionFile) -> io::Result<Rc<C>>,
        attach: impl Fn(&C),
    ) -> Result<(Vec<Rc<C>>, u64), PortError> {
        let service = Arc::clone(self.service);
        let others = if self.role == Role::Client { Role::Server } else { Role::Client };
        let mut connections: Vec<(Id, Rc<C>)> = Vec::new();
        for _ in 0..TRIES_MAX {
            for peer in service.registry.ports(others) {
                if !connections.iter().any(|(id, _)| *id == peer.id) {
                    connections.push((peer.id, self.connection(&peer, &make)?));
                }
            }
            let lock = service.lock().map_err(|error| match error.kind() {
                io::ErrorKind::TimedOut => PortError::Busy,
                _ => SystemError::at("locking the service", &service.folder.join(files::LOCK), &error).into(),
            })?;
            let peers: Vec<Id> = service.registry.ports(others).into_iter().map(|peer| peer.id).collect();
            if peers.iter().any(|peer| !connections.iter().any(|(id, _)| id == peer)) {
                // Somebody has come meanwhile.
                continue;
            }
            self.check_limit()?;
            self.check_departed()?;
            for (peer, connection) in connections.iter().filter(|(id, _)| peers.contains(id)) {
                attach(connection);
                let [client, server] = self.pair(*peer);
                std::fs::rename(self.unfinished(*peer), service.folder.join(files::connection(client, server)))
                    .map_err(|error| SystemError::at("publishing a connection", &service.folder, &error))?;
            }
            let changes = self.enter_registry()?;
            drop(lock);
            let (kept, gone): (Vec<_>, Vec<_>) = connections.into_iter().partition(|(id, _)| peers.contains(id));
            for (peer, _) in &gone {
                // One that stays goes with the node.
                let _ = files::remove(&self.unfinished(*peer));
            }
            return Ok((kept.into_iter().map(|(_, connection)| connection).collect(), changes));
        }
        Err(PortError::Busy)
    }

    /// Under the lock.
    fn enter_registry(&mut self) -> Result<u64, PortError> {
        let registry = &self.service.registry;
        let entry = PortEntry { id: self.id, node: self.service.node.id, name: self.name.to_owned() };
        let changes = registry.changes();
        // There is a place: counted under the same lock.
        if !registry.enter_port(self.role, &entry) {
            let reason = "more places are taken than there are".to_owned();
            return Err(PortError::Corrupted { file: "registry", reason });
        }
        registry.changed();
        self.published = true;
        Ok(changes)
    }
}

impl Drop for Site<'_> {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        // By name: looking for them would take a descriptor. One that stays goes with the node.
        for peer in self.peers.take() {
            let [client, server] = self.pair(peer);
            for path in [self.unfinished(peer), self.service.folder.join(files::connection(client, server))] {
                let _ = files::remove(&path);
            }
        }
    }
}

fn damaged(service: &ServiceInner, error: &io::Error) -> PortError {
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
            PortError::Corrupted { file: "segment", reason: error.to_string() }
        }
        _ => SystemError::at("mapping the other side's payload segment", &service.folder, error).into(),
    }
}
