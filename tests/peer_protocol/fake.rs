//! A plain model of an implementation, within one process.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use shmark_peer::kit::implementation::{
    Arrival, Decision, Decisions, Effective, Element, Hello, Implementation, Kind, LoanView, NodeState, OpResult,
    Opening, OwnResources, PayloadSpec, PortSpec, Ports, Qos, Receipt, Refusal, ServiceSpec, View, Waitable, Woken,
};
use shmark_peer::protocol::ErrorClass;

/// Loans of one client at a time.
pub const LOANS_MAX: usize = 2;
/// Requests that wait for a server; there is no overflow.
pub const REQUESTS_MAX: usize = 3;

thread_local! {
    static DROPPED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What was dropped in this thread since the last call, in order.
pub fn take_dropped() -> Vec<String> {
    DROPPED.with(RefCell::take)
}

/// Remembers that it was dropped.
pub struct Traced(String);

impl Drop for Traced {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.0);
        DROPPED.with_borrow_mut(|dropped| dropped.push(name));
    }
}

fn error(class: ErrorClass, native: &str) -> Refusal {
    Refusal::Error { class, native: format!("Model::{native}"), setting: None }
}

#[derive(Clone)]
struct Message {
    payload: Vec<u8>,
    header: Option<Vec<u8>>,
    len: usize,
    origin: String,
}

struct Shared {
    spec: ServiceSpec,
    requests: RefCell<VecDeque<(Message, Rc<Exchange>)>>,
    clients: Cell<usize>,
    servers: Cell<usize>,
}

/// One request and its responses.
#[derive(Default)]
struct Exchange {
    responses: RefCell<VecDeque<Message>>,
    hint: Cell<bool>,
    server: RefCell<String>,
    pending: Cell<bool>,
    active: Cell<bool>,
}

pub struct Model {
    services: BTreeMap<String, Rc<Shared>>,
    /// What services have that were not asked for anything.
    defaults: Qos,
    ports: u64,
}

pub struct Service(Rc<Shared>, #[expect(dead_code, reason = "dropped")] Traced);

pub struct Port {
    service: Rc<Shared>,
    id: String,
    loans: Rc<Cell<usize>>,
    handler: Option<Decisions>,
    _traced: Traced,
}

pub struct Loan {
    message: Message,
    service: Rc<Shared>,
    exchange: Rc<Exchange>,
    loans: Rc<Cell<usize>>,
    handler: Option<Decisions>,
    _traced: Traced,
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.loans.set(self.loans.get() - 1);
    }
}

pub struct Pending(Rc<Exchange>, #[expect(dead_code, reason = "dropped")] Traced);

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending.set(false);
    }
}

pub struct Active {
    service: Rc<Shared>,
    message: Message,
    exchange: Rc<Exchange>,
    loans: Rc<Cell<usize>>,
    _traced: Traced,
}

impl Drop for Active {
    fn drop(&mut self) {
        self.exchange.active.set(false);
    }
}

pub struct Response(Message, #[expect(dead_code, reason = "dropped")] Traced);

fn message(spec: PayloadSpec, header: bool, len: usize, uninit: bool, origin: &str) -> Message {
    let (len, bytes) = match (spec.kind, spec.element) {
        (Kind::Fixed, Element::U64) => (1, 8),
        (Kind::Fixed, Element::Bytes) => (1, 4096),
        (Kind::Slice, Element::U64) => (len, len * 8),
        (Kind::Slice, Element::Bytes) => (len, len),
    };
    let byte = if uninit { 0xee } else { 0 };
    Message { payload: vec![byte; bytes], header: header.then(|| vec![0; 8]), len, origin: origin.to_owned() }
}

fn loan(loans: &Rc<Cell<usize>>) -> OpResult<()> {
    if loans.get() == LOANS_MAX {
        return Err(error(ErrorClass::ExceedsMaxLoans, "ExceedsMaxLoans"));
    }
    loans.set(loans.get() + 1);
    Ok(())
}

fn view(message: &Message) -> View<'_> {
    View { payload: &message.payload, header: message.header.as_deref(), len: message.len }
}

fn loan_view(loan: &mut Loan) -> LoanView<'_> {
    let Message { payload, header, len, .. } = &mut loan.message;
    LoanView { payload, header: header.as_deref_mut(), len: *len, addr_mod_align: 0 }
}

fn arrival(message: &Message) -> Arrival {
    Arrival { origin: message.origin.clone(), align_ok: true }
}

impl Model {
    fn port(&mut self, kind: &str, service: &Service, spec: &PortSpec) -> (Port, String) {
        self.ports += 1;
        let id = format!("{kind}-{}", self.ports);
        let port = Port {
            service: service.0.clone(),
            id: id.clone(),
            loans: Rc::default(),
            handler: spec.handler.clone(),
            _traced: Traced(id.clone()),
        };
        (port, id)
    }
}

impl Implementation for Model {
    type Node = Traced;
    type Service = Service;
    type Client = Port;
    type Server = Port;
    type Request = Loan;
    type Pending = Pending;
    type Active = Active;
    type ResponseLoan = Loan;
    type Response = Response;

