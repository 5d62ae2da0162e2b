//! The benchmark's ports: typed, without the boxes of the conformance side.
//!
//! iceoryx2's fastest documented way: an uninitialised loan that is written once and sent. Service and ports are at
//! iceoryx2's defaults, but for the length of slices and what the load asks for.

mod load;

use std::collections::{BTreeMap, VecDeque};

use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client::Client;
use iceoryx2::port::server::Server;
use iceoryx2::prelude::{LogLevel, ServiceName, set_log_level};
use iceoryx2::service::port_factory::request_response::PortFactory;
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, Numbering, OpResult, PortSpec, Refusal,
    ServiceSpec, Touch, Waiting,
};

use crate::errors::refusal;
use crate::namespace;
use crate::payload::{Page, S};
use crate::peer::{self, Peer};

use load::{Load, text};

/// Client of one payload type, and the requests that it has under way, oldest first.
pub struct TypedClient<P: Load + ?Sized> {
    pending: VecDeque<PendingResponse<S, P, (), P, ()>>,
    /// Responses that the oldest one still waits for, in `1..=answers`.
    left: usize,
    /// Responses to each request.
    answers: usize,
    client: Client<S, P, (), P, ()>,
    len: usize,
    _idle: Vec<Client<S, P, (), P, ()>>,
}

impl<P: Load + ?Sized> BenchClient for TypedClient<P> {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let pending = P::send(&self.client, self.len, sequence)?;
        self.pending.push_back(pending);
        Ok(())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let Some(pending) = self.pending.front() else { return Ok(None) };
        let Some(response) = P::receive_response(pending).map_err(text)? else { return Ok(None) };
        let number = read(P::response_bytes(&response).0)?;
        drop(response);
        self.left -= 1;
        if self.left == 0 {
            self.left = self.answers;
            self.pending.pop_front();
        }
        Ok(Some(number))
    }
}

fn read(payload: &[u8]) -> Result<u64, String> {
    stamp::read(payload).ok_or_else(|| format!("a payload of {} bytes came damaged", payload.len()))
}

/// Server of one payload type.
pub struct TypedServer<P: Load + ?Sized> {
    server: Server<S, P, (), P, ()>,
    len: usize,
    numbering: Numbering,
}

impl<P: Load + ?Sized> BenchServer for TypedServer<P> {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(active) = P::receive_request(&self.server).map_err(text)? else { return Ok(None) };
        let sequence = read(P::active_bytes(&active).0)?;
        for number in self.numbering.numbers(sequence) {
            P::answer(&active, self.len, number)?;
        }
        Ok(Some(sequence))
    }
}

macro_rules! each {
    ($ports:ident: $self:ident, $port:ident => $call:expr) => {
        match $self {
            $ports::U64($port) => $call,
            $ports::Page($port) => $call,
            $ports::U64Slice($port) => $call,
            $ports::ByteSlice($port) => $call,
        }
    };
}

/// A client of any payload type; the branch is the same one every time.
pub enum AnyBenchClient {
    /// Fixed `u64`.
    U64(TypedClient<u64>),
    /// Fixed `bytes`.
    Page(TypedClient<Page>),
    /// Slices of `u64`.
    U64Slice(TypedClient<[u64]>),
    /// Slices of `bytes`.
    ByteSlice(TypedClient<[u8]>),
}

impl BenchClient for AnyBenchClient {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        each!(AnyBenchClient: self, port => port.send(sequence))
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        each!(AnyBenchClient: self, port => port.poll())
    }
}

/// A server of any payload type.
pub enum AnyBenchServer {
    /// Fixed `u64`.
    U64(TypedServer<u64>),
    /// Fixed `bytes`.
    Page(TypedServer<Page>),
    /// Slices of `u64`.
    U64Slice(TypedServer<[u64]>),
    /// Slices of `bytes`.
    ByteSlice(TypedServer<[u8]>),
}

impl BenchServer for AnyBenchServer {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        each!(AnyBenchServer: self, port => port.serve())
    }
}

