//! Clients and servers: what a user sends and receives with.
//!
//! A port, and everything made from it, belongs to one thread: no count, list or limit in here is shared, and nothing on a
//! message's way is locked. Make one port for each thread that needs one.

mod active;
mod backpressure;
mod client;
mod client_connection;
mod client_core;
mod client_sending;
mod lanes;
mod lender;
mod lending;
mod listener;
mod member;
mod payloads;
mod pending;
mod places;
mod received;
mod remote;
mod request;
mod response;
mod responses;
mod server;
mod server_connection;
mod server_core;
mod wait;
mod waker;

pub use active::ActiveRequest;
pub use backpressure::{BackpressureAction, BackpressureInfo};
pub use client::Client;
pub use member::{ClientBuilder, ServerBuilder};
pub use pending::PendingResponse;
pub use received::Response;
pub use request::{RequestMut, RequestMutUninit};
pub use response::{ResponseMut, ResponseMutUninit};
pub use responses::Responses;
pub use server::Server;
pub use wait::{AttachmentId, PollSet, Readiness, WaitEvent, WaitSet, Waitable};
