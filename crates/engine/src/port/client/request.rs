//! A request as its client has it: loaned, and then sent, with its responses pending.

use std::marker::PhantomData;
use std::rc::Rc;

use crate::error::{LoanError, ReceiveError, SendError};
use crate::ownership::Share;
use crate::payload::{Payload, ResponseTypes};
use crate::port::client::core::ClientCore;
use crate::port::client::listener::{Listener, Response};
use crate::port::member::sync_state::Port;
use crate::port::message::{LoanMut, LoanMutUninit};
use crate::port::track::Takes;
use crate::shm::Plain;

/// A request in the client's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub type RequestMut<Req, Res, ReqHeader = (), ResHeader = ()> = LoanMut<Req, ReqHeader, RequestLoan<Res, ResHeader>>;

/// A loaned request whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub type RequestMutUninit<Req, Res, ReqHeader = (), ResHeader = ()> =
    LoanMutUninit<Req, ReqHeader, RequestLoan<Res, ResHeader>>;

/// Counts a loan of a client as long as it is held.
#[derive(Debug)]
pub struct RequestLoan<Res: ?Sized, ResHeader> {
    pub(super) core: Share<ClientCore>,
    pub(super) types: ResponseTypes<Res, ResHeader>,
}

impl<Res: ?Sized, ResHeader> RequestLoan<Res, ResHeader> {
    /// Ends the loan.
    #[inline(always)]
    fn end(&mut self) -> Option<Share<ClientCore>> {
        let core = self.core.take()?;
        core.loans.set(core.loans.get() - 1);
        Some(Share::from(core))
    }
}

impl<Res: ?Sized, ResHeader> Drop for RequestLoan<Res, ResHeader> {
    #[inline(always)]
    fn drop(&mut self) {
        self.end();
    }
}

impl<Req: Payload + ?Sized, Res: Payload + ?Sized, ReqHeader: Plain, ResHeader: Plain>
    RequestMut<Req, Res, ReqHeader, ResHeader>
{
    /// Sends the request to every server that is connected now.
    ///
    /// # Errors
    /// [`SendError`]; the loan is given back then.
    #[inline(always)]
    pub fn send(self) -> Result<PendingResponse<Res, ResHeader>, SendError> {
        let Self { mut loaned, mut loan } = self;
        let len = Req::elements(loaned.elements());
        // There is one until here: nothing else ends a loan.
        let Some(core) = loan.end() else { return Err(LoanError::OutOfMemory.into()) };
        let sent =
            core.send(loaned.chunk_mut(), len, core.sent_layout.bytes_in_slot::<Req::Element, ReqHeader>(len))?;
        Ok(PendingResponse { core, sent, types: PhantomData })
    }
}

/// A request that was sent: receives its responses, from every server that answers, and no others
/// ([RR-PND-01](crate#requirements)).
///
/// Dropping it tells the servers that nobody listens any more.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use std::time::Duration;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// # let client = service.client_builder().create()?;
/// let pending = client.send_copy(20)?;
/// # let request = server.receive()?.ok_or("nothing was received")?;
/// # request.send_copy(*request + 1)?;
/// # drop(request);
/// // Until every server is done with the request; asleep between the responses.
/// for response in pending.responses(Duration::from_secs(1)) {
///     let response = response?;
///     assert_eq!(*response, 21);
///     assert_eq!(response.server_id(), server.id());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`receive`](Self::receive) and [`try_receive`](Self::try_receive) never wait;
/// [`receive_timeout`](Self::receive_timeout) waits for one response.
#[derive(Debug)]
pub struct PendingResponse<Res: ?Sized, ResHeader = ()> {
    pub(in crate::port) core: Share<ClientCore>,
    pub(in crate::port) sent: Sent,
    types: ResponseTypes<Res, ResHeader>,
}

/// A request that was sent.
#[derive(Debug, Clone, Copy)]
pub(in crate::port) struct Sent {
    pub lane: u32,
    pub delivered: u32,
    pub request_id: u64,
}

impl<Res: ?Sized, ResHeader> Drop for PendingResponse<Res, ResHeader> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(core) = self.core.take() {
            end(core, self.sent.lane);
        }
    }
}

/// Ends a pending response; by value, so that dropping it does not take its address.
#[inline(never)]
fn end(core: Rc<ClientCore>, lane: u32) {
    core.close_lane(lane as usize);
    drop(core);
}

impl<Res: Payload + ?Sized, ResHeader: Plain> PendingResponse<Res, ResHeader> {
    #[inline(always)]
    fn listener(&self) -> Listener<'_, Res, ResHeader> {
        Listener {
            core: &self.core,
            lane: self.sent.lane as usize,
            request_id: self.sent.request_id,
            types: PhantomData,
        }
    }

    /// Servers that the request was delivered to.
    pub fn number_of_server_connections(&self) -> usize {
        self.sent.delivered as usize
    }

    /// Receives a response if there is one, from each server in turn. [`try_receive`](Self::try_receive) says also whether
    /// one can still come.
    ///
    /// # Errors
    /// [`ReceiveError`]; nothing is lost.
    #[inline(always)]
    pub fn receive(&self) -> Result<Option<Response<Res, ResHeader>>, ReceiveError> {
        let listener = self.listener();
        let Some(mut turn) = self.core.next_with_response(listener.lane) else {
            // Something may be to be told.
            let is_told = self.core.sync_state.needs_attention.get();
            return if is_told { self.core.problem().map_or(Ok(None), Err) } else { Ok(None) };
        };
        let mut tries = 0;
        loop {
            let deliveries = &self.core.lanes[listener.lane].deliveries;
            if let Ok(received) = listener.receive_from(&*self.core, deliveries, turn) {
                return Ok(received);
            }
            let found =
                Listener::<Res, ResHeader>::find(&self.core, self.sent.lane as usize, self.sent.request_id, tries)?;
            let Some(found) = found else { return Ok(None) };
            turn = found;
            tries += 1;
        }
    }

    /// Whether a receive that follows returns a response, or says that too many are held
    /// ([`ReceiveError::ExceedsMaxBorrows`]) or that what was sent is garbage.
    ///
    /// # Errors
    /// [`ReceiveError::ConnectionCorrupted`], [`ReceiveError::CannotMap`].
    pub fn has_response(&self) -> Result<bool, ReceiveError> {
        self.listener().has_response()
    }

    /// Whether a server still holds the request, or will receive it ([RR-PND-04](crate#requirements),
    /// [RR-PND-05](crate#requirements)). Responses that were sent before can be received even if not.
    ///
    /// So it ends no loop that receives: the last response may come, and its request be finished, between a
    /// [`receive`](Self::receive) that finds nothing and this call. [`try_receive`](Self::try_receive),
    /// [`responses`](Self::responses) and [`receive_timeout`](Self::receive_timeout) say that nothing more can come only
    /// after another look.
    pub fn is_connected(&self) -> bool {
        self.core.check_peers_if_due();
        self.core.is_answerable(self.sent.lane as usize, self.sent.request_id)
    }

    /// Hints to the servers that no more responses are wanted; both sides stay connected
    /// ([RR-PND-07](crate#requirements)).
    pub fn set_disconnect_hint(&self) {
        let lane = self.sent.lane as usize;
        for connection in self.core.lanes[lane].deliveries.borrow().iter() {
            connection.track.lanes[lane].words.set_hint(self.sent.request_id);
        }
    }
}
