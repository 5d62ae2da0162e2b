//! Clients and servers: what a user sends and receives with.
//!
//! A port, and everything made from it, belongs to one thread: no count, list or limit in here is shared, and nothing on a
//! message's way is locked. Make one port for each thread that needs one.

mod active;
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

use serde::{Deserialize, Serialize};

/// How a payload segment gets room for longer slices.
///
/// ```
/// # use shmark_engine::{Node, ServiceName};
/// use shmark_engine::AllocationStrategy;
/// use shmark_engine::error::LoanError;
///
/// # let folder = tempfile::tempdir()?;
/// # let node = Node::builder().root(folder.path()).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// # let service = node.service_builder(&name).request_response::<[u8], [u8]>().open_or_create()?;
/// # let server = service.server_builder().create()?;
/// let builder = service.client_builder().initial_max_slice_len(16);
/// let client = builder.allocation_strategy(AllocationStrategy::PowerOfTwo).create()?;
/// let request = client.loan_slice_uninit(1000)?.write_from_fn(|i| i as u8);
/// let pending = request.send()?;
/// assert_eq!(client.max_slice_len(), 1024);
/// # assert_eq!(server.receive()?.map(|request| request.payload().len()), Some(1000));
/// # drop(pending);
///
/// let client = service.client_builder().initial_max_slice_len(16).create()?;
/// let refused = client.loan_slice(17).map(drop);
/// assert_eq!(refused, Err(LoanError::ExceedsMaxLoanSize { len: 17, max: 16 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
