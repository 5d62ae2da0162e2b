//! Random operations on the whole pattern against the test kit's model.

mod faults;
mod handler;
mod shortage;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use shmark_engine::error::{LoanError, PortError, ReceiveError, SendError};
use shmark_engine::{
    ActiveRequest, AllocationStrategy, BackpressureStrategy, Client, Node, PendingResponse, RequestMut,
    RequestedSettings, Response, ResponseMut, Server, Service,
};
use shmark_models::ports::{
    self, ClientShape, Done, HandlerAction, PortFile, PortSettings, Ports, ReceivedRequest, ReceivedResponse, Refused,
    RequestResponse, Sent, ServerShape, SharedService, Shortage, Sizing, Threaded, Tried,
};
use shmark_models::segment::Growth;
use shmark_models::{Config, RuleViolation};

use self::faults::Fault;
use self::handler::Todo;
use self::shortage::Limit;
use crate::common::{Scratch, name};

// Slices both ways; the headers say which request and which response it is.
type Numbers = [u64];

struct Engine(Fault);

struct World {
    fault: Fault,
    services: Vec<Service<Numbers, Numbers, u64, u64>>,
    nodes: Vec<Node>,
    scratch: Arc<Scratch>,
    /// The service's folder below the scratch, once it was found.
    folder: Option<std::path::PathBuf>,
    alive: Rc<RefCell<BTreeSet<u128>>>,
    /// Clients that were created since a server looked.
    unseen: Cell<usize>,
    /// What was in the namespace before.
    before: Vec<PortFile>,
    /// Kinds of files that are looked at: all, unless [`FILES_VARIABLE`] names some.
    looks_at: Option<String>,
    limit: Option<Limit>,
    /// What a backpressure handler does when it is asked next.
    todo: Rc<Todo>,
}

/// Beginnings of the names of files that the model is told of, separated by commas: to find one fault behind another.
const FILES_VARIABLE: &str = "SHMARK_MODEL_FILES";

/// A service that several threads use.
struct Met {
    fault: Fault,
    settings: PortSettings,
    scratch: Arc<Scratch>,
}

impl Met {
    fn world(&self, nodes: usize) -> World {
        let Self { fault, settings, .. } = *self;
        let requested_settings = RequestedSettings {
            overflow_requests: Some(settings.overflow_requests),
            overflow_responses: Some(settings.overflow_responses != (fault == Fault::TurnsOverflowRound)),
            fire_and_forget: Some(settings.fire_and_forget || fault == Fault::ForgetsWhoWaits),
            max_active_requests: Some(settings.max_active_requests),
            max_loaned_requests: Some(settings.max_loaned_requests),
            max_borrowed_responses: Some(settings.max_borrowed_responses),
            response_buffer: Some(settings.response_buffer),
            max_servers: Some(settings.max_servers),
            max_clients: Some(settings.max_clients),
            max_departed_clients: Some(settings.max_departed_clients),
            max_nodes: Some(settings.max_nodes),
        };
        let open = |node: &Node| {
            let builder = node.service_builder(&name("model")).request_response::<Numbers, Numbers>();
            let builder = builder
                .request_user_header::<u64>()
                .response_user_header::<u64>()
                .requested_settings(requested_settings);
            builder.open_or_create().unwrap()
        };
        let nodes: Vec<_> = (0..nodes).map(|_| self.scratch.node()).collect();
        World {
            fault,
            services: nodes.iter().map(open).collect(),
            nodes,
            scratch: Arc::clone(&self.scratch),
            folder: None,
            alive: Rc::default(),
            unseen: Cell::new(0),
            before: Vec::new(),
            looks_at: std::env::var(FILES_VARIABLE).ok(),
            limit: None,
            todo: Rc::default(),
        }
    }
}

impl SharedService for Met {
    type Ports = World;

    fn join(&self) -> World {
        self.world(1)
    }

    fn end(self) -> Vec<String> {
        self.scratch.files().iter().map(|file| file.display().to_string()).collect()
    }
}

impl Threaded for Engine {
    type SharedService = Met;

    fn create(&self, settings: PortSettings) -> Option<Met> {
        Some(Met { fault: self.0, settings, scratch: Arc::new(Scratch::new()) })
    }
}

