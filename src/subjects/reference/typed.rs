//! The engine's ports for each combination of types, as [`dynamic`](super::dynamic) interfaces.

use std::time::Duration;

use super::classes::refusal;
use super::dynamic::{
    AnyActive, AnyClient, AnyPending, AnyRequest, AnyResponse, AnyResponseLoan, AnyServer, AnyService,
};
use super::mapping::{allocation, backpressure, qos, requested_settings};
use super::payload::{Block, PeerHeader, PeerPayload};
use shmark_engine::{
    ActiveRequest, AttachmentId, BackpressureAction, BackpressureInfo, Client, Id, Node, PendingResponse, RequestMut,
    Response, ResponseMut, Server, Service, ServiceName, WaitSet, Waited,
};
use shmark_peer::kit::implementation::{
    Allocation, Arrival, Backpressure, Decision, Decisions, Effective, Element, HeaderSpec, Kind, LoanView, OpResult,
    Opening, PayloadSpec, PortSpec, Ports, Receipt, ServiceSpec, View,
};

type Opened = OpResult<(Box<dyn AnyService>, Effective)>;

/// Opens or creates a service with the types that the specification names.
pub fn service(node: &Node, opening: Opening, spec: &ServiceSpec) -> Opened {
    with_request_type(node, opening, spec)
}

/// Picks one of the four payload types and goes on with it as the first type argument.
macro_rules! pick {
    ($payload:expr, $next:ident $(::<$($done:ty),*>)?($($arg:expr),*)) => {
        match ($payload.element, $payload.kind) {
            (Element::U64, Kind::Fixed) => $next::<$($($done,)*)? u64>($($arg),*),
            (Element::U64, Kind::Slice) => $next::<$($($done,)*)? [u64]>($($arg),*),
            (Element::Bytes, Kind::Fixed) => $next::<$($($done,)*)? Block>($($arg),*),
            (Element::Bytes, Kind::Slice) => $next::<$($($done,)*)? [u8]>($($arg),*),
        }
    };
}

fn with_request_type(node: &Node, opening: Opening, spec: &ServiceSpec) -> Opened {
    pick!(spec.request, with_response_type(node, opening, spec))
}

fn with_response_type<Req: PeerPayload + ?Sized>(node: &Node, opening: Opening, spec: &ServiceSpec) -> Opened {
    pick!(spec.response, with_headers::<Req>(node, opening, spec))
}

fn with_headers<Req, Res>(node: &Node, opening: Opening, spec: &ServiceSpec) -> Opened
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
{
    let has = |header: &Option<HeaderSpec>| header.is_some();
    match (has(&spec.request_header), has(&spec.response_header)) {
        (false, false) => open::<Req, Res, (), ()>(node, opening, spec),
        (true, false) => open::<Req, Res, u64, ()>(node, opening, spec),
        (false, true) => open::<Req, Res, (), u64>(node, opening, spec),
        (true, true) => open::<Req, Res, u64, u64>(node, opening, spec),
    }
}

fn open<Req, Res, A, B>(node: &Node, opening: Opening, spec: &ServiceSpec) -> Opened
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    let name = ServiceName::new(&spec.name).map_err(shmark_engine::error::ServiceError::from).map_err(refusal)?;
    let mut builder = node
        .service_builder(&name)
        .request_response::<Req, Res>()
        .request_user_header::<A>()
        .response_user_header::<B>()
        .requested_settings(requested_settings(&spec.qos))
        .request_payload_alignment(spec.request.align.unwrap_or(1))
        .response_payload_alignment(spec.response.align.unwrap_or(1));
    for (key, value) in &spec.attributes {
        builder = builder.attribute(key, value);
    }
    let service = match opening {
        Opening::Create => builder.create(),
        Opening::Open => builder.open(),
        Opening::OpenOrCreate => builder.open_or_create(),
    }
    .map_err(refusal)?;
    let effective = Effective { qos: qos(service.settings()), attributes: service.attributes().clone() };
    let aligns = [align::<Req>(&spec.request), align::<Res>(&spec.response)];
    Ok((Box::new(TypedService { service, aligns }), effective))
}

/// Alignment that a payload's address has to have.
fn align<P: PeerPayload + ?Sized>(spec: &PayloadSpec) -> usize {
    align_of::<P::Element>().max(spec.align.unwrap_or(1))
}