fn open<P: Load + ?Sized>(setup: &BenchSetup) -> OpResult<PortFactory<S, P, (), P, ()>> {
    set_log_level(LogLevel::Error);
    let node = peer::node(&namespace::config(&setup.root)?, None)?;
    let name = ServiceName::new(&setup.service).map_err(refusal)?;
    let spec = ServiceSpec {
        name: setup.service.clone(),
        request: setup.payload,
        response: setup.payload,
        request_header: None,
        response_header: None,
        qos: setup.qos,
        attributes: BTreeMap::new(),
    };
    P::open(&node, &name, &spec)
}

fn port_spec(setup: &BenchSetup) -> PortSpec {
    PortSpec { initial_max_slice_len: Some(setup.len), ..PortSpec::default() }
}

fn clients<P: Load + ?Sized>(setup: &BenchSetup) -> OpResult<Vec<TypedClient<P>>> {
    let service = open::<P>(setup)?;
    let create = || P::tune_client(service.client_builder(), &port_spec(setup)).create().map_err(refusal);
    let &BenchSetup { len, load, .. } = setup;
    let answers = load.answers();
    // Clients that work come last: whatever is looked through is looked through to its end.
    let mut idle = (0..load.idle_clients).map(|_| create()).collect::<OpResult<Vec<_>>>()?;
    let working = (0..load.clients).map(|_| {
        let pending = VecDeque::with_capacity(load.outstanding);
        let (client, idle) = (create()?, std::mem::take(&mut idle));
        Ok(TypedClient { pending, left: answers, answers, client, len, _idle: idle })
    });
    working.collect()
}

fn servers<P: Load + ?Sized>(setup: &BenchSetup) -> OpResult<Vec<TypedServer<P>>> {
    let service = open::<P>(setup)?;
    let create = || P::tune_server(service.server_builder(), &port_spec(setup)).create().map_err(refusal);
    let &BenchSetup { len, load, .. } = setup;
    let servers =
        (0..load.servers).map(|index| Ok(TypedServer { server: create()?, len, numbering: load.numbering(index) }));
    servers.collect()
}

/// What a benchmark can ask for and iceoryx2 or this peer has not.
fn check(setup: &BenchSetup) -> OpResult<()> {
    let unsupported = |why: &str| Err(Refusal::Unsupported(why.into()));
    if setup.waiting == Waiting::Block {
        return unsupported("iceoryx2 has no blocking receive for request-response: its ports can only be polled");
    }
    if setup.load.touch == Touch::Stamp {
        return unsupported("the safe API of iceoryx2 has no way to send what was not written to its last byte");
    }
    if stamp::payload_bytes(setup) < stamp::STAMP_BYTES {
        return unsupported("a payload needs room for its 8-byte sequence");
    }
    Ok(())
}

/// The ports of a setup's payload, each as one of any payload.
macro_rules! by_payload {
    ($ports:ident, $make:ident, $setup:ident) => {
        match ($setup.payload.element, $setup.payload.kind) {
            (Element::U64, Kind::Fixed) => Ok($make($setup)?.into_iter().map($ports::U64).collect()),
            (Element::Bytes, Kind::Fixed) => Ok($make($setup)?.into_iter().map($ports::Page).collect()),
            (Element::U64, Kind::Slice) => Ok($make($setup)?.into_iter().map($ports::U64Slice).collect()),
            (Element::Bytes, Kind::Slice) => Ok($make($setup)?.into_iter().map($ports::ByteSlice).collect()),
        }
    };
}

/// The only port of a load that has one.
fn only<T>(ports: Vec<T>) -> OpResult<T> {
    ports.into_iter().next().ok_or_else(|| Refusal::Unsupported("a benchmark without a port".into()))
}

impl BenchSubject for Peer {
    type Client = AnyBenchClient;
    type Server = AnyBenchServer;

    fn bench_server(setup: &BenchSetup) -> OpResult<AnyBenchServer> {
        Self::bench_servers(setup).and_then(only)
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<AnyBenchClient> {
        Self::bench_clients(setup).and_then(only)
    }

    fn bench_servers(setup: &BenchSetup) -> OpResult<Vec<AnyBenchServer>> {
        check(setup)?;
        by_payload!(AnyBenchServer, servers, setup)
    }

    fn bench_clients(setup: &BenchSetup) -> OpResult<Vec<AnyBenchClient>> {
        check(setup)?;
        by_payload!(AnyBenchClient, clients, setup)
    }
}
