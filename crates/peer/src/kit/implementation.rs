//! The one trait that makes a Rust implementation a subject.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::bench::load::serialize_changed;
pub use super::bench::load::{Arrivals, Load, Numbering, Timing, Touch};
pub use super::decisions::{Decision, Decisions};
use crate::protocol::ErrorClass;
pub use crate::protocol::{Allocation, Backpressure, Qos};

/// Fixed (one element) or slice payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One element of the type.
    Fixed,
    /// A slice, whose length is chosen at each loan.
    Slice,
}

/// Element type of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// An 8-byte unsigned integer.
    U64,
    /// Single bytes as a slice; `[u8; 4096]` as a fixed payload.
    Bytes,
}

/// Payload type of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PayloadSpec {
    /// Element type.
    #[serde(rename = "type")]
    pub element: Element,
    /// Fixed or slice.
    pub kind: Kind,
    /// Alignment asked for, in bytes, a power of two; the type's own if absent or smaller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub align: Option<usize>,
}

/// User header of one direction; `u64` is the only type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderSpec {
    /// Always [`HeaderType::U64`].
    #[serde(rename = "type")]
    pub header: HeaderType,
}

/// User header types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeaderType {
    /// An 8-byte unsigned integer, 0 by default.
    U64,
}

/// How `service.*` gets its service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// Fail if it exists.
    Create,
    /// Fail if it does not exist.
    Open,
    /// Open or create.
    OpenOrCreate,
}

/// Everything that `service.create`, `.open` and `.open_or_create` ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the arguments of service.create, one to one")]
pub struct ServiceSpec {
    pub name: String,
    pub request: PayloadSpec,
    pub response: PayloadSpec,
    pub request_header: Option<HeaderSpec>,
    pub response_header: Option<HeaderSpec>,
    pub qos: Qos,
    pub attributes: BTreeMap<String, String>,
}

/// What a service has in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// All settings.
    pub qos: Qos,
    /// All attributes.
    pub attributes: BTreeMap<String, String>,
}

/// Arguments of `client.create` and `server.create`.
#[derive(Debug, Clone, Default)]
pub struct PortSpec {
    /// Name of the port.
    pub name: Option<String>,
    /// Clients: their own maximum of active requests. Servers: the maximum of loaned responses a request.
    pub max: Option<usize>,
    /// Hint for the first payload segment, in elements.
    pub initial_max_slice_len: Option<usize>,
    /// Allocation strategy.
    pub allocation: Option<Allocation>,
    /// Backpressure strategy.
    pub backpressure: Option<Backpressure>,
    /// What its backpressure handler decides; no handler if absent.
    pub handler: Option<Decisions>,
    /// Chunks to preallocate.
    pub preallocate: Option<usize>,
}

/// An operation that was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The implementation refused.
    Error {
        /// Class of the refusal.
        class: ErrorClass,
        /// The implementation's own name for it.
        native: String,
        /// The setting at fault, by its name in the protocol, where the class calls for one.
        setting: Option<String>,
    },
    /// The implementation, or this peer, has no such thing.
    Unsupported(String),
}

/// Result of an operation.
pub type OpResult<T> = Result<T, Refusal>;

/// A received message, as `server.receive` and `pending.receive` report it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Port id of the sender, printable, equal to the `port_id` that the sender's create answered.
    pub origin: String,
    /// Whether the payload's address has the alignment that the service asked for.
    pub align_ok: bool,
}

/// A node of the service listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeState {
    /// `alive`, `dead` or `unknown`.
    pub state: String,
}

/// Counts of `service.ports`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the keys of service.ports")]
pub struct Ports {
    pub clients: usize,
    pub servers: usize,
    pub nodes: usize,
}

/// What only the implementation knows for `resources`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the keys of resources")]
pub struct OwnResources {
    pub chunks_in_use: Option<u64>,
    pub segments: Option<u64>,
}

/// What a receive came to.
#[derive(Debug)]
pub enum Receipt<T> {
    /// A message, and how it arrived.
    Received(T, Arrival),
    /// Nothing, as far as is known.
    Nothing,
    /// Nothing, and the implementation's own wait has said that nothing more can come.
    Ended,
}

impl<T> From<Option<(T, Arrival)>> for Receipt<T> {
    fn from(received: Option<(T, Arrival)>) -> Self {
        received.map_or(Self::Nothing, |(message, arrival)| Self::Received(message, arrival))
    }
}

/// What `wait` waits for.
#[allow(missing_docs, reason = "the kinds of handles that wait takes")]
pub enum Waitable<'a, I: Implementation> {
    Server(&'a I::Server),
    Pending(&'a I::Pending),
}

impl<I: Implementation> std::fmt::Debug for Waitable<'_, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            Self::Pending(_) => "Pending",
        })
    }
}

/// What ended a `wait`: places in the list of what was waited for, in order. Both are empty if the time is over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Woken {
    /// From these a receive brings something.
    pub ready: Vec<usize>,
    /// From these nothing more can come.
    pub ended: Vec<usize>,
}