/// A port, and whether it is dropped.
struct Alive<P> {
    port: P,
    id: u128,
    living: Rc<RefCell<BTreeSet<u128>>>,
}

impl<P> Deref for Alive<P> {
    type Target = P;
    fn deref(&self) -> &P {
        &self.port
    }
}

impl<P> Drop for Alive<P> {
    fn drop(&mut self) {
        self.living.borrow_mut().remove(&self.id);
    }
}

impl RequestResponse for Engine {
    type Ports = World;

    fn create(&self, settings: PortSettings) -> Option<World> {
        Some(Met { fault: self.0, settings, scratch: Arc::new(Scratch::new()) }.world(2))
    }

    // What fits the line of a slot beside its word, the message's header and the user header.
    fn request_leaves_no_chunk(&self, elements: usize) -> bool {
        match self.0 {
            Fault::DeniesCopies => false,
            Fault::ClaimsCopiesOfRequests => true,
            _ => elements <= 3,
        }
    }

    fn response_leaves_no_chunk(&self, elements: usize) -> bool {
        self.0 == Fault::ClaimsCopiesOfResponses || (elements <= 3 && self.0 != Fault::DeniesCopies)
    }

    fn departed_in_order(&self) -> bool {
        false
    }
}

fn port_refused(error: PortError) -> Refused {
    match error {
        PortError::ExceedsMaxClients { max_clients: max } => Refused::TooManyClients { max },
        PortError::ExceedsMaxServers { max_servers: max } => Refused::TooManyServers { max },
        PortError::ExceedsMaxActiveRequests { has: max, .. } => Refused::TooManyActiveRequests { max },
        PortError::TooManyDepartedClients { max, .. } => Refused::TooManyDeparted { max },
        PortError::System(error) if error.is_exhaustion() => Refused::Shortage,
        other => panic!("{other}"),
    }
}

fn loan_refused(error: LoanError) -> Refused {
    match error {
        LoanError::ExceedsMaxLoans { max } => Refused::TooManyLoans { max },
        LoanError::ExceedsMaxLoanSize { max, .. } => Refused::TooLong { max },
        LoanError::OutOfMemory => Refused::NoMemory,
        LoanError::CannotGrow { .. } => Refused::Shortage,
        other => panic!("{other}"),
    }
}

fn send_refused(error: SendError) -> Refused {
    match error {
        SendError::ExceedsMaxActiveRequests { max } => Refused::TooManyActiveRequests { max },
        SendError::CannotAttach(_) => Refused::Shortage,
        other => panic!("{other}"),
    }
}

fn receive_refused(error: ReceiveError) -> Refused {
    match error {
        ReceiveError::ExceedsMaxBorrows { max } => Refused::TooManyHeld { max },
        ReceiveError::CannotMap(_) | ReceiveError::CannotAttach(_) => Refused::Shortage,
        other => panic!("{other}"),
    }
}

/// What cannot be looked at now is not there now. That something could not be done before is told once, so it is asked twice.
fn found(look: impl Fn() -> Result<bool, ReceiveError>) -> bool {
    let told = |error| assert_eq!(receive_refused(error), Refused::Shortage);
    look().map_err(told).or_else(|()| look().map_err(told)).unwrap_or(false)
}

fn number(id: shmark_engine::Id) -> u128 {
    u128::from_str_radix(&id.to_string(), 16).unwrap()
}

impl World {
    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn one_if(&self, fault: Fault) -> usize {
        usize::from(self.has(fault))
    }

    fn alive<P>(&self, port: P, id: u128) -> Alive<P> {
        self.alive.borrow_mut().insert(id);
        Alive { port, id, living: Rc::clone(&self.alive) }
    }

    /// How a builder is asked for what a port's segment should be.
    fn sized(&self, sizing: Sizing, never: Fault) -> (AllocationStrategy, Option<usize>) {
        let strategy = match sizing.growth {
            Growth::Static => AllocationStrategy::Static,
            _ if self.has(never) => AllocationStrategy::Static,
            Growth::BestFit => AllocationStrategy::BestFit,
            Growth::PowerOfTwo => AllocationStrategy::PowerOfTwo,
        };
        (strategy, sizing.preallocate.filter(|_| !self.has(Fault::PreallocatesAll)))
    }
}

