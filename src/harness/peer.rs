//! One running peer: what is kept of it, and how it ends. `start` begins it, `conversation` talks to it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::time::Duration;

use super::error::HarnessError;
use super::interrupt::interrupted;
use super::pipes::{Item, Next, Pipes};
use super::process::Process;
use super::reply::{Exit, Reply};
use super::signalling::Signalling;
use super::timeout::TimeoutMultiplier;

pub use super::hello::HelloReply;

/// How long the last words of a process that has ended are waited for. They are there at once, unless another process
/// holds its pipes.
const SETTLE: Duration = Duration::from_millis(100);

/// A running peer. Dropping it kills its whole process group and reaps it.
#[derive(Debug)]
pub struct Peer {
    pub(super) name: String,
    pub(super) signalling: Signalling,
    pub(super) timeout_multiplier: TimeoutMultiplier,
    pub(super) stdin: Option<File>,
    pub(super) process: Process,
    pub(super) pipes: Pipes,
    pub(super) id_next: u64,
    /// Commands without an answer, oldest first; `true` if somebody still waits for it.
    pub(super) outstanding: VecDeque<(u64, bool)>,
    /// Answers that nobody has waited for yet.
    pub(super) answers: BTreeMap<u64, Reply>,
    /// Set when nothing more can come.
    pub(super) over: Option<Reply>,
}

impl Peer {
    /// Name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Multiplier of its time limits.
    pub fn timeout_multiplier(&self) -> TimeoutMultiplier {
        self.timeout_multiplier
    }

    /// Process id, and id of the peer's process group.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Kills the peer's process group and waits until the peer is gone.
    pub fn kill(&mut self) {
        if self.process.is_reaped() {
            return;
        }
        if self.process.ended().is_none() {
            self.pipes.note("..", "the runner kills it");
        }
        self.end();
    }

    /// Ends the process whatever its state, and takes in its last words.
    pub(super) fn end(&mut self) -> Exit {
        // Its stdin stays open until it is gone: a peer that reads the end of it may leave in order before the signal.
        self.kill_what_the_group_does_not_hold();
        let exit = self.process.end();
        self.stdin.take();
        self.pipes.settle(SETTLE);
        self.pipes.note("..", &format!("it {exit}"));
        exit
    }

    /// How the peer's process ended, if it has.
    pub fn ended(&self) -> Option<Exit> {
        self.process.ended()
    }

    /// Waits until the peer has ended by itself; `None` if it is still there at the deadline.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<Option<Exit>, HarnessError> {
        match self.process.wait(timeout) {
            None if interrupted() => Err(HarnessError::Interrupted),
            None => Ok(None),
            Some(_) => Ok(Some(self.end())),
        }
    }

    /// Closes the peer's stdin, which tells it to drop everything and exit with code 0, and waits for that. What is still
    /// there at the deadline is killed, and so is everything else in its group (see [`Self::orphans`]).
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`]; the peer is killed then.
    pub fn finish(&mut self, timeout: Duration) -> Result<Exit, HarnessError> {
        if self.stdin.take().is_some() {
            self.pipes.note("..", "the runner closes its stdin");
        }
        // A stopped process cannot notice the end of its stdin.
        self.wake();
        let in_time = self.process.wait(timeout).is_some();
        let exit = self.end();
        match in_time {
            true => Ok(exit),
            false if interrupted() => Err(HarnessError::Interrupted),
            false => Ok(Exit::Killed),
        }
    }

    /// After the end: the first line that was no answer to a command, if there is one, in a sentence.
    pub fn unsolicited(&mut self) -> Option<String> {
        loop {
            if let Some(Reply::Protocol(text)) = &self.over {
                return Some(text.clone());
            }
            match self.pipes.next(Duration::ZERO) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(text)) => return Some(text),
                Next::Closed | Next::Nothing => return None,
            }
        }
    }

    /// After the end: processes of the peer's group that had outlived it, as text. They are killed.
    pub fn orphans(&self) -> &[String] {
        self.process.orphans()
    }

    /// What was said, in order: `-> ` to the peer, `<- ` from it, `!! ` a line of its stderr, `.. ` a note of the
    /// runner's. Long messages are cut, a long conversation loses its middle.
    pub fn transcript(&self) -> Vec<String> {
        self.pipes.transcript()
    }
}
