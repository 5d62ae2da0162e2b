//! A checked scenario: what the parser hands to the runner. Nothing in here can be wrong in a way that the file's author
//! could have been told about.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::results::model::Level;
use shmark_peer::kit::implementation::Timing;

/// Arguments of an operation by name, as they go on the wire.
pub type Args = BTreeMap<String, Value>;

/// Shared memory that a scenario needs which does not state it, MiB.
pub const MEMORY_MIB: u64 = 16;

/// The largest need that a built-in scenario states, MiB.
pub const MEMORY_MIB_LARGEST: u64 = 288;

/// One conformance scenario with one matrix cell filled in: every `$name` is replaced.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Permanent id, `group/name`.
    pub id: String,
    /// Matrix cell as `key=value` pairs, empty without a matrix.
    pub cell: Vec<(String, String)>,
    /// What the scenario is about, one sentence.
    pub title: String,
    /// Requirements that it decides; each has at least one check.
    pub requirements: Vec<String>,
    /// Strongest level among its requirements.
    pub level: Level,
    /// Features that every peer in it has to declare: those that the file lists and those that its steps imply.
    pub features: Vec<String>,
    /// Shared memory that has to be free before it starts, MiB.
    pub memory_mib: u64,
    /// Processes in order of start.
    pub peers: Vec<PeerPlan>,
    /// The service that peers open or create at start: arguments of `service.open_or_create` without `node` and `as`.
    /// Absent if no peer does.
    pub service: Option<Args>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// File that it came from, for messages.
    pub file: String,
}

impl Scenario {
    /// Id with the matrix cell in brackets, `liv/x[kind=slice,len=4096]`; the plain id without a matrix.
    pub fn name(&self) -> String {
        if self.cell.is_empty() {
            return self.id.clone();
        }
        let cell: Vec<String> = self.cell.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{}[{}]", self.id, cell.join(","))
    }
}

/// One process of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerPlan {
    /// Name in the file.
    pub name: String,
    /// Which subject runs it.
    pub role: Role,
    /// Started by an [`Action::Spawn`] and not with the scenario.
    pub start_later: bool,
    /// Whether it makes the handles `node` and `service` whenever it starts, by `node.create` and
    /// `service.open_or_create` with [`Scenario::service`].
    pub opens_service: bool,
}

/// Which subject runs a peer when client and server are different subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Run by the subject in the client role.
    Client,
    /// Run by the subject in the server role.
    Server,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Line in the file, from 1.
    pub line: usize,
    /// The step as written, on one line, matrix values filled in.
    pub text: String,
    /// What to do.
    pub action: Action,
    /// Name under which the answer is remembered for [`Matcher::SameAs`] and its like: `peer/name`, without a dot.
    pub tag: Option<String>,
    /// Requirement that this step decides.
    pub check: Option<String>,
    /// Legal answers; empty means: has to be ok.
    pub expect: Vec<Expectation>,
    /// Asked again until an answer is legal, at most for so long; an answer that made a handle is final. For `Await` and
    /// `AwaitExit`: the deadline.
    pub within_ms: Option<u64>,
}

/// What a step does.
///
/// A `repeat` of a file has no counterpart here: the parser writes its rounds out.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are the words of the file")]
pub enum Action {
    /// Sends an operation to a peer and waits for the answer.
    Do { peer: String, op: String, args: Args },
    /// Sends an operation and goes on; the answer is collected by `Await` on the same handle (the step's `as`).
    Begin { peer: String, op: String, args: Args, tag: String },
    /// Collects the answer of the `Begin` with this tag.
    Await { peer: String, tag: String },
    /// Starts a peer that was declared with `start = "later"`, or starts one anew that is gone.
    Spawn { peer: String },
    /// Sends a signal to a peer's process group; for `KILL`, waits until it is gone.
    Kill { peer: String, signal: Signal },
    /// Closes a peer's stdin and waits for exit code 0.
    Finish { peer: String },
    /// Waits until a peer has exited by itself.
    AwaitExit { peer: String },
    /// Damages the files of the namespace whose path below its root matches a glob pattern.
    Damage { pattern: String, how: Damage },
    /// Begins every step at once, each a `Do` on a peer of its own, and then collects all answers.
    Parallel { steps: Vec<Step> },
}