/// A handler that decides what the decisions say.
fn handler(decisions: &Decisions) -> impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + 'static {
    let decisions = decisions.clone();
    move |info| match decisions.decide(info.retries) {
        Decision::Retry => BackpressureAction::Retry,
        Decision::Discard => BackpressureAction::Discard,
        Decision::Fail => BackpressureAction::DiscardAndFail,
        Decision::Strategy => BackpressureAction::FollowStrategy,
    }
}

/// A value and the alignment that its payload has to have.
struct Aligned<T> {
    value: T,
    align: usize,
}

struct TypedService<Req: ?Sized, Res: ?Sized, A, B> {
    service: Service<Req, Res, A, B>,
    /// Of requests and of responses.
    aligns: [usize; 2],
}

struct TypedClient<Req: ?Sized, Res: ?Sized, A, B> {
    client: Client<Req, Res, A, B>,
    aligns: [usize; 2],
}

struct TypedRequest<Req: PeerPayload + ?Sized, Res: ?Sized, A, B> {
    request: RequestMut<Req, Res, A, B>,
    aligns: [usize; 2],
}

struct TypedServer<Req: ?Sized, Res: ?Sized, A, B> {
    server: Server<Req, Res, A, B>,
    aligns: [usize; 2],
}

struct TypedActive<Req: PeerPayload + ?Sized, Res: ?Sized, A, B> {
    active: ActiveRequest<Req, Res, A, B>,
    align: usize,
}

impl<Req, Res, A, B> AnyService for TypedService<Req, Res, A, B>
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    fn client(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyClient>, String)> {
        let mut builder = self
            .service
            .client_builder()
            .backpressure_strategy(backpressure(spec.backpressure.unwrap_or(Backpressure::Retry)))
            .allocation_strategy(allocation(spec.allocation.unwrap_or(Allocation::Static)));
        if let Some(name) = &spec.name {
            builder = builder.name(name);
        }
        if let Some(max) = spec.max {
            builder = builder.max_active_requests(max);
        }
        if let Some(len) = spec.initial_max_slice_len {
            builder = builder.initial_max_slice_len(len);
        }
        if let Some(messages) = spec.preallocate {
            builder = builder.preallocate(messages);
        }
        if let Some(decisions) = &spec.handler {
            builder = builder.backpressure_handler(handler(decisions));
        }
        let client = builder.create().map_err(refusal)?;
        let id = client.id().to_string();
        Ok((Box::new(TypedClient { client, aligns: self.aligns }), id))
    }

    fn server(&self, spec: &PortSpec) -> OpResult<(Box<dyn AnyServer>, String)> {
        let mut builder = self
            .service
            .server_builder()
            .backpressure_strategy(backpressure(spec.backpressure.unwrap_or(Backpressure::Retry)))
            .allocation_strategy(allocation(spec.allocation.unwrap_or(Allocation::Static)));
        if let Some(name) = &spec.name {
            builder = builder.name(name);
        }
        if let Some(max) = spec.max {
            builder = builder.max_loaned_responses_per_request(max);
        }
        if let Some(len) = spec.initial_max_slice_len {
            builder = builder.initial_max_slice_len(len);
        }
        if let Some(messages) = spec.preallocate {
            builder = builder.preallocate(messages);
        }
        if let Some(decisions) = &spec.handler {
            builder = builder.backpressure_handler(handler(decisions));
        }
        let server = builder.create().map_err(refusal)?;
        let id = server.id().to_string();
        Ok((Box::new(TypedServer { server, aligns: self.aligns }), id))
    }

    fn ports(&self) -> Ports {
        let info = self.service.info();
        Ports { clients: info.clients.len(), servers: info.servers.len(), nodes: info.nodes.len() }
    }
}

impl<Req, Res, A, B> AnyClient for TypedClient<Req, Res, A, B>
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyRequest>> {
        let request = Req::request(&self.client, len, uninit).map_err(refusal)?;
        Ok(Box::new(TypedRequest { request, aligns: self.aligns }))
    }
}

fn loan_view<'a, P: PeerPayload + ?Sized, H: PeerHeader>(
    (header, payload): (&'a mut H, &'a mut P),
    align: usize,
) -> LoanView<'a> {
    let len = payload.elements();
    let payload = payload.bytes_mut();
    let addr_mod_align = payload.as_ptr().addr() % align;
    LoanView { payload, header: header.view_mut(), len, addr_mod_align }
}

fn view<'a, P: PeerPayload + ?Sized, H: PeerHeader>(payload: &'a P, header: &'a H) -> View<'a> {
    View { payload: payload.bytes(), header: header.view(), len: payload.elements() }
}