/// Whose a file of the service is.
fn port_file(name: &str) -> Option<PortFile> {
    let (kind, rest) = name.split_once('-')?;
    let parts: Vec<_> = rest.split('-').collect();
    let id = |i: usize| u128::from_str_radix(parts.get(i)?, 16).ok();
    match kind {
        "connection" | "deferred" => Some(PortFile::Connection { client: id(0)?, server: id(1)? }),
        "departed" => Some(PortFile::Connection { client: id(2)?, server: id(3)? }),
        "unfinished" => Some(PortFile::Connection { client: id(1)?, server: id(2)? }),
        "segment" => Some(PortFile::Segment { sender: id(1)? }),
        "handover" => Some(PortFile::HandedOver { sender: id(0)?, reader: id(3)? }),
        "bell" => Some(PortFile::Other { port: id(0)? }),
        _ => None,
    }
}

impl Ports for World {
    type Client = Alive<Client<Numbers, Numbers, u64, u64>>;
    type Server = Alive<Server<Numbers, Numbers, u64, u64>>;
    type Loan = RequestMut<Numbers, Numbers, u64, u64>;
    type Pending = PendingResponse<Numbers, u64>;
    type Active = ActiveRequest<Numbers, Numbers, u64, u64>;
    type ResponseLoan = ResponseMut<Numbers, u64>;
    type Response = Response<Numbers, u64>;

    fn create_client(&mut self, shape: ClientShape) -> Result<Self::Client, Refused> {
        let (strategy, preallocate) = self.sized(shape.sizing, Fault::ClientNeverGrows);
        let builder = self.services[shape.node % self.services.len()]
            .client_builder()
            .initial_max_slice_len(shape.sizing.len_initial);
        let mut builder = builder.allocation_strategy(strategy);
        if let Some(messages) = preallocate {
            builder = builder.preallocate(messages);
        }
        if let Some(max) = shape.max_active_requests {
            builder = builder.max_active_requests(max);
        }
        if shape.handler {
            builder = builder.backpressure_handler(self.todo.handler(self.fault));
        }
        let client = builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().map_err(port_refused)?;
        self.unseen.set(self.unseen.get() + 1);
        let id = number(client.id());
        Ok(self.alive(client, id))
    }

    fn create_server(&mut self, shape: ServerShape) -> Result<Self::Server, Refused> {
        let (strategy, preallocate) = self.sized(shape.sizing, Fault::ServerNeverGrows);
        let builder = self.services[shape.node % self.services.len()]
            .server_builder()
            .initial_max_slice_len(shape.sizing.len_initial);
        let mut builder = builder.allocation_strategy(strategy);
        if let Some(messages) = preallocate {
            builder = builder.preallocate(messages);
        }
        let mut builder = builder.max_loaned_responses_per_request(shape.max_loaned_responses);
        if shape.handler {
            builder = builder.backpressure_handler(self.todo.handler(self.fault));
        }
        let server = builder.backpressure_strategy(BackpressureStrategy::DiscardData).create().map_err(port_refused)?;
        let id = number(server.id());
        Ok(self.alive(server, id))
    }

    fn client_id(&self, client: &Self::Client) -> u128 {
        client.id
    }

    fn server_id(&self, server: &Self::Server) -> u128 {
        server.id
    }

    fn client_chunks(&self, client: &Self::Client) -> Option<usize> {
        Some(client.chunks_in_use() + self.one_if(Fault::LeaksChunk))
    }

    fn server_chunks(&self, server: &Self::Server) -> Option<usize> {
        Some(server.chunks_in_use())
    }

    fn loan(&mut self, client: &Self::Client, header: u64, payload: &[u64]) -> Result<Self::Loan, Refused> {
        let loan = client.loan_slice_uninit(payload.len()).map_err(loan_refused);
        let more = self.one_if(Fault::MisstatesLimit);
        let mut loan = loan.map_err(|refused| match refused {
            Refused::TooManyLoans { max } => Refused::TooManyLoans { max: max + more },
            other => other,
        })?;
        *loan.user_header_mut() = header;
        Ok(loan.write_from_slice(payload).expect("a loan is as long as was asked for"))
    }

    fn send(&mut self, loan: Self::Loan) -> Sent<Self> {
        let pending = loan.send().map_err(send_refused)?;
        let delivered = pending.number_of_server_connections() + self.one_if(Fault::CountsOneMore);
        Ok((pending, delivered))
    }

