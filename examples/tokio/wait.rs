//! Waiting for ports in an async runtime.

use std::error::Error;
use std::io;

use shmark_engine::{PollSet, WaitEvent};
use tokio::io::unix::AsyncFd;

/// Takes over the set: the runtime waits for its descriptor as long as what is returned lives.
///
/// Newer versions of tokio offer `unsafe { AsyncFd::register(set) }` instead, which asks that the descriptor stays open and the
/// same. A `PollSet` owns its own and never exchanges it.
#[allow(deprecated, reason = "safe for a PollSet, and this repository has unsafe code in the engine's `shm` alone")]
pub fn register(set: PollSet) -> io::Result<AsyncFd<PollSet>> {
    AsyncFd::new(set)
}

/// Waits until something that is attached is ready, without blocking the thread. May be dropped at any time, as
/// `tokio::select!` does: what was ready is listed by the next call.
pub async fn ready(set: &mut AsyncFd<PollSet>) -> Result<Vec<WaitEvent>, Box<dyn Error>> {
    loop {
        let events = set.get_mut().arm()?.to_vec();
        if !events.is_empty() {
            return Ok(events);
        }
        // Nothing is there, and whatever comes from now on makes the descriptor readable. The runtime remembers that until it
        // is told to forget it, so that goes in front of the next `arm`, never behind.
        set.readable().await?.clear_ready();
    }
}
