//! The reference engine: request-response over shared memory.
//!
//! A client sends a request through a service; every connected server receives it and may answer with any number of
//! responses. Payload is written once into the sender's payload segment and read there; what moves is one word. A message
//! of a few words moves with it, in the same cache line, so that nobody has to wait for a second one.
//!
//! ```
//! use shmark_engine::{Node, ServiceName};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = std::env::temp_dir().join(format!("shmark-doc-{}", std::process::id()));
//! let node = Node::builder().root(&scratch).create()?;
//! let name = ServiceName::new("My/Funk/ServiceName")?;
//! let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
//! let server = service.server_builder().create()?;
//! let client = service.client_builder().create()?;
//!
//! let pending = client.send_copy(20)?;
//! let request = server.receive()?.ok_or("nothing was received")?;
//! request.send_copy(*request + 1)?;
//! let response = pending.receive()?.ok_or("nothing was answered")?;
//! assert_eq!(*response, 21);
//! # drop((response, request, pending, client, server, service, node));
//! # std::fs::remove_dir_all(&scratch)?;
//! # Ok(())
//! # }
//! ```
//!
//! Rooms, from the bottom: [`shm`] raw shared memory; [`channel`] what travels; the connection of a client-server pair;
//! services and nodes with their files and locks; ports. `docs/LAYOUT.md` has every byte, `docs/ARCHITECTURE.md` the
//! invariants, `docs/GLOSSARY.md` the words with a fixed meaning.

pub mod channel;
mod config;
mod connection;
pub mod error;
mod free_list;
mod id;
mod inventory;
mod lock;
mod name;
mod node;
mod payload;
mod port;
mod root;
mod service;
mod settings;
mod share;
pub mod shm;
mod wait;

pub use config::{CONFIG_VARIABLE, ClientConfig, Config, DeploymentProfile, ServerConfig};
pub use id::{Id, NotAnId};
pub use inventory::{Cleaning, Inventory, Remains, RemainsKind};
pub use name::{InvalidName, SERVICE_NAME_BYTES_MAX, ServiceName};
pub use node::{Node, NodeBuilder, NodeInfo, NodeState};
pub use payload::{ChunkLayout, Kind, Payload, TypeDetail};
pub use port::{
    ActiveRequest, AllocationStrategy, AttachmentId, BackpressureAction, BackpressureInfo, BackpressureStrategy,
    Client, ClientBuilder, PendingResponse, PollSet, Readiness, RequestMut, RequestMutUninit, Response, ResponseMut,
    ResponseMutUninit, Responses, Server, ServerBuilder, WaitEvent, WaitSet, Waitable,
};
pub use root::{ROOT_VARIABLE, Root};
pub use service::LAYOUT_VERSION;
pub use service::{PortInfo, RequestResponseBuilder, Service, ServiceBuilder, ServiceInfo, StaticConfig};
pub use settings::{COUNT_MAX, Settings, Wishes};
pub use shm::Plain;
pub use wait::{TryReceived, Waited};
