//! One connection seen from one side, whichever that is: its file, the segments of the other side, what was lent there and
//! comes back, how the other side is woken, and how the connection ends. How messages travel is decided in
//! [`track`](super::track).

pub(super) mod lending;
pub(super) mod remote;
pub(super) mod waker;

use std::cell::Cell;
use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use self::lending::Lending;
use self::remote::{Remote, Unreadable};
use self::waker::Waker;
use super::payloads::Payloads;
use crate::channel::{Entry, ReturnProducer};
use crate::connection::{ConnectionFile, Side, State};
use crate::error::ReceiveError;
use crate::id::Id;
use crate::service::ServiceInner;
use crate::settings::Settings;
use crate::shm::Column;

/// What a port has of a connection: the link, and its ends of the channels, which know how messages travel.
#[derive(Debug)]
pub(super) struct Connection<T> {
    link: Link,
    pub track: T,
}

/// Connections of a port.
pub(super) type Connections<T> = Vec<Rc<Connection<T>>>;

impl<T> Deref for Connection<T> {
    type Target = Link;
    #[inline(always)]
    fn deref(&self) -> &Link {
        &self.link
    }
}

/// The ends of the channels that one kind of port has.
pub(super) trait Ends: Sized {
    const SIDE: Side;

    fn new(file: &ConnectionFile, settings: &Settings) -> Self;

    /// After a look that has found nothing.
    fn on_empty_poll(&self);

    /// Maps the peer's segments in which there is something to receive already.
    ///
    /// # Errors
    /// Those of mapping.
    fn map_ahead(_link: &Link) -> io::Result<()> {
        Ok(())
    }
}

impl<T: Ends> Connection<T> {
    /// Over a connection file that is mapped; maps the segment from which the peer loans, aligned to `align`, so not under the
    /// service's lock. The peer does not know of it until [`Link::attach`].
    ///
    /// # Errors
    /// Those of mapping.
    pub fn open(
        service: &Arc<ServiceInner>,
        own: Id,
        [peer, node]: [Id; 2],
        file: ConnectionFile,
        align: usize,
    ) -> io::Result<Rc<Self>> {
        let side = T::SIDE;
        if service.locks_memory() {
            file.lock_in_memory()?;
        }
        let returns = file.returns(side.other()).clone();
        let track = T::new(&file, service.settings());
        let link = Link {
            service: Arc::clone(service),
            side,
            peer,
            node,
            waker: Waker::new(service, side.other(), peer),
            remote: Remote::open(service, [node, peer], (own, side), align, &file)?,
            lending: Lending::new(file.returns(side).clone()),
            return_producer: ReturnProducer::new(returns.len()),
            returns,
            file,
            open: Cell::new(true),
            closed: Cell::new(false),
            broken: Cell::new(false),
            attached: Cell::new(false),
        };
        T::map_ahead(&link)?;
        Ok(Rc::new(Self { link, track }))
    }
}

/// What a port knows privately about a peer.
#[derive(Debug)]
pub(super) struct Link {
    service: Arc<ServiceInner>,
    /// The port's own.
    side: Side,
    /// The port on the other side.
    pub peer: Id,
    pub node: Id,
    pub file: ConnectionFile,
    /// Wakes the other side.
    pub waker: Waker,
    pub remote: Remote,
    pub lending: Lending,
    return_producer: ReturnProducer,
    returns: Column,
    /// Whether new messages go there.
    pub open: Cell<bool>,
    /// Whether nobody is there any more. What a client sent before is still received (RR-FNF-01).
    pub closed: Cell<bool>,
    /// Whether it wrote garbage: then what it sent before is not received either.
    pub broken: Cell<bool>,
    /// Whether the other side knows that this one takes part.
    attached: Cell<bool>,
}

impl Link {
    /// Says that this side takes part. Under the service's lock, where the other side can see the file.
    pub fn attach(&self, payloads: &Payloads) {
        self.file.set_segment(self.side, payloads.number());
        self.file.set_state(self.side, State::Attached);
        // Without one it is asked for again with a loan.
        self.lending.find_number(payloads);
        self.attached.set(true);
    }

    /// The peer is gone: everything that was there is ours again, and nothing more goes there. Once: what was the peer's may be
    /// another one's afterwards.
    pub fn close(&self, payloads: &Payloads) {
        self.open.set(false);
        self.closed.set(true);
        self.lending.close(payloads);
    }

    /// The peer has written garbage: nothing more is received from it. Both sides are made to look, so that neither waits for
    /// the other.
    #[cold]
    pub fn fail(&self, payloads: &Payloads) {
        self.close(payloads);
        self.broken.set(true);
        if self.side == Side::Server {
            // Its client sees that no request is taken any more.
            self.file.set_state(Side::Server, State::Left);
        }
        self.service.registry.changed();
    }

    /// Why a message of the peer cannot be received.
    #[cold]
    pub fn unreadable(&self, payloads: &Payloads, reason: Unreadable) -> ReceiveError {
        match reason {
            Unreadable::CannotMap => ReceiveError::CannotMap(Box::new(self.remote.take_problem())),
            Unreadable::Lost => ReceiveError::MessageLost,
            Unreadable::Garbage | Unreadable::Gone => {
                self.fail(payloads);
                ReceiveError::ConnectionCorrupted
            }
        }
    }

    /// Gives a message back to the peer.
    #[inline(always)]
    pub fn give_back(&self, entry: Entry) {
        if !entry.is_in_slot() {
            // A full queue means that the peer miscounts; the chunk is then its loss alone.
            let _ = self.return_producer.push(&self.returns, entry);
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if self.attached.get() {
            // Nothing of the peer's is held here any more; it may take everything back.
            self.remote.end(&self.file);
            self.service.registry.changed();
        }
    }
}

/// Takes back what all peers have returned.
pub(super) fn collect_all<C: Deref<Target = Link>>(connections: &[Rc<C>], payloads: &Payloads) {
    // What is closed has been reclaimed already, so its returns would look like garbage.
    for link in connections.iter().filter(|link| !link.closed.get()) {
        if link.lending.collect(payloads).is_err() {
            // Which gives everything back as well.
            link.fail(payloads);
        }
    }
}

/// Tells all peers from which segment loans come now.
pub(super) fn announce<C: Deref<Target = Link>>(connections: &[Rc<C>], segment: u16) {
    for link in connections {
        link.file.set_segment(link.side, segment);
    }
}
