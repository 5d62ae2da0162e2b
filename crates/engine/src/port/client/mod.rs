//! Clients.

pub(super) mod core;
pub(super) mod listener;
pub(super) mod request;
pub(super) mod sending;

use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use self::core::{ClientConnection, ClientCore};
use self::request::Sent;
use self::sending::Troubles;
use crate::error::{LoanError, SendError};
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::{Payload, Types};
use crate::port::client::request::{PendingResponse, RequestLoan, RequestMut, RequestMutUninit};
use crate::port::link::lending::Trouble;
use crate::port::member::sync_state::Port;
use crate::port::track::Outgoing;
use crate::shm::{ChunkHeader, ChunkMut, Plain};

/// Requests between two readings of the clock, which says whether a liveness check is due.
const REQUESTS_BETWEEN_LOOKS: u64 = 32;

/// Sends requests; from [`Service::client_builder`](crate::Service::client_builder).
///
/// Dropping it frees its place in the service. Its loans, pending responses and responses stay valid.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// let client = service.client_builder().create()?;
/// // In one call:
/// let pending = client.send_copy(20)?;
/// // In place, where the servers will read it:
/// let mut request = client.loan()?;
/// *request += 21;
/// let other = request.send()?;
/// assert_eq!(other.number_of_server_connections(), 1);
/// # assert_eq!(server.receive()?.as_deref(), Some(&20));
/// # assert_eq!(server.receive()?.as_deref(), Some(&21));
/// # drop(pending);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Client<Req: ?Sized, Res: ?Sized, ReqHeader = (), ResHeader = ()> {
    pub(in crate::port) core: Rc<ClientCore>,
    types: Types<Req, Res, ReqHeader, ResHeader>,
}

impl<Req: ?Sized, Res: ?Sized, ReqHeader, ResHeader> Drop for Client<Req, Res, ReqHeader, ResHeader> {
    fn drop(&mut self) {
        self.core.leave();
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain + Default, ResHeader: Plain>
    Client<Req, Res, ReqHeader, ResHeader>
{
    pub(in crate::port) fn new(core: Rc<ClientCore>) -> Self {
        Self { core, types: PhantomData }
    }

    /// Identity, in the header of everything it sends.
    pub fn id(&self) -> Id {
        self.core.id
    }

    /// Elements that fit a loan without growing.
    pub fn max_slice_len(&self) -> usize {
        self.core.payloads.len_max.get()
    }

    /// Payload segments that there are: one, and those that were outgrown and still hold a chunk.
    pub fn segments(&self) -> usize {
        self.core.reclaim_returned();
        self.core.payloads.segments()
    }

    /// Chunks of the payload segment that are loaned, in flight or held by servers, as far as is known.
    pub fn chunks_in_use(&self) -> usize {
        self.core.reclaim_returned();
        self.core.payloads.in_use()
    }

    /// Time that a wait for a response spins before it sleeps: some microseconds unless set, and nothing where there is one
    /// processor. Ends are seen while spinning too, within a millisecond, and killed peers as soon as asleep.
    pub fn set_spin_before_sleep(&self, spin: Duration) {
        self.core.wait_state.spin.set(Some(spin));
    }

    #[inline(always)]
    fn loan_elements(&self, len: usize) -> Result<RequestMut<Req, Res, ReqHeader, ResHeader>, LoanError> {
        let core = &self.core;
        if core.loans.get() >= core.loans_max {
            return Err(LoanError::ExceedsMaxLoans { max: core.loans_max });
        }
        let loaned = core.loan_message(len)?;
        // The line in which the request will go to the first server is asked for now; it is the only one mostly.
        if let Some(connection) = core.connections.borrow().first() {
            connection.track.prefetch(core.is_tiny && core.active.get() == 0);
        }
        core.loans.set(core.loans.get() + 1);
        Ok(RequestMut { loaned, loan: RequestLoan { core: Share::of(core), types: PhantomData } })
    }
}

impl<Req: Payload<Element = Req> + Plain, Res: Payload + ?Sized, ReqHeader: Plain + Default, ResHeader: Plain>
    Client<Req, Res, ReqHeader, ResHeader>
{
    /// Loans a request that holds the type's default.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan(&self) -> Result<RequestMut<Req, Res, ReqHeader, ResHeader>, LoanError>
    where
        Req: Default,
    {
        Ok(self.loan_uninit()?.write_payload(Req::default()))
    }

    /// Loans a request whose payload still has to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    #[inline(always)]
    pub fn loan_uninit(&self) -> Result<RequestMutUninit<Req, Res, ReqHeader, ResHeader>, LoanError> {
        self.loan_elements(1).map(RequestMutUninit::new)
    }

    /// Loans, writes and sends in one call.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_copy(&self, value: Req) -> Result<PendingResponse<Res, ResHeader>, SendError> {
        self.loan_uninit()?.write_payload(value).send()
    }
}

impl<T: Plain, Res: Payload + ?Sized, ReqHeader: Plain + Default, ResHeader: Plain>
    Client<[T], Res, ReqHeader, ResHeader>
{
    /// Loans a slice of `len` defaults.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice(&self, len: usize) -> Result<RequestMut<[T], Res, ReqHeader, ResHeader>, LoanError>
    where
        T: Default,
    {
        Ok(self.loan_slice_uninit(len)?.write_from_fn(|_| T::default()))
    }

    /// Loans a slice of `len` elements that still have to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice_uninit(&self, len: usize) -> Result<RequestMutUninit<[T], Res, ReqHeader, ResHeader>, LoanError> {
        self.loan_elements(len).map(RequestMutUninit::new)
    }
}