/// What `hello` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hello {
    /// Name of the implementation.
    pub implementation: String,
    /// Its version.
    pub version: String,
    /// Language of the binding under test.
    pub language: String,
    /// Of [`FEATURES`](crate::protocol::FEATURES), those that the peer has.
    pub features: Vec<String>,
    /// Peers with the same value can talk to each other.
    pub wire: String,
}

impl Hello {
    /// Of a transport in Rust that can only be measured, for [`serve_bench_only`](super::serve_bench_only).
    pub fn bench_only(name: &str, version: &str) -> Self {
        Self {
            implementation: name.to_owned(),
            version: version.to_owned(),
            language: "Rust".to_owned(),
            features: vec!["bench".to_owned()],
            wire: name.to_owned(),
        }
    }
}

/// What an operation comes to that an implementation does not have.
fn unsupported(op: &str) -> Refusal {
    Refusal::Unsupported(format!("{op}: this implementation has no such thing"))
}

/// One process's view of an implementation. Handles are dropped by dropping the value; the kit keeps the table of names.
///
/// No method asserts, retries or sleeps. Payload access goes through byte views so that the kit fills and checks them in
/// one place for all implementations.
#[allow(missing_docs, reason = "each method is the operation of its name, see docs/PEER-PROTOCOL.md")]
#[allow(clippy::missing_errors_doc, reason = "each error is what the implementation says, in the protocol's classes")]
pub trait Implementation: Sized {
    type Node;
    type Service;
    type Client;
    type Server;
    /// A loaned request.
    type Request;
    type Pending;
    /// An active request.
    type Active;
    /// A loaned response.
    type ResponseLoan;
    /// A received response.
    type Response;

    /// Starts; `root` is the namespace: nothing outside it is touched or seen.
    ///
    /// # Errors
    /// What the implementation says.
    fn start(root: &str) -> OpResult<(Self, Hello)>;

    fn node_create(&mut self, name: Option<&str>) -> OpResult<Self::Node>;
    fn node_list(&mut self) -> OpResult<Vec<NodeState>>;
    /// `(cleaned, failed)`.
    fn node_cleanup(&mut self) -> OpResult<(u64, u64)>;
    /// Writes a configuration file with these defaults of services, for the nodes that are created from now on.
    fn configure(&mut self, _qos: &Qos) -> OpResult<()> {
        Err(unsupported("configure"))
    }

    fn service(
        &mut self,
        node: &Self::Node,
        opening: Opening,
        spec: &ServiceSpec,
    ) -> OpResult<(Self::Service, Effective)>;
    fn service_exists(&mut self, node: &Self::Node, name: &str) -> OpResult<bool>;
    fn service_list(&mut self, node: &Self::Node) -> OpResult<Vec<String>>;
    fn service_ports(&mut self, service: &Self::Service) -> OpResult<Ports>;

    /// The client and its port id.
    fn client_create(&mut self, service: &Self::Service, spec: &PortSpec) -> OpResult<(Self::Client, String)>;
    /// The server and its port id.
    fn server_create(&mut self, service: &Self::Service, spec: &PortSpec) -> OpResult<(Self::Server, String)>;

    fn request_loan(&mut self, client: &Self::Client, len: usize, uninit: bool) -> OpResult<Self::Request>;
    /// Sends; the loan is consumed whatever happens. The count is that of deliveries.
    fn request_send(&mut self, request: Self::Request) -> OpResult<(Self::Pending, u64)>;
    fn has_requests(&mut self, server: &Self::Server) -> OpResult<bool>;
    /// `wait_ms` is absent unless the peer declares `wait`.
    fn server_receive(&mut self, server: &Self::Server, wait_ms: Option<u64>) -> OpResult<Receipt<Self::Active>>;
    fn response_loan(&mut self, active: &Self::Active, len: usize, uninit: bool) -> OpResult<Self::ResponseLoan>;
    fn response_send(&mut self, response: Self::ResponseLoan) -> OpResult<()>;
    fn has_response(&mut self, pending: &Self::Pending) -> OpResult<bool>;
    fn pending_receive(&mut self, pending: &Self::Pending, wait_ms: Option<u64>) -> OpResult<Receipt<Self::Response>>;
    /// Waits until something comes to one of them, one of them ends, or the time is over; lists all that are so then.
    fn wait(&mut self, _waitables: &[Waitable<'_, Self>], _wait_ms: u64) -> OpResult<Woken> {
        Err(unsupported("wait"))
    }
    fn pending_connected(&mut self, pending: &Self::Pending) -> OpResult<bool>;
    fn active_connected(&mut self, active: &Self::Active) -> OpResult<bool>;
    fn hint_disconnect(&mut self, pending: &Self::Pending) -> OpResult<()>;
    fn has_hint(&mut self, active: &Self::Active) -> OpResult<bool>;
    fn resources(&mut self) -> OpResult<OwnResources>;

    fn request_loan_view<'a>(&self, request: &'a mut Self::Request) -> LoanView<'a>;
    fn response_loan_view<'a>(&self, response: &'a mut Self::ResponseLoan) -> LoanView<'a>;
    fn active_view<'a>(&self, active: &'a Self::Active) -> View<'a>;
    fn response_view<'a>(&self, response: &'a Self::Response) -> View<'a>;
}