fn arrival<P: PeerPayload + ?Sized>(origin: Id, payload: &P, align: usize) -> Arrival {
    Arrival { origin: origin.to_string(), align_ok: payload.bytes().as_ptr().addr().is_multiple_of(align) }
}

impl<Req, Res, A, B> AnyRequest for TypedRequest<Req, Res, A, B>
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    fn view(&mut self) -> LoanView<'_> {
        loan_view(self.request.parts_mut(), self.aligns[0])
    }
    fn send(self: Box<Self>) -> OpResult<(Box<dyn AnyPending>, u64)> {
        let pending = self.request.send().map_err(refusal)?;
        let delivered = pending.number_of_server_connections() as u64;
        Ok((Box::new(Aligned { value: pending, align: self.aligns[1] }), delivered))
    }
}

impl<Res: PeerPayload + ?Sized, B: PeerHeader> AnyPending for Aligned<PendingResponse<Res, B>> {
    fn attach(&self, set: &mut WaitSet) -> AttachmentId {
        set.attach(&self.value)
    }
    fn receive(&self, wait: Option<Duration>) -> OpResult<Receipt<Box<dyn AnyResponse>>> {
        let response = match wait {
            Some(timeout) => self.value.receive_timeout(timeout).map_err(refusal)?,
            None => self.value.receive().map_err(refusal)?.map_or(Waited::Timeout, Waited::Received),
        };
        let response = match response {
            Waited::Received(response) => response,
            Waited::Timeout => return Ok(Receipt::Nothing),
            Waited::Disconnected => return Ok(Receipt::Ended),
        };
        let arrival = arrival(response.server_id(), response.payload(), self.align);
        Ok(Receipt::Received(Box::new(response), arrival))
    }
    fn has_response(&self) -> OpResult<bool> {
        self.value.has_response().map_err(refusal)
    }
    fn is_connected(&self) -> bool {
        self.value.is_connected()
    }
    fn hint(&self) {
        self.value.set_disconnect_hint();
    }
}

impl<Res: PeerPayload + ?Sized, B: PeerHeader> AnyResponse for Response<Res, B> {
    fn view(&self) -> View<'_> {
        view(self.payload(), self.user_header())
    }
}

impl<Req, Res, A, B> AnyServer for TypedServer<Req, Res, A, B>
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    fn attach(&self, set: &mut WaitSet) -> AttachmentId {
        set.attach(&self.server)
    }
    fn receive(&self, wait: Option<Duration>) -> OpResult<Receipt<Box<dyn AnyActive>>> {
        let active = match wait {
            Some(timeout) => self.server.receive_timeout(timeout).map_err(refusal)?,
            None => self.server.receive().map_err(refusal)?.map_or(Waited::Timeout, Waited::Received),
        };
        let active = match active {
            Waited::Received(active) => active,
            Waited::Timeout => return Ok(Receipt::Nothing),
            Waited::Disconnected => return Ok(Receipt::Ended),
        };
        let arrival = arrival(active.client_id(), active.payload(), self.aligns[0]);
        Ok(Receipt::Received(Box::new(TypedActive { active, align: self.aligns[1] }), arrival))
    }
    fn has_requests(&self) -> OpResult<bool> {
        self.server.has_requests().map_err(refusal)
    }
}

impl<Req, Res, A, B> AnyActive for TypedActive<Req, Res, A, B>
where
    Req: PeerPayload + ?Sized,
    Res: PeerPayload + ?Sized,
    A: PeerHeader,
    B: PeerHeader,
{
    fn view(&self) -> View<'_> {
        view(self.active.payload(), self.active.user_header())
    }
    fn loan(&self, len: usize, uninit: bool) -> OpResult<Box<dyn AnyResponseLoan>> {
        let value = Res::response(&self.active, len, uninit).map_err(refusal)?;
        Ok(Box::new(Aligned { value, align: self.align }))
    }
    fn is_connected(&self) -> bool {
        self.active.is_connected()
    }
    fn has_hint(&self) -> bool {
        self.active.has_disconnect_hint()
    }
}

impl<Res: PeerPayload + ?Sized, B: PeerHeader> AnyResponseLoan for Aligned<ResponseMut<Res, B>> {
    fn view(&mut self) -> LoanView<'_> {
        loan_view(self.value.parts_mut(), self.align)
    }
    fn send(self: Box<Self>) -> OpResult<()> {
        self.value.send().map_err(refusal)
    }
}