    fn send_with_handler(
        &mut self,
        loan: Self::Loan,
        actions: Vec<HandlerAction<Self>>,
    ) -> (Sent<Self>, Vec<Done<Self>>) {
        let todo = Rc::clone(&self.todo);
        todo.actions(actions, || self.send(loan))
    }

    fn send_response_with_handler(
        &mut self,
        loan: Self::ResponseLoan,
        actions: Vec<HandlerAction<Self>>,
    ) -> (Result<(), Refused>, Vec<Done<Self>>) {
        let todo = Rc::clone(&self.todo);
        todo.actions(actions, || self.send_response(loan))
    }

    fn set_disconnect_hint(&mut self, pending: &Self::Pending) {
        if !self.has(Fault::IgnoresHint) {
            pending.set_disconnect_hint();
        }
    }

    fn pending_is_connected(&mut self, pending: &Self::Pending) -> bool {
        pending.is_connected() || self.has(Fault::IsAlwaysConnected)
    }

    fn has_response(&mut self, pending: &Self::Pending) -> bool {
        found(|| pending.has_response()) && !self.has(Fault::SeesNoResponse)
    }

    fn receive_response(&mut self, pending: &Self::Pending) -> Result<Option<Self::Response>, Refused> {
        let received = pending.receive().map_err(receive_refused)?;
        Ok(received.filter(|response| match self.fault {
            Fault::LosesResponse => false,
            Fault::LosesLongResponse => response.len() < 1000,
            Fault::LosesResponseOfDropped => self.alive.borrow().contains(&number(response.server_id())),
            _ => true,
        }))
    }

    fn response(&self, response: &Self::Response) -> ReceivedResponse {
        let server = number(response.server_id());
        let header = *response.user_header() + ((self.one_if(Fault::Misattributes) as u64) << 32);
        let mut payload = response.to_vec();
        if let Some(last) = payload.get_mut(99) {
            *last += self.one_if(Fault::DamagesLongResponse) as u64;
        }
        payload.truncate(if self.has(Fault::ShortensResponse) { 8 } else { usize::MAX });
        ReceivedResponse { header, payload, server }
    }

    fn has_requests(&mut self, server: &Self::Server) -> bool {
        self.unseen.set(0);
        found(|| server.has_requests()) || self.has(Fault::SeesRequests)
    }

    fn receive(&mut self, server: &Self::Server) -> Result<Option<Self::Active>, Refused> {
        let unseen = self.unseen.replace(0);
        let received = server.receive().map_err(receive_refused)?;
        Ok(received.filter(|active| match self.fault {
            Fault::LosesRequest => false,
            Fault::LosesLongRequest => active.payload().len() < 1000,
            Fault::LosesRequestOfDropped => self.alive.borrow().contains(&number(active.client_id())),
            Fault::LosesRequestOfMany => unseen <= 63,
            _ => true,
        }))
    }

    fn request(&self, active: &Self::Active) -> ReceivedRequest {
        let client = number(active.client_id()).wrapping_add(self.one_if(Fault::DisguisesSender) as u128);
        let mut payload = active.payload().to_vec();
        if let Some(first) = payload.first_mut() {
            *first += self.one_if(Fault::Damages) as u64;
        }
        ReceivedRequest { header: *active.user_header(), payload, client }
    }

    fn active_is_connected(&mut self, active: &Self::Active) -> bool {
        active.is_connected()
    }

    fn has_disconnect_hint(&mut self, active: &Self::Active) -> bool {
        active.has_disconnect_hint()
    }

    fn loan_response(
        &mut self,
        active: &Self::Active,
        header: u64,
        payload: &[u64],
    ) -> Result<Self::ResponseLoan, Refused> {
        let mut loan = active.loan_slice_uninit(payload.len()).map_err(loan_refused)?;
        *loan.user_header_mut() = header;
        Ok(loan.write_from_slice(payload).expect("a loan is as long as was asked for"))
    }

    fn send_response(&mut self, loan: Self::ResponseLoan) -> Result<(), Refused> {
        loan.send().map_err(send_refused)
    }

    fn shortage(&mut self, shortage: Option<Shortage>) -> bool {
        self.limit = None;
        match shortage {
            Some(_) if !shortage::MAY_RUN_OUT.load(Ordering::Relaxed) => return false,
            Some(shortage) => self.limit = Some(Limit::lower(shortage)),
            // What could not be done is tried again after 10 ms.
            None => std::thread::sleep(Duration::from_millis(12)),
        }
        true
    }

