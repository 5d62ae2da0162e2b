//! Waiting for several servers and pending responses at once.

use std::convert::Infallible;
use std::rc::{Rc, Weak};
use std::time::Duration;

use super::client_core::ClientCore;
use super::pending::PendingResponse;
use super::server::Server;
use super::server_core::ServerCore;
use crate::channel::Slots;
use crate::wait::Waited;
use crate::wait::ladder::{self, Look, Sleeps};

/// What was attached to a [`WaitSet`]; never used again by the same set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachmentId(pub(super) u64);

/// Why an attachment ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// There is something to receive, or an error to be told of. In rare cases a receive finds that it was meant for an
    /// earlier request, and returns nothing.
    Ready,
    /// Nothing more can come: as [`Waited::Disconnected`] of `receive_timeout`; or what was attached is dropped. A pending
    /// response shows that at every wait, until it is detached; a server once, when its last client has gone, to whoever
    /// looks first.
    Disconnected,
}

/// An attachment that ends a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitEvent {
    /// Which one.
    pub id: AttachmentId,
    /// Why.
    pub readiness: Readiness,
}

/// What can be attached to a [`WaitSet`]: servers and pending responses.
pub trait Waitable: sealed::Sealed {}

pub(super) mod sealed {
    pub trait Sealed {
        fn source(&self) -> super::Source;
    }
}

/// What is waited for. It does not keep alive what was attached.
#[derive(Debug)]
pub struct Source(pub(super) Attached);

#[derive(Debug)]
pub(super) enum Attached {
    Server(Weak<ServerCore>),
    Pending { core: Weak<ClientCore>, lane: usize, request_id: u64 },
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Waitable for Server<Req, Res, ReqHeader, ResHeader> {}
impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> sealed::Sealed for Server<Req, Res, ReqHeader, ResHeader> {
    fn source(&self) -> Source {
        Source(Attached::Server(Rc::downgrade(&self.core)))
    }
}

impl<Res: ?Sized, ResHeader> Waitable for PendingResponse<Res, ResHeader> {}
impl<Res: ?Sized, ResHeader> sealed::Sealed for PendingResponse<Res, ResHeader> {
    fn source(&self) -> Source {
        let core = self.core.downgrade();
        Source(Attached::Pending { core, lane: self.lane as usize, request_id: self.request_id })
    }
}

impl Source {
    /// The port, if it is there.
    fn port(&self) -> Option<Rc<dyn Sleeps>> {
        match &self.0 {
            Attached::Server(core) => core.upgrade().map(|core| core as _),
            Attached::Pending { core, .. } => core.upgrade().map(|core| core as _),
        }
    }

    fn look(&self, look: Look) -> Option<Readiness> {
        match &self.0 {
            Attached::Server(core) => match core.upgrade() {
                Some(core) if core.is_registered() => look_at_server(&core, look),
                _ => Some(Readiness::Disconnected),
            },
            Attached::Pending { core, lane, request_id } => match core.upgrade() {
                Some(core) if core.lanes[*lane].request_id.get() == *request_id => {
                    look_at_pending(&core, *lane, *request_id, look)
                }
                _ => Some(Readiness::Disconnected),
            },
        }
    }
}

fn look_at_server(core: &ServerCore, look: Look) -> Option<Readiness> {
    // An error is told by the receive that follows.
    let has_requests = || core.has_requests().unwrap_or(true);
    let mut ready = has_requests();
    let ended = !ready && look == Look::Thorough && core.has_lost_the_last_client();
    if ended {
        // What the last client sent before it went comes first.
        ready = has_requests();
    }
    ready.then_some(Readiness::Ready).or_else(|| ended.then_some(Readiness::Disconnected))
}

fn look_at_pending(core: &ClientCore, lane: usize, request_id: u64, look: Look) -> Option<Readiness> {
    core.idle();
    let deliveries = core.lanes[lane].deliveries.borrow();
    let has_response = || {
        deliveries.iter().filter(|connection| !connection.broken.get()).any(|connection| {
            let slots = connection.file.responses(lane).view();
            connection.has_answered(lane, request_id)
                || (0..core.service.settings().response_slots()).any(|slot| slots.load(slot) != 0)
        })
    };
    let is_answerable = || deliveries.iter().any(|connection| ClientCore::is_answerable(connection, lane, request_id));
    if has_response() {
        Some(Readiness::Ready)
    } else if look == Look::Quick || is_answerable() {
        None
    } else {
        // What was sent before the end comes first.
        Some(if has_response() { Readiness::Ready } else { Readiness::Disconnected })
    }
}

/// Several servers and pending responses, of any services and nodes of this process, that one thread waits for at once
/// ([RR-WAIT-03](crate#requirements)).
///
/// ```
/// # use shmark_engine::{Node, ServiceName, Readiness, WaitSet, Waited};
/// # use std::time::Duration;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let scratch = std::env::temp_dir().join(format!("shmark-doc-wait-set-{}", std::process::id()));
/// # let node = Node::builder().root(&scratch).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// let server = service.server_builder().create()?;
/// let client = service.client_builder().create()?;
/// let pending = client.send_copy(20)?;
///
/// let mut set = WaitSet::new();
/// let requests = set.attach(&server);
/// let responses = set.attach(&pending);
/// let Waited::Received(events) = set.wait(Duration::from_secs(1)) else { panic!("no request within a second") };
/// assert!(events.iter().any(|event| event.id == requests && event.readiness == Readiness::Ready));
/// assert!(events.iter().all(|event| event.id != responses));
/// # drop((set, pending, client, server, service, node));
/// # std::fs::remove_dir_all(&scratch)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct WaitSet {
    attachments: Vec<(AttachmentId, Source)>,
    /// Attachments that there ever were.
    attached: u64,
    spin: Option<Duration>,
    /// Kept for their memory: a wait allocates nothing once there was one with as many attachments.
    events: Vec<WaitEvent>,
    ports: Ports,
}