/// Signals that a scenario may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the signals by name")]
pub enum Signal {
    Kill,
    Term,
    Stop,
    Continue,
}

/// What `damage` does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// Cuts it to half its length.
    Truncate,
    /// Cuts it to nothing.
    Empty,
    /// Overwrites every byte with 0, keeping the length.
    Zero,
    /// Overwrites every byte with arbitrary ones, keeping the length.
    Garbage,
}

/// A legal answer. Fields of the answer that it does not name are free.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the fields are those of the answer")]
pub enum Expectation {
    /// `ok`, with at least these fields. A key is a path: `qos.max_clients` is a field of the object `qos`. The key
    /// `payload` stands for a [`Matcher::Seed`] alone.
    Ok(BTreeMap<String, Matcher>),
    /// `err`, with this class and this setting where they are given.
    Err { class: Option<String>, setting: Option<String> },
}

/// What a field has to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Equal to a value.
    Equal(Value),
    /// The payload, `bytes` long as the answer says, is filled from this seed: its `crc32` has to agree. (The length that
    /// was sent is demanded by matchers for `len` and `bytes` beside this one.)
    Seed(u64),
    /// A number of at least or at most this.
    AtLeast(u64),
    /// See [`Matcher::AtLeast`].
    AtMost(u64),
    /// Equal to a field that an earlier answer had.
    SameAs(Reference),
    /// Different from a field that an earlier answer had.
    DifferentFrom(Reference),
    /// A number of at most that of an earlier answer, plus a surcharge.
    NoMoreThan(Reference, u64),
}

/// A field of an earlier answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// [`Step::tag`] of the step that was answered.
    pub tag: String,
    /// Path of the field, as in [`Expectation::Ok`].
    pub field: String,
}

/// One benchmark scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchScenario {
    /// Name, such as `rtt`.
    pub name: String,
    /// The question that it answers, one sentence.
    pub title: String,
    /// What is timed.
    pub timing: Timing,
    /// Cases, from the product of all lists. The first one is what the others are compared with.
    pub cases: Vec<BenchCase>,
    /// Rounds (process launches) a subject and case.
    pub rounds: usize,
    /// Load of one round, ms.
    pub duration_ms: u64,
    /// Load before anything counts, ms.
    pub warmup_ms: u64,
    /// Load slice between two floor slices, in round trips.
    pub slice_requests: u64,
    /// Floor slice, in cache-line round trips.
    pub slice_floors: u64,
    /// Widest 95 % interval that answers the question, in percent: how far its upper bound may lie above its lower one. Any
    /// if absent.
    pub width_percent: Option<u64>,
    /// Subjects that are measured beside those asked for.
    pub baselines: Vec<String>,
    /// File that it came from.
    pub file: String,
}

/// One case of a benchmark.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BenchCase {
    /// Element: `u64` or `bytes`.
    pub payload: String,
    /// `fixed` or `slice`.
    pub kind: String,
    /// Elements.
    pub len: usize,
    /// `spin` or `block`.
    pub waiting: String,
    /// Words of the load that the file lists, by the names of [`LOADS`](shmark_peer::kit::bench::load::LOADS).
    pub words: BTreeMap<&'static str, String>,
    /// Numbers that the file lists, of the load and of the service's settings, by their names there and in
    /// [`SETTINGS`](shmark_peer::protocol::SETTINGS).
    pub counts: BTreeMap<&'static str, usize>,
}

impl BenchCase {
    /// A number of the load or of the service, if the file lists it.
    pub fn count(&self, key: &str) -> Option<usize> {
        self.counts.get(key).copied()
    }

    /// Responses of each server to each request.
    pub fn responses(&self) -> usize {
        self.count("responses").unwrap_or(1)
    }

    /// Servers, each of which answers every request.
    pub fn servers(&self) -> usize {
        self.count("servers").unwrap_or(1)
    }

    /// Bytes of each payload.
    pub fn payload_bytes(&self) -> usize {
        match (&*self.kind, &*self.payload) {
            ("slice", "u64") => self.len.saturating_mul(8),
            ("slice", _) => self.len,
            (_, "u64") => 8,
            _ => 4096,
        }
    }

    /// Whether every byte of a payload is written and read.
    pub fn is_touched(&self) -> bool {
        self.words.get("touch").is_none_or(|touch| touch == "all")
    }
}
