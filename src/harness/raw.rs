//! Lines as they are: for whoever looks at a peer before it is trusted to speak the protocol.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::HarnessError;
use super::interrupt::{NOTICE_MS, interrupted};
use super::peer::Peer;
use super::pipes::{Item, Next};
use super::subject::Subject;
use super::timeout::shown;

impl Peer {
    /// Starts a peer and says nothing to it, not even `hello`.
    ///
    /// # Errors
    /// The program does not start.
    pub fn spawn_silent(subject: &Subject, name: &str, root: &Path) -> Result<Self, HarnessError> {
        Ok(Self::start(subject, name, root)?.0)
    }

    /// Sends a line, which need not be a command, and takes the next line of the peer's as JSON. The inner error is a
    /// sentence that says what came instead. Not to be mixed with commands that are under way.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn exchange(&mut self, line: &str, timeout: Duration) -> Result<Result<Value, String>, HarnessError> {
        self.pipes.note("->", line);
        if let Err(error) = self.write(format!("{line}\n").as_bytes()) {
            if interrupted() {
                return Err(HarnessError::Interrupted);
            }
            return Ok(Err(format!("it does not take lines from its stdin: {error}")));
        }
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            return Ok(match self.pipes.next(left.min(Duration::from_millis(NOTICE_MS))) {
                Next::Item(Item::Line(line)) => {
                    serde_json::from_str(&line).map_err(|error| format!("a line that is no JSON ({error}): `{line}`"))
                }
                Next::Item(Item::Bad(text)) => Err(text),
                Next::Closed => {
                    Err(self.ended().map_or("its stdout was closed".to_owned(), |exit| format!("it {exit}")))
                }
                Next::Nothing if interrupted() => return Err(HarnessError::Interrupted),
                Next::Nothing if left.is_zero() => Err(format!("no answer within {}", shown(timeout))),
                Next::Nothing => continue,
            });
        }
    }
}