/// Ports of the attachments, each once, for the time of one wait.
#[derive(Default)]
pub(super) struct Ports(pub Vec<Rc<dyn Sleeps>>);

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ports({})", self.0.len())
    }
}

impl WaitSet {
    /// Without attachments.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches a server or a pending response. Dropping that does not detach it.
    pub fn attach(&mut self, waitable: &impl Waitable) -> AttachmentId {
        let id = AttachmentId(self.attached);
        self.attached += 1;
        self.attachments.push((id, waitable.source()));
        id
    }

    /// Detaches it; `false` if it was not attached.
    pub fn detach(&mut self, id: AttachmentId) -> bool {
        let before = self.attachments.len();
        self.attachments.retain(|(attached, _)| *attached != id);
        self.attachments.len() < before
    }

    /// Attachments.
    #[must_use]
    pub fn len(&self) -> usize {
        self.attachments.len()
    }

    /// Whether nothing is attached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.attachments.is_empty()
    }

    /// Time that a wait spins before it sleeps: some microseconds unless set, and nothing where there is one processor. Ends
    /// are seen while spinning too, within a millisecond, and killed peers as soon as asleep.
    pub fn set_spin_before_sleep(&mut self, spin: Duration) {
        self.spin = Some(spin);
    }

    /// Waits until at least one attachment is ready or disconnected, and lists all that are, in the order in which they were
    /// attached. A set without attachments is [`Waited::Disconnected`] at once.
    ///
    /// Up to 128 ports are waited for asleep, and so are any number of pending responses of the same client, on Linux 5.16 or
    /// later. Beyond that the thread looks again every millisecond, as it does where the kernel refuses `membarrier` (see
    /// [`PendingResponse::receive_timeout`]).
    pub fn wait(&mut self, timeout: Duration) -> Waited<&[WaitEvent]> {
        if self.is_empty() {
            return Waited::Disconnected;
        }
        let ports = self.ports();
        let spin = self.spin.unwrap_or_else(ladder::spin_by_default);
        let found = ladder::wait(&ports.0, timeout, spin, |look| {
            Ok::<_, Infallible>(if self.look(look) { Some(()) } else { None })
        });
        self.keep(ports);
        match found {
            Ok(Some(())) => Waited::Received(&self.events),
            Ok(None) => Waited::Timeout,
        }
    }

    /// The port of an attachment, if both are there.
    pub(super) fn port(&self, id: AttachmentId) -> Option<Rc<dyn Sleeps>> {
        self.attachments.iter().find(|(attached, _)| *attached == id).and_then(|(_, source)| source.port())
    }

    /// Whether an attachment ends a wait now.
    pub(super) fn look(&mut self, look: Look) -> bool {
        self.events.clear();
        let ready = self.attachments.iter().filter_map(|(id, source)| {
            let readiness = source.look(look)?;
            Some(WaitEvent { id: *id, readiness })
        });
        self.events.extend(ready);
        !self.events.is_empty()
    }

    /// What the last look has found.
    pub(super) fn events(&self) -> &[WaitEvent] {
        &self.events
    }

    /// The ports of all attachments, to be given back to [`WaitSet::keep`].
    pub(super) fn ports(&mut self) -> Ports {
        let mut ports = std::mem::take(&mut self.ports);
        for port in self.attachments.iter().filter_map(|(_, source)| source.port()) {
            // By address alone: the tables behind trait objects may be there twice.
            if !ports.0.iter().any(|known| Rc::as_ptr(known).addr() == Rc::as_ptr(&port).addr()) {
                ports.0.push(port);
            }
        }
        ports
    }

    pub(super) fn keep(&mut self, mut ports: Ports) {
        ports.0.clear();
        self.ports = ports;
    }
}