    fn start(root: &str) -> OpResult<(Self, Hello)> {
        if root == "/forbidden" {
            return Err(error(ErrorClass::Permission, "RootDenied"));
        }
        let hello = Hello {
            implementation: "model".to_owned(),
            version: "1.0.0".to_owned(),
            language: "Rust".to_owned(),
            features: [
                "fixed",
                "slice",
                "user-header",
                "backpressure-handler",
                "hint",
                "wait-set",
                "nodes",
                "configuration",
                "listing",
                "resources",
            ]
            .map(str::to_owned)
            .to_vec(),
            wire: "model-1".to_owned(),
        };
        Ok((Self { services: BTreeMap::new(), defaults: Qos::default(), ports: 0 }, hello))
    }

    fn node_create(&mut self, name: Option<&str>) -> OpResult<Traced> {
        match name {
            Some("") => Err(error(ErrorClass::InvalidName, "EmptyName")),
            name => Ok(Traced(name.unwrap_or("node").to_owned())),
        }
    }

    fn node_list(&mut self) -> OpResult<Vec<NodeState>> {
        Ok(vec![NodeState { state: "alive".to_owned() }])
    }

    fn node_cleanup(&mut self) -> OpResult<(u64, u64)> {
        Ok((2, 1))
    }

    fn configure(&mut self, qos: &Qos) -> OpResult<()> {
        self.defaults = *qos;
        Ok(())
    }

    fn service(&mut self, _node: &Traced, opening: Opening, spec: &ServiceSpec) -> OpResult<(Service, Effective)> {
        if spec.qos.max_nodes == Some(0) {
            let setting = Some("max_nodes".to_owned());
            return Err(Refusal::Error {
                class: ErrorClass::DoesNotSupport,
                native: "Model::Nodes".to_owned(),
                setting,
            });
        }
        let found = self.services.get(&spec.name).cloned();
        let shared = match (opening, found) {
            (Opening::Create, Some(_)) => return Err(error(ErrorClass::AlreadyExists, "ServiceExists")),
            (Opening::Open, None) => return Err(error(ErrorClass::DoesNotExist, "NoService")),
            (_, Some(found)) => found,
            (_, None) => Rc::new(Shared {
                spec: spec.clone(),
                requests: RefCell::default(),
                clients: Cell::new(0),
                servers: Cell::new(0),
            }),
        };
        self.services.insert(spec.name.clone(), shared.clone());
        let asked = shared.spec.qos;
        let qos = Qos {
            overflow_requests: asked.overflow_requests.or(Some(true)),
            overflow_responses: asked.overflow_responses.or(Some(true)),
            fire_and_forget: asked.fire_and_forget.or(Some(true)),
            max_active_requests: asked.max_active_requests.or(Some(4)),
            max_loaned_requests: asked.max_loaned_requests.or(Some(LOANS_MAX)),
            max_borrowed_responses: asked.max_borrowed_responses.or(Some(2)),
            response_buffer: asked.response_buffer.or(Some(2)),
            max_servers: asked.max_servers.or(Some(2)),
            max_clients: asked.max_clients.or(self.defaults.max_clients).or(Some(8)),
            max_nodes: asked.max_nodes.or(Some(20)),
        };
        let attributes = shared.spec.attributes.clone();
        Ok((Service(shared, Traced("service".to_owned())), Effective { qos, attributes }))
    }

    fn service_exists(&mut self, _node: &Traced, name: &str) -> OpResult<bool> {
        Ok(self.services.contains_key(name))
    }

    fn service_list(&mut self, _node: &Traced) -> OpResult<Vec<String>> {
        Ok(self.services.keys().cloned().collect())
    }

    fn service_ports(&mut self, service: &Service) -> OpResult<Ports> {
        Ok(Ports { clients: service.0.clients.get(), servers: service.0.servers.get(), nodes: 1 })
    }

    fn client_create(&mut self, service: &Service, spec: &PortSpec) -> OpResult<(Port, String)> {
        if spec.backpressure.is_some() {
            return Err(Refusal::Unsupported("no backpressure strategies".to_owned()));
        }
        service.0.clients.set(service.0.clients.get() + 1);
        Ok(self.port("client", service, spec))
    }

    fn server_create(&mut self, service: &Service, spec: &PortSpec) -> OpResult<(Port, String)> {
        service.0.servers.set(service.0.servers.get() + 1);
        Ok(self.port("server", service, spec))
    }

    fn request_loan(&mut self, client: &Port, len: usize, uninit: bool) -> OpResult<Loan> {
        loan(&client.loans)?;
        let spec = &client.service.spec;
        Ok(Loan {
            message: message(spec.request, spec.request_header.is_some(), len, uninit, &client.id),
            service: client.service.clone(),
            exchange: Rc::default(),
            loans: client.loans.clone(),
            handler: client.handler.clone(),
            _traced: Traced("request".to_owned()),
        })
    }

