//! The engine's typed ports behind one interface each, so that a scenario can choose types at run time.

use std::time::Duration;

use shmark_engine::{AttachmentId, WaitSet};
use shmark_peer::kit::implementation::{LoanView, OpResult, PortSpec, Ports, Receipt, View};

/// A service of any types.
pub trait AnyService {
    /// See `client.create`.
    fn client(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyClient>, String)>;
    /// See `server.create`.
    fn server(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyServer>, String)>;
    /// See `service.ports`.
    fn ports(&self) -> Ports;
}

/// A client of any types.
pub trait AnyClient {
    /// See `request.loan`.
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyRequest>>;
}

/// A loaned request.
pub trait AnyRequest {
    /// Its bytes.
    fn view(&mut self) -> LoanView<'_>;
    /// See `request.send`.
    fn send(self: Box<Self>) -> OpResult<(Box<dyn AnyPending>, u64)>;
}

/// A pending response.
pub trait AnyPending {
    /// See `wait`.
    fn attach(&self, set: &mut WaitSet) -> AttachmentId;
    /// See `pending.receive`.
    fn receive(&self, wait: Option<Duration>) -> OpResult<Receipt<Box<dyn AnyResponse>>>;
    /// See `pending.has_response`.
    fn has_response(&self) -> OpResult<bool>;
    /// See `is_connected`.
    fn is_connected(&self) -> bool;
    /// See `pending.hint_disconnect`.
    fn hint(&self);
}

/// A received response.
pub trait AnyResponse {
    /// Its bytes.
    fn view(&self) -> View<'_>;
}

/// A server of any types.
pub trait AnyServer {
    /// See `wait`.
    fn attach(&self, set: &mut WaitSet) -> AttachmentId;
    /// See `server.receive`.
    fn receive(&self, wait: Option<Duration>) -> OpResult<Receipt<Box<dyn AnyActive>>>;
    /// See `server.has_requests`.
    fn has_requests(&self) -> OpResult<bool>;
}

/// An active request.
pub trait AnyActive {
    /// Its bytes.
    fn view(&self) -> View<'_>;
    /// See `response.loan`.
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyResponseLoan>>;
    /// See `is_connected`.
    fn is_connected(&self) -> bool;
    /// See `active.has_hint`.
    fn has_hint(&self) -> bool;
}

/// A loaned response.
pub trait AnyResponseLoan {
    /// Its bytes.
    fn view(&mut self) -> LoanView<'_>;
    /// See `response.send`.
    fn send(self: Box<Self>) -> OpResult<()>;
}
