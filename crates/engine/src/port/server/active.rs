//! Active requests, which a server has received and may answer, and the responses that it loans from them.

use std::rc::Rc;

use crate::channel::Entry;
use crate::error::{LoanError, SendError};
use crate::id::Id;
use crate::ownership::Share;
use crate::payload::{Payload, ResponseTypes};
use crate::port::member::sync_state::Port;
use crate::port::message::{LoanMut, LoanMutUninit, ReceivedMessage};
use crate::port::server::core::{ServerConnection, ServerCore};
use crate::port::track::Outgoing;
use crate::shm::{ChunkHeader, Plain};

/// A received request, readable and unchanged until it is dropped, to be answered with any number of responses.
///
/// Dropping it tells the client that no more responses come from here ([RR-ACT-05](crate#requirements)).
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// # let client = service.client_builder().create()?;
/// # let pending = client.send_copy(2)?;
/// if let Some(request) = server.receive()? {
///     for n in 0..*request {
///         // Nobody has to look, but it saves the work for a client that has heard enough.
///         if request.has_disconnect_hint() || !request.is_connected() {
///             break;
///         }
///         // In place, where the client will read it; `send_copy` is the same in one call.
///         request.loan_uninit()?.write_payload(n).send()?;
///     }
/// }
/// # assert_eq!(pending.receive()?.as_deref(), Some(&0));
/// # assert_eq!(pending.receive()?.as_deref(), Some(&1));
/// # assert!(!pending.is_connected());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type ActiveRequest<Req, Res, ReqHeader = (), ResHeader = ()> =
    ReceivedMessage<Req, ReqHeader, RequestHold<Res, ResHeader>>;

/// The request's place in the connection; gives the chunk back.
#[derive(Debug)]
pub struct RequestHold<Res: ?Sized, ResHeader> {
    pub(super) core: Share<ServerCore>,
    pub(super) connection: Share<ServerConnection>,
    pub(super) entry: Entry,
    pub(super) lane: u32,
    pub(super) place: u32,
    pub(super) request_id: u64,
    pub(super) types: ResponseTypes<Res, ResHeader>,
}

impl<Res: ?Sized, ResHeader> Drop for RequestHold<Res, ResHeader> {
    #[inline(always)]
    fn drop(&mut self) {
        let Self { entry, lane, place, request_id, .. } = *self;
        if let (Some(core), Some(connection)) = (self.core.take(), self.connection.take()) {
            end(core, connection, entry, lane, place, request_id);
        }
    }
}

/// Ends an active request; by value, so that dropping it does not take its address.
#[inline(never)]
fn end(core: Rc<ServerCore>, connection: Rc<ServerConnection>, entry: Entry, lane: u32, place: u32, request_id: u64) {
    connection.finish(lane as usize, request_id);
    connection.give_back(entry);
    connection.track.places.leave(place);
    drop((core, connection));
}

impl<Req: Payload + ?Sized, Res: ?Sized, ReqHeader: Plain, ResHeader> ActiveRequest<Req, Res, ReqHeader, ResHeader> {
    /// The client that sent it.
    pub fn client_id(&self) -> Id {
        self.hold.connection.peer
    }

    /// Whether its pending response is still there ([RR-ACT-01](crate#requirements)).
    pub fn is_connected(&self) -> bool {
        self.hold.core.check_peers_if_due();
        self.hold.connection.is_awaited(self.hold.lane as usize, self.hold.request_id)
    }

