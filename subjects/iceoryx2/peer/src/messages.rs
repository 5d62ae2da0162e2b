//! Messages of any payload type behind traits that can be boxed: loans, pending responses, active requests, responses.

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::request_mut::RequestMut;
use iceoryx2::response::Response;
use iceoryx2::response_mut::ResponseMut;
use shmark_peer::kit::implementation::{Arrival, LoanView, OpResult, View};

use crate::errors::refusal;
use crate::payload::{Header, Payload, S};

/// Alignments that the service has in force, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Aligns {
    /// Of requests.
    pub request: usize,
    /// Of responses.
    pub response: usize,
}

/// A port id as the protocol prints it.
pub fn port_id(value: u128) -> String {
    format!("{value:032x}")
}

/// A loaned request.
pub trait AnyRequest {
    /// Sends it.
    fn send(self: Box<Self>) -> OpResult<(Box<dyn AnyPending>, u64)>;
    /// Its bytes.
    fn view(&mut self) -> LoanView<'_>;
}

/// A pending response.
pub trait AnyPending {
    /// See the operation of this name.
    fn has_response(&self) -> bool;
    /// Takes one response, if there is one.
    fn receive(&self) -> OpResult<Option<(Box<dyn AnyResponse>, Arrival)>>;
    /// See the operation of this name.
    fn is_connected(&self) -> bool;
    /// See the operation of this name.
    fn hint_disconnect(&self);
}

/// An active request.
pub trait AnyActive {
    /// Loans a response.
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyResponseLoan>>;
    /// See the operation of this name.
    fn is_connected(&self) -> bool;
    /// See the operation of this name.
    fn has_hint(&self) -> bool;
    /// Its bytes.
    fn view(&self) -> View<'_>;
}

/// A loaned response.
pub trait AnyResponseLoan {
    /// Sends it.
    fn send(self: Box<Self>) -> OpResult<()>;
    /// Its bytes.
    fn view(&mut self) -> LoanView<'_>;
}

/// A received response.
pub trait AnyResponse {
    /// Its bytes.
    fn view(&self) -> View<'_>;
}

/// A loan with its header beside it: iceoryx2 lends either payload or header for writing, never both at once, so the
/// header is copied in when the loan is sent.
#[derive(Debug)]
pub struct Loan<T, H> {
    message: T,
    header: H,
    align: Aligns,
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> Loan<RequestMut<S, Q, QH, P, PH>, QH> {
    /// A loan as iceoryx2 gave it out.
    pub fn request(message: RequestMut<S, Q, QH, P, PH>, align: Aligns) -> Self {
        Self { header: *message.user_header(), message, align }
    }
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyRequest
    for Loan<RequestMut<S, Q, QH, P, PH>, QH>
{
    fn send(mut self: Box<Self>) -> OpResult<(Box<dyn AnyPending>, u64)> {
        *self.message.user_header_mut() = self.header;
        let pending = self.message.send().map_err(refusal)?;
        let delivered = pending.number_of_server_connections() as u64;
        Ok((Box::new(Received { message: pending, align: self.align }), delivered))
    }

    fn view(&mut self) -> LoanView<'_> {
        loan_view(Q::request_bytes(&mut self.message), &mut self.header, self.align.request)
    }
}

impl<P: Payload + ?Sized, PH: Header> AnyResponseLoan for Loan<ResponseMut<S, P, PH>, PH> {
    fn send(mut self: Box<Self>) -> OpResult<()> {
        *self.message.user_header_mut() = self.header;
        self.message.send().map_err(refusal)
    }

    fn view(&mut self) -> LoanView<'_> {
        loan_view(P::response_loan_bytes(&mut self.message), &mut self.header, self.align.response)
    }
}

fn loan_view<'a, H: Header>((payload, len): (&'a mut [u8], usize), header: &'a mut H, align: usize) -> LoanView<'a> {
    let addr_mod_align = payload.as_ptr().addr() % align;
    LoanView { payload, header: header.bytes_mut(), len, addr_mod_align }
}

/// Something that came back from a send or a receive.
#[derive(Debug)]
pub struct Received<T> {
    /// The iceoryx2 object.
    pub message: T,
    /// Alignments of its service.
    pub align: Aligns,
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyPending
    for Received<PendingResponse<S, Q, QH, P, PH>>
{
    fn has_response(&self) -> bool {
        self.message.has_response()
    }

    fn receive(&self) -> OpResult<Option<(Box<dyn AnyResponse>, Arrival)>> {
        let Some(message) = P::receive_response(&self.message).map_err(refusal)? else { return Ok(None) };
        let (payload, _) = P::response_bytes(&message);
        let arrival = Arrival {
            origin: port_id(message.origin().value()),
            align_ok: payload.as_ptr().addr().is_multiple_of(self.align.response),
        };
        Ok(Some((Box::new(Received { message, align: self.align }), arrival)))
    }

    fn is_connected(&self) -> bool {
        self.message.is_connected()
    }

    fn hint_disconnect(&self) {
        self.message.set_disconnect_hint();
    }
}

impl<Q: Payload + ?Sized, QH: Header, P: Payload + ?Sized, PH: Header> AnyActive
    for Received<ActiveRequest<S, Q, QH, P, PH>>
{
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyResponseLoan>> {
        let message = P::loan_response(&self.message, len, uninit).map_err(refusal)?;
        Ok(Box::new(Loan { header: *message.user_header(), message, align: self.align }))
    }

    fn is_connected(&self) -> bool {
        self.message.is_connected()
    }

    fn has_hint(&self) -> bool {
        self.message.has_disconnect_hint()
    }

    fn view(&self) -> View<'_> {
        let (payload, len) = Q::active_bytes(&self.message);
        View { payload, header: self.message.user_header().bytes(), len }
    }
}

impl<P: Payload + ?Sized, PH: Header> AnyResponse for Received<Response<S, P, PH>> {
    fn view(&self) -> View<'_> {
        let (payload, len) = P::response_bytes(&self.message);
        View { payload, header: self.message.user_header().bytes(), len }
    }
}