    fn files(&mut self) -> Option<Vec<PortFile>> {
        if self.folder.is_none() {
            let mut services = std::fs::read_dir(self.scratch.path().join("services")).unwrap();
            self.folder = Some(services.next().unwrap().unwrap().path());
        }
        let entries = std::fs::read_dir(self.folder.as_ref()?).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let of_interest = |name: &String| {
            self.looks_at
                .as_ref()
                .is_none_or(|kinds| kinds.split(',').any(|kind| !kind.is_empty() && name.starts_with(kind)))
        };
        let mut files: Vec<_> = names.filter(of_interest).filter_map(|name| port_file(&name)).collect();
        let stays = |file: &&PortFile| match self.fault {
            Fault::LeavesConnection => matches!(file, PortFile::Connection { .. }),
            Fault::LeavesSegment => matches!(file, PortFile::Segment { .. }),
            Fault::LeavesHandedOver => matches!(file, PortFile::HandedOver { .. }),
            _ => false,
        };
        // Never taken away.
        let stay: Vec<_> = self.before.iter().filter(stays).filter(|file| !files.contains(file)).copied().collect();
        files.extend(stay);
        if self.has(Fault::LeavesOutgrown) {
            let segments: Vec<_> =
                files.iter().filter(|file| matches!(file, PortFile::Segment { .. })).copied().collect();
            files.extend(segments);
        }
        files.sort();
        self.before.clone_from(&files);
        Some(files)
    }

    fn left_by_ports(&mut self) -> Vec<String> {
        let kinds =
            self.looks_at.as_deref().unwrap_or("connection-,departed-,deferred-,unfinished-,segment-,handover-,bell-");
        let files: Vec<_> = kinds.split(',').flat_map(|prefix| self.scratch.files_like(prefix)).collect();
        files.iter().map(|file| file.display().to_string()).collect()
    }

    fn end(self) -> Vec<String> {
        if self.fault == Fault::LeavesFile {
            std::fs::write(self.scratch.path().join("nodes").join("left"), "").unwrap();
        }
        let Self { services, nodes, scratch, .. } = self;
        drop(services);
        let left = scratch.files_like("");
        if left.len() == nodes.len() {
            drop(nodes);
        }
        let mut left: Vec<_> = scratch.files().iter().map(|file| file.display().to_string()).collect();
        // Nothing of it is mapped any more, with or without a name.
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
        let path = scratch.path().to_string_lossy();
        left.extend(maps.lines().filter(|line| line.contains(&*path)).map(str::to_owned));
        left
    }
}

/// Every result, payload, count, order and connection is as the requirements say, no file is there for nothing, and nothing
/// is left afterwards.
#[test]
fn the_pattern_is_as_required() -> Result<(), RuleViolation> {
    let config = Config::from_env()?;
    ports::check_operations(&Engine(Fault::None), config).map(|_| ())
}

/// Threads with nodes of their own: nothing is lost, doubled, damaged or out of order, and nobody hangs.
#[test]
fn the_pattern_is_as_required_between_threads() -> Result<(), RuleViolation> {
    ports::check_threads(&Engine(Fault::None), Config::from_env()?).map(|_| ())
}

/// As many operations as it is told, with one seed after the other: `scripts/explore`.
#[test]
#[ignore = "takes as long as it is told to: scripts/explore"]
fn explore_for_long() -> Result<(), RuleViolation> {
    let wanted: u64 =
        std::env::var("SHMARK_EXPLORE").map_or(1_000_000, |text| text.parse().expect("a number of operations"));
    let (mut config, begin, mut done) = (Config::from_env()?, Instant::now(), Tried::default());
    while done.operations < wanted {
        let tried = ports::check_operations(&Engine(Fault::None), config)?;
        done = Tried { cases: done.cases + tried.cases, operations: done.operations + tried.operations };
        let each_second = done.operations as f64 / begin.elapsed().as_secs_f64();
        println!(
            "seed {}: {} operations in {} cases, {each_second:.0} a second",
            config.seed, done.operations, done.cases
        );
        config.seed += 1;
    }
    Ok(())
}