    fn request_send(&mut self, request: Loan) -> OpResult<(Pending, u64)> {
        let mut requests = request.service.requests.borrow_mut();
        if requests.len() == REQUESTS_MAX {
            // Nobody makes room while this thread sends: a handler that retries for ever is a mistake of the test.
            let decisions = (0..100).filter_map(|retries| Some(request.handler.as_ref()?.decide(retries)));
            if decisions.into_iter().find(|decision| *decision != Decision::Retry) != Some(Decision::Discard) {
                return Err(error(ErrorClass::UnableToDeliver, "BufferFull"));
            }
            return Ok((Pending(request.exchange.clone(), Traced("pending".to_owned())), 0));
        }
        request.exchange.pending.set(true);
        request.exchange.active.set(true);
        requests.push_back((request.message.clone(), request.exchange.clone()));
        let pending = Pending(request.exchange.clone(), Traced("pending".to_owned()));
        Ok((pending, request.service.servers.get() as u64))
    }

    fn has_requests(&mut self, server: &Port) -> OpResult<bool> {
        Ok(!server.service.requests.borrow().is_empty())
    }

    fn server_receive(&mut self, server: &Port, wait_ms: Option<u64>) -> OpResult<Receipt<Active>> {
        assert_eq!(wait_ms, None, "the kit keeps wait_ms from peers that do not declare it");
        let Some((message, exchange)) = server.service.requests.borrow_mut().pop_front() else {
            return Ok(Receipt::Nothing);
        };
        exchange.server.replace(server.id.clone());
        let arrival = arrival(&message);
        let active = Active {
            service: server.service.clone(),
            message,
            exchange,
            loans: Rc::default(),
            _traced: Traced("active".to_owned()),
        };
        Ok(Receipt::Received(active, arrival))
    }

    fn response_loan(&mut self, active: &Active, len: usize, uninit: bool) -> OpResult<Loan> {
        loan(&active.loans)?;
        let spec = &active.service.spec;
        let origin = active.exchange.server.borrow();
        Ok(Loan {
            message: message(spec.response, spec.response_header.is_some(), len, uninit, &origin),
            service: active.service.clone(),
            exchange: active.exchange.clone(),
            loans: active.loans.clone(),
            handler: None,
            _traced: Traced("response loan".to_owned()),
        })
    }

    fn response_send(&mut self, response: Loan) -> OpResult<()> {
        if !response.exchange.pending.get() {
            return Err(error(ErrorClass::Disconnected, "PendingGone"));
        }
        response.exchange.responses.borrow_mut().push_back(response.message.clone());
        Ok(())
    }

    fn has_response(&mut self, pending: &Pending) -> OpResult<bool> {
        Ok(!pending.0.responses.borrow().is_empty())
    }

    fn pending_receive(&mut self, pending: &Pending, wait_ms: Option<u64>) -> OpResult<Receipt<Response>> {
        assert_eq!(wait_ms, None, "the kit keeps wait_ms from peers that do not declare it");
        let Some(message) = pending.0.responses.borrow_mut().pop_front() else { return Ok(Receipt::Nothing) };
        let arrival = arrival(&message);
        Ok(Receipt::Received(Response(message, Traced("response".to_owned())), arrival))
    }

    /// In one thread nothing can come while it waits.
    fn wait(&mut self, waitables: &[Waitable<'_, Self>], _wait_ms: u64) -> OpResult<Woken> {
        let mut woken = Woken::default();
        for (index, waitable) in waitables.iter().enumerate() {
            let (ready, ended) = match waitable {
                Waitable::Server(server) => (!server.service.requests.borrow().is_empty(), false),
                Waitable::Pending(pending) => (!pending.0.responses.borrow().is_empty(), !pending.0.active.get()),
            };
            if ready {
                woken.ready.push(index);
            } else if ended {
                woken.ended.push(index);
            }
        }
        Ok(woken)
    }

    fn pending_connected(&mut self, pending: &Pending) -> OpResult<bool> {
        Ok(pending.0.active.get())
    }

    fn active_connected(&mut self, active: &Active) -> OpResult<bool> {
        Ok(active.exchange.pending.get())
    }

    fn hint_disconnect(&mut self, pending: &Pending) -> OpResult<()> {
        pending.0.hint.set(true);
        Ok(())
    }

    fn has_hint(&mut self, active: &Active) -> OpResult<bool> {
        Ok(active.exchange.hint.get())
    }

    fn resources(&mut self) -> OpResult<OwnResources> {
        Ok(OwnResources { chunks_in_use: Some(3), segments: None })
    }

    fn request_loan_view<'a>(&self, request: &'a mut Loan) -> LoanView<'a> {
        loan_view(request)
    }

    fn response_loan_view<'a>(&self, response: &'a mut Loan) -> LoanView<'a> {
        loan_view(response)
    }

    fn active_view<'a>(&self, active: &'a Active) -> View<'a> {
        view(&active.message)
    }

    fn response_view<'a>(&self, response: &'a Response) -> View<'a> {
        view(&response.0)
    }
}
