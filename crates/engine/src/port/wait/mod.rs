//! Waiting for ports: for one, for several at once, and by a file descriptor. How a thread
//! sleeps is in [`crate::wait`].

mod one;
mod poll_set;
mod wait_set;
pub(super) mod wait_state;

pub use one::Responses;
pub use poll_set::PollSet;
pub use wait_set::{AttachmentId, Readiness, WaitEvent, WaitSet, Waitable};