    /// Whether the client hinted that it wants no more responses ([RR-PND-07](crate#requirements)).
    pub fn has_disconnect_hint(&self) -> bool {
        self.hold.connection.track.lanes[self.hold.lane as usize].words.hint() == self.hold.request_id
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain + Default> RequestHold<Res, ResHeader> {
    #[inline(always)]
    fn loan_elements(&self, len: usize) -> Result<ResponseMut<Res, ResHeader>, LoanError> {
        let Self { core, connection, lane, request_id, place, .. } = self;
        let (lane, request_id, place) = (*lane, *request_id, *place);
        if !connection.track.places.loan(place, core.loans_max) {
            return Err(LoanError::ExceedsMaxLoans { max: core.loans_max });
        }
        let loan = ResponseLoan { core: core.clone(), connection: connection.clone(), lane, place, request_id };
        connection.track.prefetch(lane as usize, request_id);
        // Numbers of receivers may all be taken, by clients that have left and still hold something: then a chunk could not be
        // lent (RR-PRT-07).
        if !connection.lending.has_number()
            && !connection.closed.get()
            && !connection.lending.find_number(&core.payloads)
        {
            return Err(LoanError::OutOfMemory);
        }
        let mut loaned = core.loan_message(len)?;
        loaned.chunk_mut().set_header(ChunkHeader { request_id, lane: lane.into(), len: len as u64 });
        Ok(ResponseMut { loaned, loan })
    }
}

impl<Req: Payload + ?Sized, Res: Payload<Element = Res> + Plain, ReqHeader, ResHeader: Plain + Default>
    ActiveRequest<Req, Res, ReqHeader, ResHeader>
{
    /// Loans a response that holds the type's default.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan(&self) -> Result<ResponseMut<Res, ResHeader>, LoanError>
    where
        Res: Default,
    {
        Ok(self.loan_uninit()?.write_payload(Res::default()))
    }

    /// Loans a response whose payload still has to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    #[inline(always)]
    pub fn loan_uninit(&self) -> Result<ResponseMutUninit<Res, ResHeader>, LoanError> {
        self.hold.loan_elements(1).map(ResponseMutUninit::new)
    }

    /// Loans, writes and sends in one call.
    ///
    /// # Errors
    /// [`SendError`].
    pub fn send_copy(&self, value: Res) -> Result<(), SendError> {
        self.loan_uninit()?.write_payload(value).send()
    }
}

impl<Req: Payload + ?Sized, T: Plain, ReqHeader, ResHeader: Plain + Default>
    ActiveRequest<Req, [T], ReqHeader, ResHeader>
{
    /// Loans a slice of `len` defaults.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice(&self, len: usize) -> Result<ResponseMut<[T], ResHeader>, LoanError>
    where
        T: Default,
    {
        Ok(self.loan_slice_uninit(len)?.write_from_fn(|_| T::default()))
    }

    /// Loans a slice of `len` elements that still have to be written.
    ///
    /// # Errors
    /// [`LoanError`].
    pub fn loan_slice_uninit(&self, len: usize) -> Result<ResponseMutUninit<[T], ResHeader>, LoanError> {
        self.hold.loan_elements(len).map(ResponseMutUninit::new)
    }
}

/// A response in the server's payload segment, ready to be changed and sent. Dropping it gives the loan back.
pub type ResponseMut<Res, ResHeader = ()> = LoanMut<Res, ResHeader, ResponseLoan>;

/// A loaned response whose payload is whatever the chunk held before: always a valid value, never a meaningful one.
pub type ResponseMutUninit<Res, ResHeader = ()> = LoanMutUninit<Res, ResHeader, ResponseLoan>;

/// Counts a loan of an active request as long as it is held.
#[derive(Debug)]
pub struct ResponseLoan {
    core: Share<ServerCore>,
    connection: Share<ServerConnection>,
    lane: u32,
    place: u32,
    request_id: u64,
}

impl Drop for ResponseLoan {
    #[inline(always)]
    fn drop(&mut self) {
        self.connection.track.places.leave(self.place);
    }
}

impl<Res: Payload + ?Sized, ResHeader: Plain> LoanMut<Res, ResHeader, ResponseLoan> {
    /// Sends the response to the request's client. If nobody waits for it any more, that is fine.
    ///
    /// # Errors
    /// [`SendError::ConnectionCorrupted`].
    #[inline(always)]
    pub fn send(self) -> Result<(), SendError> {
        let Self { mut loaned, loan } = self;
        let len = Res::elements(loaned.elements());
        let small = loan.core.sent_layout.bytes_in_slot::<Res::Element, ResHeader>(len);
        let (request_id, lane) = (loan.request_id, loan.lane as usize);
        let response = Outgoing { chunk: loaned.chunk_mut().publish(), request_id, lane, len, small };
        loan.core.send(&loan.connection, response)
    }
}