/// Bytes of a loan.
#[derive(Debug)]
pub struct LoanView<'a> {
    /// Payload, all elements.
    pub payload: &'a mut [u8],
    /// User header, if the service has one.
    pub header: Option<&'a mut [u8]>,
    /// Elements.
    pub len: usize,
    /// Payload address modulo the alignment that the service asked for.
    pub addr_mod_align: usize,
}

/// Bytes of a received message.
#[derive(Debug)]
pub struct View<'a> {
    /// Payload, all elements.
    pub payload: &'a [u8],
    /// User header, if the service has one.
    pub header: Option<&'a [u8]>,
    /// Elements.
    pub len: usize,
}

/// Ports of the benchmark, made for one load; the loop around them is the kit's and the same for all subjects.
///
/// The unit is one complete round trip: loan, write, send, receive, loan the response, write, send, receive, drop all.
/// Every payload byte is written and read, with [`stamp`](super::bench::stamp), in both directions; of
/// [`Touch::Stamp`] payloads the sequence number alone.
///
/// With [`Waiting::Spin`], `poll` and `serve` return at once. With [`Waiting::Block`] they sleep in the kernel until
/// there is a message, and return `None` after at most a second without one, or an error when the other side is gone.
pub trait BenchClient {
    /// Sends request `sequence` and returns without waiting. At most [`Load::outstanding`] requests are under way.
    ///
    /// # Errors
    /// What the implementation says; the trial is then invalid.
    fn send(&mut self, sequence: u64) -> Result<(), String>;
    /// Takes one response to the oldest request under way if there is one, verifies its payload and returns its number.
    ///
    /// # Errors
    /// As `send`.
    fn poll(&mut self) -> Result<Option<u64>, String>;
}

/// The other side of [`BenchClient`].
pub trait BenchServer {
    /// Takes one request if there is one, answers it with all of [`Load::numbers`], and returns the request's sequence. One of
    /// several servers answers with those of its own [`Load::numbering`].
    ///
    /// # Errors
    /// What the implementation says.
    fn serve(&mut self) -> Result<Option<u64>, String>;
}

/// What a benchmark of a subject is asked to set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchSetup {
    /// Namespace, as in `hello`.
    pub root: String,
    /// Service name.
    pub service: String,
    /// Payload of both directions.
    pub payload: PayloadSpec,
    /// Elements of each payload; 1 for fixed.
    pub len: usize,
    /// Spin or block.
    pub waiting: Waiting,
    /// What goes on.
    #[serde(default, skip_serializing_if = "Load::is_plain", serialize_with = "serialize_changed")]
    pub load: Load,
    /// Settings to ask the service for; the implementation's own where absent. Transports have none.
    #[serde(default, skip_serializing_if = "Qos::is_empty")]
    pub qos: Qos,
}

/// How the ports wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waiting {
    /// Poll without a system call where the transport allows it; non-blocking calls otherwise.
    Spin,
    /// Sleep in the kernel.
    Block,
}

/// Benchmark side of an implementation.
pub trait BenchSubject {
    /// Client port.
    type Client: BenchClient;
    /// Server port.
    type Server: BenchServer;
    /// Creates the server, ready to be connected to.
    ///
    /// # Errors
    /// What the implementation says.
    fn bench_server(setup: &BenchSetup) -> OpResult<Self::Server>;
    /// Creates the client and connects it to the server, which exists.
    ///
    /// # Errors
    /// What the implementation says.
    fn bench_client(setup: &BenchSetup) -> OpResult<Self::Client>;
    /// Creates [`Load::servers`] servers, which one thread polls in turn. Called, and so is [`Self::bench_clients`], for loads
    /// with several clients or servers alone.
    ///
    /// # Errors
    /// What the implementation says. `unsupported` unless it is overridden.
    fn bench_servers(setup: &BenchSetup) -> OpResult<Vec<Self::Server>> {
        Err(one_of_each(setup))
    }
    /// Creates [`Load::clients`] clients, in the order in which they send, and connects them to the servers.
    ///
    /// # Errors
    /// As [`Self::bench_servers`].
    fn bench_clients(setup: &BenchSetup) -> OpResult<Vec<Self::Client>> {
        Err(one_of_each(setup))
    }
}

fn one_of_each(setup: &BenchSetup) -> Refusal {
    let Load { clients, servers, .. } = setup.load;
    Refusal::Unsupported(format!(
        "a benchmark of this peer has one client and one server, and {clients} and {servers} were asked for"
    ))
}