impl ClientCore {
    /// Sends a chunk of `len` elements to every server and opens a lane for the responses. `small` are its bytes if it travels
    /// in slots.
    #[inline(always)]
    pub fn send(&self, chunk: &mut ChunkMut, len: usize, small: Option<usize>) -> Result<Sent, SendError> {
        if self.active.get() >= self.active_max {
            return Err(SendError::ExceedsMaxActiveRequests { max: self.active_max });
        }
        self.follow_changes();
        // There is a lane for each active request of the service, and active_max is at most that.
        let Some(lane) = self.free_lanes.pop() else {
            return Err(SendError::ExceedsMaxActiveRequests { max: self.active_max });
        };
        let place = &self.lanes[lane as usize];
        let request_id = self.next_request.get();
        if request_id.is_multiple_of(REQUESTS_BETWEEN_LOOKS) {
            // A client may do nothing but send, and still has to notice that servers die (RR-LIV-02).
            self.check_peers_if_due();
        }
        self.next_request.set(request_id + 1);
        self.active.set(self.active.get() + 1);
        place.request_id.set(request_id);
        chunk.set_header(ChunkHeader { request_id, lane: lane.into(), len: len as u64 });
        let request = Outgoing { chunk: chunk.publish(), request_id, lane: lane as usize, len, small };
        let connections = self.connections.borrow();
        let outcome = match &connections[..] {
            [connection] if connection.open.get() => self.deliver(connection, request).map_err(Troubles::from),
            several => self.deliver_to_each(several, request),
        };
        drop(connections);
        if let Err(troubles) = outcome {
            self.settle(request, troubles)?;
        }
        let delivered = place.deliveries.borrow().len() as u32;
        if delivered == 0 && self.sync_state.needs_attention.get() {
            self.no_receiver_error(lane as usize)?;
        }
        Ok(Sent { lane, delivered, request_id })
    }

    /// Sends to one server.
    #[inline(always)]
    fn deliver(&self, connection: &Rc<ClientConnection>, request: Outgoing<'_>) -> Result<(), Trouble> {
        let lane = request.lane;
        // Without overflow, a response that came after the end of an earlier request would keep out one to this.
        let drained =
            if self.overflows_responses { Ok(()) } else { connection.track.lanes[lane].responses.drain(connection) };
        let outcome = drained.map_err(Trouble::from).and_then(|()| {
            let is_lone = self.is_tiny && self.active.get() <= 1;
            let displaced = |request_id, lane| self.mark_displaced(connection, request_id, lane);
            connection.track.push(connection, &self.payloads, request, is_lone, displaced)
        });
        match outcome {
            Ok(()) => self.lanes[lane].deliveries.borrow_mut().push(Rc::clone(connection)),
            Err(Trouble::Corrupted) => connection.fail(&self.payloads),
            Err(Trouble::Full | Trouble::Crowded) => {}
        }
        outcome
    }
}
