//! Clients and servers: what a user sends and receives with.
//!
//! A port, and everything made from it, belongs to one thread: no count, list or limit in here is shared, and nothing on a
//! message's way is locked. Make one port for each thread that needs one.

mod attaching;
mod backpressure;
mod builder;
mod client;
mod client_registry;
mod following;
mod lender;
mod link;
mod payloads;
mod poll_set;
mod server;
mod server_registry;
mod sleeper;
mod track;
mod turn;
mod wait_set;
mod waiting;
mod watch;

pub use backpressure::{BackpressureAction, BackpressureInfo, BackpressureStrategy};
pub use builder::{ClientBuilder, ServerBuilder};
pub use client::Client;
pub use client::pending::PendingResponse;
pub use client::request::{RequestMut, RequestMutUninit};
pub use client::response::Response;
pub use client::responses::Responses;
pub use poll_set::PollSet;
pub use server::Server;
pub use server::active::ActiveRequest;
pub use server::response::{ResponseMut, ResponseMutUninit};
pub use wait_set::{AttachmentId, Readiness, WaitEvent, WaitSet, Waitable};

use serde::{Deserialize, Serialize};

/// How a payload segment gets room for longer slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationStrategy {
    /// Not at all: `initial_max_slice_len` is the limit.
    #[default]
    Static,
    /// A longer slice gets a new segment with room for exactly its length.
    BestFit,
    /// A longer slice gets a new segment with room for the next power of two of its length.
    PowerOfTwo,
}
