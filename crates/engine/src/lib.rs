//! Request-response over shared memory.
//!
//! A *client* sends a request through a *service*; every *server* that is connected receives it and may answer with any number
//! of responses. Payload is written once, into shared memory, and read there. A message of a few words travels in the cache
//! line that announces it, so that nobody has to wait for a second one. Sending and receiving make no system call, take no lock
//! and allocate nothing, unless somebody sleeps, a segment grows, or a port comes or goes. Any process may be killed at any
//! moment: the others go on, and what it left is removed by the next one that looks. Linux only.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use shmark_engine::{Node, ServiceName};
//! use zerocopy::{FromBytes, Immutable, IntoBytes};
//!
//! /// What travels: no pointer, no padding, every bit pattern valid. The derives refuse anything else.
//! #[derive(Debug, Clone, Copy, PartialEq, FromBytes, IntoBytes, Immutable)]
//! #[repr(C)]
//! struct Position {
//!     x: f64,
//!     y: f64,
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//! #   let folder = tempfile::tempdir()?;
//! #   let namespace = folder.path();
//!     // A namespace of its own. Without `root`, all programs of this user meet.
//!     let node = Node::builder().root(namespace).create()?;
//!     let name = ServiceName::new("Where/Is/It")?;
//!     let service = node.service_builder(&name).request_response::<u64, Position>().open_or_create()?;
//!
//!     // Client and server may be in one process, as here, or in two that start in any order.
//!     let server = service.server_builder().create()?;
//!     let client = service.client_builder().create()?;
//!
//!     let pending = client.send_copy(7)?;
//!     while let Some(request) = server.receive()? {
//!         // Written where the client will read it.
//!         let response = request.loan_uninit()?.write_payload(Position { x: 1.0, y: *request as f64 });
//!         response.send()?;
//!         // Here the request is dropped, which tells the client that this server is done with it.
//!     }
//!     // Ends when no server can answer any more.
//!     for response in pending.responses(Duration::from_secs(1)) {
//!         assert_eq!(*response?, Position { x: 1.0, y: 7.0 });
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # What there is
//!
//! | to | |
//! |---|---|
//! | begin | [`Node`], one for each use of the engine in a process; [`Config`] and [`Root`] say where it is and what its defaults are |
//! | agree with others | [`ServiceName`], [`ServiceBuilder`], [`RequestResponseBuilder`] with types and [`Settings`], [`Service`] |
//! | say what travels | [`Payload`]: one value `T` or a slice `[T]`, for [`Plain`] types; user headers beside it |
//! | ask | [`Client`] loans a [`RequestMut`] and sends it, which gives a [`PendingResponse`], which receives [`Response`]s |
//! | answer | [`Server`] receives an [`ActiveRequest`], which loans [`ResponseMut`]s and sends them |
//! | wait | `receive_timeout` of a server or a pending response, [`PendingResponse::responses`]; [`WaitSet`] for several, [`PollSet`] with a file descriptor for event loops and async runtimes |
//! | send slices of any length | [`AllocationStrategy`] |
//! | decide what happens when a buffer is full | overflow in the service's [`Settings`]; without it [`BackpressureStrategy`], or a handler that returns a [`BackpressureAction`] |
//! | know what went wrong | [`error`]: one type for each kind of call, one variant for each violated rule, with the remedy in its text |
//! | look from outside | [`Inventory`], [`Node::list_in`], [`Node::clean_up`] |
//!
//! Nodes and services may be shared by threads. Ports, and everything made from them, belong to the thread that made
//! them: each thread makes its own, and nothing on the message path is locked.
//!
//! `docs/LAYOUT.md` of the repository has every byte, `docs/ARCHITECTURE.md` the invariants, `docs/GLOSSARY.md` the words with
//! a fixed meaning. Everything in [`shm`] and [`channel`] is what the ports are made of. It is public for the tests, benchmarks and peers of this
//! project, safe to call, and no part of what a version of this crate promises.
//!
//! # Requirements
//!
//! Ids such as RR-LIV-02 name what any implementation of this pattern has to do: RR for request-response, a group, and a number
//! in it, permanent. The groups: SVC services, TYP types, PRT ports, SND sending, FNF fire and forget, RCL reclaiming chunks,
//! LOAN loans, PND pending responses, ACT active requests, DYN slices that grow, LIV liveness, WAIT waiting, BAD damage and
//! shortage. The catalogue with the texts is `scenarios/requirements.toml` of the repository; `shmark explain RR-LIV-02` prints
//! one, with the scenarios that decide it for any implementation.

pub mod channel;
mod config;
mod connection;
pub mod error;
mod id;
mod inventory;
mod liveness;
mod lock;
mod name;
mod node;
mod ownership;
mod payload;
mod port;
mod root;
mod service;
mod settings;
pub mod shm;
mod strategy;
mod wait;

pub use config::{CONFIG_VARIABLE, ClientConfig, Config, DeploymentProfile, ServerConfig};
pub use id::{Id, NotAnId};
pub use inventory::{Cleaning, Inventory, Remains, RemainsKind};
pub use liveness::{NodeInfo, NodeState};
pub use name::{InvalidName, SERVICE_NAME_BYTES_MAX, ServiceName};
pub use node::{Node, NodeBuilder};
pub use payload::{ChunkLayout, Kind, Payload, TypeDetail};
pub use port::{
    ActiveRequest, AttachmentId, BackpressureAction, BackpressureInfo, Client, ClientBuilder, LoanMut, LoanMutUninit,
    PendingResponse, PollSet, Readiness, ReceivedMessage, RequestMut, RequestMutUninit, Response, ResponseMut,
    ResponseMutUninit, Responses, Server, ServerBuilder, WaitEvent, WaitSet, Waitable,
};
pub use root::{ROOT_VARIABLE, Root};
pub use service::LAYOUT_VERSION;
pub use service::{PortInfo, RequestResponseBuilder, Service, ServiceBuilder, ServiceInfo, StaticConfig};
pub use settings::{COUNT_MAX, RequestedSettings, Settings};
pub use shm::Plain;
pub use strategy::{AllocationStrategy, BackpressureStrategy};
pub use wait::{TryReceived, Waited};

/// The code of the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
