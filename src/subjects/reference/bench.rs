//! The engine in benchmark mode: the ports that a user would write, and nothing around them.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

use super::Reference;
use super::classes::refusal;
use super::mapping::requested_settings;
use super::payload::{Block, PeerPayload};
use shmark_engine::{Client, Node, PendingResponse, Server, Service, ServiceName, Waited};
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, Load, Numbering, OpResult, Refusal, Touch,
    Waiting,
};

/// Longest sleep of a blocking receive, after which the trial looks whether it is still worth it.
const SLEEP: Duration = Duration::from_millis(100);
/// Blocking means that both sides sleep: neither spins first, as it would by default.
const SPIN: Duration = Duration::ZERO;

/// Client of either payload that benchmarks use.
#[derive(Debug)]
pub enum AnyBenchClient {
    /// One integer.
    Word(LoadClient<u64>),
    /// One block of 4096 bytes.
    Block(LoadClient<Block>),
    /// A slice of integers.
    Words(LoadClient<[u64]>),
    /// A slice of bytes.
    Bytes(LoadClient<[u8]>),
}

/// Server of either payload.
#[derive(Debug)]
pub enum AnyBenchServer {
    /// One integer.
    Word(LoadServer<u64>),
    /// One block of 4096 bytes.
    Block(LoadServer<Block>),
    /// A slice of integers.
    Words(LoadServer<[u64]>),
    /// A slice of bytes.
    Bytes(LoadServer<[u8]>),
}

/// One client and its pending responses, oldest first.
#[derive(Debug)]
pub struct LoadClient<P: PeerPayload + ?Sized> {
    pending: VecDeque<PendingResponse<P>>,
    /// Responses that the oldest one still waits for, in `1..=answers`.
    left: usize,
    /// Responses to each request.
    answers: usize,
    client: Client<P, P>,
    len: usize,
    waiting: Waiting,
    touch: Touch,
    _idle: Vec<Client<P, P>>,
}

/// One server.
#[derive(Debug)]
pub struct LoadServer<P: PeerPayload + ?Sized> {
    server: Server<P, P>,
    waiting: Waiting,
    numbering: Numbering,
    touch: Touch,
}

fn service<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> OpResult<Service<P, P>> {
    let node = Node::builder().root(&setup.root).create().map_err(refusal)?;
    let name = ServiceName::new(&setup.service).map_err(shmark_engine::error::ServiceError::from).map_err(refusal)?;
    node.service_builder(&name)
        .request_response::<P, P>()
        .requested_settings(requested_settings(&setup.qos))
        .open_or_create()
        .map_err(refusal)
}

fn load_clients<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> OpResult<Vec<LoadClient<P>>> {
    let service = service::<P>(setup)?;
    let create = || service.client_builder().initial_max_slice_len(setup.len).create();
    let &BenchSetup { len, waiting, load, .. } = setup;
    // Clients that work come last: whatever is looked through is looked through to its end.
    let mut idle = (0..load.idle_clients).map(|_| create()).collect::<Result<Vec<_>, _>>().map_err(refusal)?;
    let working = (0..load.clients).map(|_| {
        let pending = VecDeque::with_capacity(load.outstanding);
        let client = create().map_err(refusal)?;
        client.set_spin_before_sleep(SPIN);
        let Load { touch, .. } = load;
        let (answers, idle) = (load.answers(), std::mem::take(&mut idle));
        Ok(LoadClient { pending, left: answers, answers, client, len, waiting, touch, _idle: idle })
    });
    working.collect()
}

fn load_servers<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> OpResult<Vec<LoadServer<P>>> {
    let service = service::<P>(setup)?;
    let &BenchSetup { len, waiting, load, .. } = setup;
    let servers = (0..load.servers).map(|index| {
        let server = service.server_builder().initial_max_slice_len(len).create().map_err(refusal)?;
        server.set_spin_before_sleep(SPIN);
        Ok(LoadServer { server, waiting, numbering: load.numbering(index), touch: load.touch })
    });
    servers.collect()
}

