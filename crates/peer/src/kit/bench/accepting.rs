//! Waiting for the client in a thread of its own, for implementations that can only do so in a call that does not return.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::thread;
use std::time::Duration;

use crate::kit::implementation::Waiting;

/// Longest sleep of [`Waiting::Block`].
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A connection that is being accepted.
///
/// The thread ends with what `accept` returns; a server that is dropped without a client connects to itself for that.
#[derive(Debug)]
pub struct Accepting<T>(Receiver<Result<T, String>>);

impl<T: Send + 'static> Accepting<T> {
    /// Starts `accept`.
    ///
    /// # Errors
    /// The system has no thread.
    pub fn start(accept: impl FnOnce() -> Result<T, String> + Send + 'static) -> io::Result<Self> {
        let (sender, receiver) = channel();
        // Nobody to tell is no error: the server was dropped.
        thread::Builder::new().name("accept".to_owned()).spawn(move || sender.send(accept()).unwrap_or_default())?;
        Ok(Self(receiver))
    }

    /// The connection if it is there, as [`BenchServer::serve`](crate::kit::implementation::BenchServer::serve) waits.
    ///
    /// # Errors
    /// What `accept` says.
    pub fn poll(&self, waiting: Waiting) -> Result<Option<T>, String> {
        let accepted = match waiting {
            Waiting::Spin => match self.0.try_recv() {
                Err(TryRecvError::Empty) => return Ok(None),
                other => other.ok(),
            },
            Waiting::Block => match self.0.recv_timeout(SLEEP_MAX) {
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                other => other.ok(),
            },
        };
        accepted.unwrap_or_else(|| Err("the thread that waits for a client is gone".to_owned())).map(Some)
    }
}
