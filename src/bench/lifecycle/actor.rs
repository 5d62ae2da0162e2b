//! The processes of a procedure: each is told one operation after the other, and says how long it took.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use crate::harness::Args;
use crate::harness::error::HarnessError;
use crate::harness::namespace::Namespace;
use crate::harness::peer::Peer;
use crate::harness::reply::Reply;
use crate::harness::subject::Subject;
use crate::harness::timeout::ANSWER_TIME;
use shmark_peer::protocol::TIMED_SINCE;

/// Lines of a transcript behind the reason for a broken round.
const TRANSCRIPT_LINES: usize = 6;
/// An operation may allocate and touch gigabytes.
const OPERATION_TIME: Duration = Duration::from_secs(30);

/// Why a round has no figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::bench) enum Stop {
    /// The subject has no such thing, or this machine has no room for it.
    Unsupported(String),
    /// A peer did not do what it was asked to.
    Broken(String),
    /// Ctrl-C.
    Interrupted,
}

impl From<HarnessError> for Stop {
    fn from(error: HarnessError) -> Self {
        match error {
            HarnessError::Interrupted => Self::Interrupted,
            other => Self::Broken(other.to_string()),
        }
    }
}

/// Fields of an `ok`.
pub(super) type Fields = Map<String, Value>;

/// Where a round takes place.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub subject: &'a Subject,
    pub namespace: &'a Namespace,
    pub seed: u64,
}

/// One process.
#[derive(Debug)]
pub(super) struct Actor {
    pub peer: Peer,
    features: Vec<String>,
    answer_time: Duration,
}

impl Stage<'_> {
    /// Starts a process; nothing is created yet.
    pub(super) fn actor(&self, name: &str) -> Result<Actor, Stop> {
        let (peer, hello) = Peer::spawn(self.subject, name, self.namespace.path(), self.seed)?;
        if hello.protocol < TIMED_SINCE {
            return Err(Stop::Unsupported(format!(
                "its peer speaks version {} of the peer protocol, and the times of operations came with version {TIMED_SINCE}",
                hello.protocol
            )));
        }
        let answer_time = self.subject.timeout_multiplier.of(OPERATION_TIME);
        Ok(Actor { peer, features: hello.features, answer_time })
    }

    /// Longest time that the runner waits for something that is to happen.
    pub(super) fn patience(&self) -> Duration {
        self.subject.timeout_multiplier.of(OPERATION_TIME)
    }
}

impl Actor {
    /// Whether the subject declares all of these.
    ///
    /// # Errors
    /// [`Stop::Unsupported`] with what is missing.
    pub(super) fn needs(&self, features: &[&str]) -> Result<(), Stop> {
        let missing: Vec<&str> =
            features.iter().copied().filter(|name| !self.features.iter().any(|known| known == name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Stop::Unsupported(format!("its peer does not declare {}", missing.join(", "))))
    }

    /// Carries out an operation. `args` is a table.
    pub(super) fn call(&mut self, op: &str, args: Value) -> Result<Fields, Stop> {
        let reply = self.peer.call(op, &table(args), self.answer_time);
        self.carried_out(op, reply)
    }

    /// Carries out an operation; its answer, and the time that it took by the peer's own account, ns.
    pub(super) fn timed(&mut self, op: &str, mut args: Value) -> Result<(Fields, f64), Stop> {
        args["timed"] = true.into();
        let since = Instant::now();
        let fields = self.call(op, args)?;
        let longest_ns = since.elapsed().as_nanos();
        let Some(took_ns) = fields.get("took_ns").and_then(Value::as_u64) else {
            return Err(self.broken(&format!("did not say how long {op} took")));
        };
        if u128::from(took_ns) > longest_ns {
            return Err(
                self.broken(&format!("says that {op} took {took_ns} ns, and has answered after {longest_ns} ns"))
            );
        }
        Ok((fields, took_ns as f64))
    }

    /// Only the time of an operation, ns.
    pub(super) fn time(&mut self, op: &str, args: Value) -> Result<f64, Stop> {
        self.timed(op, args).map(|(_, took_ns)| took_ns)
    }

    /// Begins an operation, whose answer is for [`Self::collect`].
    pub(super) fn begin(&mut self, op: &str, args: Value) -> Result<u64, Stop> {
        Ok(self.peer.begin(op, &table(args))?)
    }

    /// The answer of an operation that was begun.
    pub(super) fn collect(&mut self, op: &str, id: u64) -> Result<Fields, Stop> {
        let reply = self.peer.wait(id, self.answer_time);
        self.carried_out(op, reply)
    }

    /// Whether the answer of an operation that was begun is there already.
    pub(super) fn has_answered(&mut self, id: u64) -> bool {
        self.peer.has_answered(id)
    }

    /// Ends the process in good order.
    pub(super) fn leave(mut self) -> Result<(), Stop> {
        let multiplier = self.peer.timeout_multiplier();
        let exit = self.peer.finish(multiplier.of(ANSWER_TIME))?;
        if exit.is_clean() { Ok(()) } else { Err(self.broken(&format!("{exit} at its end"))) }
    }

    /// Something that should not have come.
    pub(super) fn broken(&self, wrong: &str) -> Stop {
        let transcript = self.peer.transcript();
        let tail = &transcript[transcript.len().saturating_sub(TRANSCRIPT_LINES)..];
        Stop::Broken(format!("the {} {wrong}; its last messages:\n  {}", self.peer.name(), tail.join("\n  ")))
    }

    fn carried_out(&self, op: &str, reply: Reply) -> Result<Fields, Stop> {
        match reply {
            Reply::Ok(fields) => Ok(fields),
            Reply::Unsupported(text) => Err(Stop::Unsupported(text)),
            Reply::Interrupted => Err(Stop::Interrupted),
            other => Err(self.broken(&format!("did not carry out {op}: {other}"))),
        }
    }
}

fn table(args: Value) -> Args {
    match args {
        Value::Object(map) => map.into_iter().collect(),
        // The callers write tables.
        _ => Args::new(),
    }
}
