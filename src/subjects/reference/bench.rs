//! The engine in benchmark mode: the ports that a user would write, and nothing around them.

use super::Reference;
use super::payload::{Block, PeerPayload};
use crate::engine::{Client, Node, PendingResponse, Server, Service, ServiceName};
use crate::peer::kit::bench::stamp;
use crate::peer::kit::implementation::{
    BenchClient, BenchServer, BenchSetup, BenchSubject, Element, Kind, Outcome, Refusal, Waiting,
};

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

/// One client and its pending response.
#[derive(Debug)]
pub struct LoadClient<P: PeerPayload + ?Sized> {
    client: Client<P, P>,
    pending: Option<PendingResponse<P>>,
    len: usize,
}

/// One server.
#[derive(Debug)]
pub struct LoadServer<P: PeerPayload + ?Sized> {
    server: Server<P, P>,
}

fn service<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> Outcome<Service<P, P>> {
    let node = Node::builder().root(&setup.root).create()?;
    let name = ServiceName::new(&setup.service).map_err(crate::engine::error::ServiceError::from)?;
    Ok(node.service_builder(&name).request_response::<P, P>().open_or_create()?)
}

fn load_client<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> Outcome<LoadClient<P>> {
    let client = service::<P>(setup)?.client_builder().initial_max_slice_len(setup.len).create()?;
    Ok(LoadClient { client, pending: None, len: setup.len })
}

fn load_server<P: PeerPayload + ?Sized>(setup: &BenchSetup) -> Outcome<LoadServer<P>> {
    Ok(LoadServer { server: service::<P>(setup)?.server_builder().initial_max_slice_len(setup.len).create()? })
}

fn spinning(setup: &BenchSetup) -> Outcome<()> {
    match setup.waiting {
        Waiting::Spin => Ok(()),
        Waiting::Block => Err(Refusal::Unsupported("blocking: the feature `wait` is not declared".to_owned())),
    }
}

impl BenchSubject for Reference {
    type Client = AnyBenchClient;
    type Server = AnyBenchServer;

    fn bench_server(setup: &BenchSetup) -> Outcome<AnyBenchServer> {
        spinning(setup)?;
        match (setup.payload.element, setup.payload.kind) {
            (Element::U64, Kind::Fixed) => load_server(setup).map(AnyBenchServer::Word),
            (Element::Bytes, Kind::Fixed) => load_server(setup).map(AnyBenchServer::Block),
            (Element::U64, Kind::Slice) => load_server(setup).map(AnyBenchServer::Words),
            (Element::Bytes, Kind::Slice) => load_server(setup).map(AnyBenchServer::Bytes),
        }
    }

    fn bench_client(setup: &BenchSetup) -> Outcome<AnyBenchClient> {
        spinning(setup)?;
        match (setup.payload.element, setup.payload.kind) {
            (Element::U64, Kind::Fixed) => load_client(setup).map(AnyBenchClient::Word),
            (Element::Bytes, Kind::Fixed) => load_client(setup).map(AnyBenchClient::Block),
            (Element::U64, Kind::Slice) => load_client(setup).map(AnyBenchClient::Words),
            (Element::Bytes, Kind::Slice) => load_client(setup).map(AnyBenchClient::Bytes),
        }
    }
}

impl<P: PeerPayload + ?Sized> BenchClient for LoadClient<P> {
    #[inline]
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let mut request = P::request(&self.client, self.len, true).map_err(|error| error.to_string())?;
        stamp::write(request.payload_mut().bytes_mut(), sequence);
        self.pending = Some(request.send().map_err(|error| error.to_string())?);
        Ok(())
    }

    #[inline]
    fn poll(&mut self) -> Result<Option<u64>, String> {
        let Some(pending) = &self.pending else { return Ok(None) };
        let Some(response) = pending.receive().map_err(|error| error.to_string())? else { return Ok(None) };
        let sequence = stamp::read(response.payload().bytes()).ok_or("a response's payload is damaged")?;
        drop(response);
        self.pending = None;
        Ok(Some(sequence))
    }
}

impl<P: PeerPayload + ?Sized> BenchServer for LoadServer<P> {
    #[inline]
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(active) = self.server.receive().map_err(|error| error.to_string())? else { return Ok(None) };
        let sequence = stamp::read(active.payload().bytes()).ok_or("a request's payload is damaged")?;
        let mut response =
            P::response(&active, active.payload().elements(), true).map_err(|error| error.to_string())?;
        stamp::write(response.payload_mut().bytes_mut(), sequence);
        response.send().map_err(|error| error.to_string())?;
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