/// The ports of a setup's payload, each as one of any payload.
macro_rules! by_payload {
    ($ports:ident, $make:ident, $setup:ident) => {
        match ($setup.payload.element, $setup.payload.kind) {
            (Element::U64, Kind::Fixed) => Ok($make($setup)?.into_iter().map($ports::Word).collect()),
            (Element::Bytes, Kind::Fixed) => Ok($make($setup)?.into_iter().map($ports::Block).collect()),
            (Element::U64, Kind::Slice) => Ok($make($setup)?.into_iter().map($ports::Words).collect()),
            (Element::Bytes, Kind::Slice) => Ok($make($setup)?.into_iter().map($ports::Bytes).collect()),
        }
    };
}

/// The only port of a load that has one.
fn only<T>(ports: Vec<T>) -> OpResult<T> {
    let none = || Refusal::Unsupported("a benchmark without a port".to_owned());
    ports.into_iter().next().ok_or_else(none)
}

/// What a wait came to, in the words of the benchmark.
fn heard<T>(waited: Result<Waited<T>, impl Display>) -> Result<Option<T>, String> {
    match waited.map_err(|error| error.to_string())? {
        Waited::Received(message) => Ok(Some(message)),
        Waited::Timeout => Ok(None),
        Waited::Disconnected => Err("the other side is gone".to_owned()),
    }
}

impl BenchSubject for Reference {
    type Client = AnyBenchClient;
    type Server = AnyBenchServer;

    fn bench_server(setup: &BenchSetup) -> OpResult<AnyBenchServer> {
        Self::bench_servers(setup).and_then(only)
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<AnyBenchClient> {
        Self::bench_clients(setup).and_then(only)
    }

    fn bench_servers(setup: &BenchSetup) -> OpResult<Vec<AnyBenchServer>> {
        by_payload!(AnyBenchServer, load_servers, setup)
    }

    fn bench_clients(setup: &BenchSetup) -> OpResult<Vec<AnyBenchClient>> {
        by_payload!(AnyBenchClient, load_clients, setup)
    }
}

impl<P: PeerPayload + ?Sized> BenchClient for LoadClient<P> {
    #[inline]
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let mut request = P::request(&self.client, self.len, true).map_err(|error| error.to_string())?;
        stamp::write_touched(request.payload_mut().bytes_mut(), sequence, self.touch);
        self.pending.push_back(request.send().map_err(|error| error.to_string())?);
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Result<Option<u64>, String> {
        let Some(pending) = self.pending.front() else { return Ok(None) };
        let response = match self.waiting {
            Waiting::Spin => pending.receive().map_err(|error| error.to_string()),
            Waiting::Block => heard(pending.receive_timeout(SLEEP)),
        };
        let Some(response) = response? else { return Ok(None) };
        let number = stamp::read_touched(response.payload().bytes(), self.touch);
        let number = number.ok_or("a response's payload is damaged")?;
        drop(response);
        self.left -= 1;
        if self.left == 0 {
            self.left = self.answers;
            self.pending.pop_front();
        }
        Ok(Some(number))
    }
}

impl<P: PeerPayload + ?Sized> BenchServer for LoadServer<P> {
    #[inline]
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let active = match self.waiting {
            Waiting::Spin => self.server.receive().map_err(|error| error.to_string()),
            Waiting::Block => heard(self.server.receive_timeout(SLEEP)),
        };
        let Some(active) = active? else { return Ok(None) };
        let sequence = stamp::read_touched(active.payload().bytes(), self.touch);
        let sequence = sequence.ok_or("a request's payload is damaged")?;
        for number in self.numbering.numbers(sequence) {
            let mut response =
                P::response(&active, active.payload().elements(), true).map_err(|error| error.to_string())?;
            stamp::write_touched(response.payload_mut().bytes_mut(), number, self.touch);
            response.send().map_err(|error| error.to_string())?;
        }
        Ok(Some(sequence))
    }
}

macro_rules! each {
    ($self:ident, $port:ident => $call:expr) => {
        match $self {
            Self::Word($port) => $call,
            Self::Block($port) => $call,
            Self::Words($port) => $call,
            Self::Bytes($port) => $call,
        }
    };
}

impl BenchClient for AnyBenchClient {
    #[inline]
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        each!(self, port => port.send(sequence))
    }
    #[inline]
    fn poll(&mut self) -> Result<Option<u64>, String> {
        each!(self, port => port.poll())
    }
}

impl BenchServer for AnyBenchServer {
    #[inline]
    fn serve(&mut self) -> Result<Option<u64>, String> {
        each!(self, port => port.serve())
    }
}
