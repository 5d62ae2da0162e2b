//! Clients and servers: what a user sends and receives with.
//!
//! A port, and everything made from it, belongs to one thread: no count, list or limit in here is shared, and nothing
//! on the message path is locked. Make one port for each thread that needs one.

mod backpressure;
mod client;
mod link;
mod member;
mod message;
mod payloads;
mod server;
mod track;
mod wait;

pub use backpressure::{BackpressureAction, BackpressureInfo};
pub use client::Client;
pub use client::listener::Response;
pub use client::request::PendingResponse;
pub use client::request::{RequestMut, RequestMutUninit};
pub use member::{ClientBuilder, ServerBuilder};
pub use message::{LoanMut, LoanMutUninit, ReceivedMessage};
pub use server::Server;
pub use server::active::ActiveRequest;
pub use server::active::{ResponseMut, ResponseMutUninit};
pub use wait::{AttachmentId, PollSet, Readiness, Responses, WaitEvent, WaitSet, Waitable};
