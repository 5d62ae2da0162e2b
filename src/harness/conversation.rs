//! Commands in, answers out, and what to do when there is none.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Args;
use super::error::HarnessError;
use super::interrupt::{NOTICE_MS, interrupted};
use super::peer::Peer;
use super::pipes::{Item, Next};
use super::reply::{Exit, Reply};

/// Time in which a peer has to take a command from its stdin, which holds many of them.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const NOTICE: Duration = Duration::from_millis(NOTICE_MS);
/// A process whose stdout is closed has this long to end before it is said to go on running without one.
const CLOSED_GRACE: Duration = Duration::from_secs(1);

impl Peer {
    /// Sends a command; the answer is collected by [`Self::wait`]. If the peer is gone, `wait` says so.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn begin(&mut self, op: &str, args: &Args) -> Result<u64, HarnessError> {
        // Answers that come at once would leave no other moment to notice it.
        if interrupted() {
            return Err(HarnessError::Interrupted);
        }
        let id = self.id_next;
        self.id_next += 1;
        let mut line = json!({ "id": id, "op": op });
        if let Value::Object(object) = &mut line {
            object.extend(
                args.iter()
                    .filter(|(key, _)| !["id", "op"].contains(&key.as_str()))
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        let mut text = line.to_string();
        self.pipes.note("->", &text);
        text.push('\n');
        self.outstanding.push_back((id, true));
        match self.write(text.as_bytes()) {
            Ok(()) => Ok(id),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(HarnessError::Interrupted),
            // A broken pipe shows in `wait`, as the end of the process or of its stdout.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(id),
            Err(error) => {
                self.over.get_or_insert(Reply::Protocol(format!("it does not take commands from its stdin: {error}")));
                Ok(id)
            }
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + self.timeout_multiplier.of(WRITE_TIMEOUT);
        let Some(stdin) = &mut self.stdin else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        while !bytes.is_empty() {
            match stdin.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if interrupted() {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    if Instant::now() >= deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let _ = poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLOUT)], NOTICE_MS as u16);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for the answer to a command. Answers to other commands that come before it are kept for their own `wait`.
    ///
    /// After [`Reply::Timeout`] the command is given up: its late answer only shows in the transcript.
    pub fn wait(&mut self, id: u64, timeout: Duration) -> Reply {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(reply) = self.answers.remove(&id) {
                return reply;
            }
            let under_way = self.outstanding.iter().any(|(other, wanted)| *other == id && *wanted);
            if !under_way {
                return Reply::Protocol(format!(
                    "the runner waits for an answer to command {id}, which is not under way"
                ));
            }
            if let Some(over) = &self.over {
                return over.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pipes.next(left.min(NOTICE)) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(text)) => self.over = Some(Reply::Protocol(text)),
                Next::Closed => self.over = Some(self.end_of_stdout()),
                Next::Nothing => {
                    if interrupted() {
                        return Reply::Interrupted;
                    }
                    if let Some(exit) = self.process.ended() {
                        // A process that got away may hold stdout open; what the peer itself said is all here by now.
                        if self.pipes.next(NOTICE) == Next::Nothing {
                            self.over = Some(after(exit));
                        }
                    } else if left.is_zero() {
                        self.give_up(id);
                        return Reply::Timeout;
                    }
                }
            }
        }
    }

    /// Whether the answer to a command is there, without waiting for it.
    pub fn has_answered(&mut self, id: u64) -> bool {
        while !self.answers.contains_key(&id) && self.over.is_none() {
            match self.pipes.next(Duration::ZERO) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(text)) => self.over = Some(Reply::Protocol(text)),
                Next::Closed | Next::Nothing => break,
            }
        }
        self.answers.contains_key(&id)
    }

    /// Sends a command and waits for its answer.
    pub fn call(&mut self, op: &str, args: &Args, timeout: Duration) -> Reply {
        match self.begin(op, args) {
            Ok(id) => self.wait(id, timeout),
            Err(_) => Reply::Interrupted,
        }
    }

    pub(super) fn take(&mut self, line: &str) {
        let (id, reply) = match Reply::parse(line) {
            Ok(answer) => answer,
            Err(wrong) => {
                let echoed = if serde_json::from_str::<Value>(line).is_ok_and(|value| value.get("op").is_some()) {
                    "; it looks like the command itself, echoed"
                } else {
                    ""
                };
                self.over = Some(Reply::Protocol(format!("a line with {wrong}{echoed}: `{}`", shortened(line))));
                return;
            }
        };
        // One command at a time: answers come in the order of the commands.
        match self.outstanding.front().copied() {
            Some((expected, wanted)) if expected == id => {
                self.outstanding.pop_front();
                if wanted {
                    self.answers.insert(id, reply);
                }
            }
            Some((expected, _)) => {
                self.over =
                    Some(Reply::Protocol(format!("an answer to command {id}, and command {expected} was next")));
            }
            None => self.over = Some(Reply::Protocol(format!("an answer to command {id}, and none was under way"))),
        }
    }

    pub(super) fn give_up(&mut self, id: u64) {
        if let Some(entry) = self.outstanding.iter_mut().find(|(other, _)| *other == id) {
            entry.1 = false;
        }
        self.pipes.note("..", &format!("no answer to command {id} in time"));
    }

    fn end_of_stdout(&self) -> Reply {
        match self.process.wait(self.timeout_multiplier.of(CLOSED_GRACE)) {
            Some(exit) => after(exit),
            None if interrupted() => Reply::Interrupted,
            None => Reply::Protocol("it closed its stdout and went on running".to_owned()),
        }
    }
}

fn after(exit: Exit) -> Reply {
    match exit {
        Exit::Code(code) => Reply::Exited(code),
        Exit::Signal(signal) => Reply::Signalled(signal),
        Exit::Killed => Reply::Signalled(Signal::SIGKILL as i32),
    }
}

fn shortened(line: &str) -> String {
    let end = line.floor_char_boundary(200);
    if end == line.len() { line.to_owned() } else { format!("{}...", &line[..end]) }
}
