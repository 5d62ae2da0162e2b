//! Waiting for several servers and pending responses at once.

use std::fmt::Debug;
use std::rc::{Rc, Weak};
use std::time::Duration;

use crate::port::client::core::ClientCore;
use crate::port::client::request::PendingResponse;
use crate::port::member::sync_state::Port;
use crate::port::server::Server;
use crate::port::server::core::ServerCore;
use crate::wait::Waited;
use crate::wait::adaptive::{self, PollDepth, WaitingPort};

/// What was attached to a [`WaitSet`]; never used again by the same set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttachmentId(pub(in crate::port) u64);

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
impl<W: sealed::Sealed> Waitable for W {}

pub(in crate::port) mod sealed {
    pub trait Sealed {
        fn source(&self) -> super::Source;
    }
}

/// A port that can be waited for together with others.
pub(in crate::port) trait Waits: WaitingPort + Debug {
    /// What ends a wait for the request on a lane; for any request, of a server.
    fn readiness(&self, lane: usize, request_id: u64, look: PollDepth) -> Option<Readiness>;
}

/// What is waited for. It does not keep alive what was attached.
#[derive(Debug)]
pub struct Source {
    /// The port, if it is there.
    pub(super) port: Weak<dyn Waits>,
    lane: usize,
    request_id: u64,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> sealed::Sealed for Server<Req, Res, ReqHeader, ResHeader> {
    fn source(&self) -> Source {
        let port: Weak<ServerCore> = Rc::downgrade(&self.core);
        Source { port, lane: 0, request_id: 0 }
    }
}

impl<Res: ?Sized, ResHeader> sealed::Sealed for PendingResponse<Res, ResHeader> {
    fn source(&self) -> Source {
        Source { port: self.core.downgrade(), lane: self.sent.lane as usize, request_id: self.sent.request_id }
    }
}

impl Source {
    fn look(&self, look: PollDepth) -> Option<Readiness> {
        self.port
            .upgrade()
            .map_or(Some(Readiness::Disconnected), |port| port.readiness(self.lane, self.request_id, look))
    }
}

impl Waits for ServerCore {
    fn readiness(&self, _: usize, _: u64, look: PollDepth) -> Option<Readiness> {
        if !self.registered.get() {
            return Some(Readiness::Disconnected);
        }
        // An error is told by the receive that follows.
        let has_requests = || self.has_requests().unwrap_or(true);
        let mut ready = has_requests();
        let ended = !ready && look == PollDepth::Thorough && self.take_last_client_left();
        if ended {
            // What the last client sent before it went comes first.
            ready = has_requests();
        }
        ready.then_some(Readiness::Ready).or_else(|| ended.then_some(Readiness::Disconnected))
    }
}

impl Waits for ClientCore {
    fn readiness(&self, lane: usize, request_id: u64, look: PollDepth) -> Option<Readiness> {
        if self.lanes[lane].request_id.get() != request_id {
            return Some(Readiness::Disconnected);
        }
        self.on_empty_poll();
        let deliveries = self.lanes[lane].deliveries.borrow();
        let has_response = || {
            let mut sound = deliveries.iter().filter(|connection| !connection.broken.get());
            sound.any(|connection| connection.track.has_any(lane, request_id))
        };
        if has_response() {
            Some(Readiness::Ready)
        } else if look == PollDepth::Quick || self.is_answerable(lane, request_id) {
            None
        } else {
            // What was sent before the end comes first.
            Some(if has_response() { Readiness::Ready } else { Readiness::Disconnected })
        }
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
    /// What the last look has found. Kept for their memory: a wait allocates nothing once there was one with as many attachments.
    pub(super) events: Vec<WaitEvent>,
    /// Ports of the attachments, each once, for the time of one wait.
    ports: Vec<Rc<dyn Waits>>,
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
    /// Up to 128 ports are waited for asleep, and so are any number of pending responses of the same client, on Linux
    /// 5.16 or later. Beyond that the thread polls every millisecond, as it does where the kernel refuses `membarrier`
    /// (see [`PendingResponse::receive_timeout`]).
    pub fn wait(&mut self, timeout: Duration) -> Waited<&[WaitEvent]> {
        if self.is_empty() {
            return Waited::Disconnected;
        }
        let ports = self.ports();
        let spin = self.spin.unwrap_or_else(adaptive::default_spin);
        let found = adaptive::wait(&ports, timeout, spin, |look| self.look(look).then_some(()));
        self.keep(ports);
        if found.is_some() { Waited::Received(&self.events) } else { Waited::Timeout }
    }

    /// The port of an attachment, if both are there.
    pub(in crate::port) fn port(&self, id: AttachmentId) -> Option<Rc<dyn Waits>> {
        self.attachments.iter().find(|(attached, _)| *attached == id).and_then(|(_, source)| source.port.upgrade())
    }

    /// Whether an attachment ends a wait now.
    pub(in crate::port) fn look(&mut self, look: PollDepth) -> bool {
        self.events.clear();
        let ready = self.attachments.iter().filter_map(|(id, source)| {
            let readiness = source.look(look)?;
            Some(WaitEvent { id: *id, readiness })
        });
        self.events.extend(ready);
        !self.events.is_empty()
    }

    /// The ports of all attachments, to be given back to [`WaitSet::keep`].
    pub(in crate::port) fn ports(&mut self) -> Vec<Rc<dyn Waits>> {
        let mut ports = std::mem::take(&mut self.ports);
        for port in self.attachments.iter().filter_map(|(_, source)| source.port.upgrade()) {
            // By address alone: the tables behind trait objects may be there twice.
            if !ports.iter().any(|known| Rc::as_ptr(known).addr() == Rc::as_ptr(&port).addr()) {
                ports.push(port);
            }
        }
        ports
    }

    pub(in crate::port) fn keep(&mut self, mut ports: Vec<Rc<dyn Waits>>) {
        ports.clear();
        self.ports = ports;
    }
}
