//! Clients and servers: what a user sends and receives with.
//!
//! A port, and everything made from it, belongs to one thread: no count, list or limit in here is shared, and nothing on a
//! message's way is locked. Make one port for each thread that needs one.

mod active;
mod allocation;
mod attaching;
mod backpressure;
mod builder;
mod client;
mod client_connection;
mod client_core;
mod client_registry;
mod client_sending;
mod following;
mod lanes;
mod lender;
mod lending;
mod listener;
mod payloads;
mod pending;
mod places;
mod poll_set;
mod received;
mod remote;
mod request;
mod response;
mod responses;
mod server;
mod server_connection;
mod server_core;
mod server_registry;
mod sleeper;
mod wait_set;
mod waiting;
mod waker;
mod watch;

pub use active::ActiveRequest;
pub use allocation::AllocationStrategy;
pub use backpressure::{BackpressureAction, BackpressureInfo, BackpressureStrategy};
pub use builder::{ClientBuilder, ServerBuilder};
pub use client::Client;
pub use pending::PendingResponse;
pub use poll_set::PollSet;
pub use received::Response;
pub use request::{RequestMut, RequestMutUninit};
pub use response::{ResponseMut, ResponseMutUninit};
pub use responses::Responses;
pub use server::Server;
pub use wait_set::{AttachmentId, Readiness, WaitEvent, WaitSet, Waitable};
