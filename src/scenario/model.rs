//! A checked scenario: what the parser hands to the runner. Nothing in here can be wrong in a way that the file's author
//! could have been told about.

use std::collections::BTreeMap;

use serde_json::Value;

/// Arguments of an operation by name, as they go on the wire.
pub type Args = BTreeMap<String, Value>;

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
    /// Features that every peer in it has to declare.
    pub features: Vec<String>,
    /// Processes in order of start, by name.
    pub peers: Vec<(String, Role)>,
    /// The service that every peer opens or creates at start (handles `node` and `service`), unless absent.
    pub service: Option<Args>,
    /// Steps in order.
    pub steps: Vec<Step>,
    /// File that it came from, for messages.
    pub file: String,
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
    /// Requirement that this step decides.
    pub check: Option<String>,
    /// Legal answers; empty means: has to be ok.
    pub expect: Vec<Expectation>,
    /// Asked again until an answer is legal, at most for so long. For `await`: the deadline of the answer.
    pub within_ms: Option<u64>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sends an operation to a peer and waits for the answer.
    Do { peer: String, op: String, args: Args },
    /// Sends an operation and goes on; the answer is collected by `Await` on the same handle (the step's `as`).
    Begin { peer: String, op: String, args: Args, tag: String },
    /// Collects the answer of the `Begin` with this tag.
    Await { peer: String, tag: String },
    /// Starts a peer that was declared with `start = "later"`, or starts one anew.
    Spawn { peer: String },
    /// Sends a signal to a peer's process group; for `KILL`, waits until it is gone.
    Kill { peer: String, signal: Signal },
    /// Closes a peer's stdin and waits for exit code 0.
    Finish { peer: String },
    /// Waits until a peer has exited by itself.
    AwaitExit { peer: String },
    /// Overwrites files of the namespace whose path matches a pattern.
    Damage { pattern: String, how: Damage },
    /// Runs steps in order, again and again; `$i` in their arguments is the round, from 0.
    Repeat { times: u64, steps: Vec<Step> },
    /// Begins every step at once, each on a peer of its own, and then collects all answers.
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
#[allow(missing_docs, reason = "the words say it")]
pub enum Damage {
    Truncate,
    Empty,
    Zero,
    Garbage,
}

/// A legal answer. Fields of the answer that it does not name are free.
#[derive(Debug, Clone, PartialEq)]
pub enum Expectation {
    /// `ok`, with at least these fields.
    Ok(BTreeMap<String, Matcher>),
    /// `err`, with this class and, if given, this setting.
    Err { class: String, setting: Option<String> },
}

/// What a field has to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Matcher {
    /// Equal to a value.
    Equal(Value),
    /// Payload of so many elements filled from a seed: `len`, `bytes` and `crc32` have to agree.
    Seed(u64),
    /// A number of at least or at most this.
    AtLeast(u64),
    /// See [`Matcher::AtLeast`].
    AtMost(u64),
    /// Equal to a field that an earlier answer had, named `step-tag.field`.
    SameAs(String),
    /// Different from a field that an earlier answer had.
    DifferentFrom(String),
}

/// One benchmark scenario.
#[derive(Debug, Clone, PartialEq)]
pub struct BenchScenario {
    /// Name, such as `rtt`.
    pub name: String,
    /// The question that it answers, one sentence.
    pub title: String,
    /// Cases, from the product of `payload`, `len` and `waiting`.
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
    /// Subjects that are measured beside those asked for.
    pub baselines: Vec<String>,
    /// File that it came from.
    pub file: String,
}

/// One case of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BenchCase {
    /// Element: `u64` or `bytes`.
    pub payload: String,
    /// `fixed` or `slice`.
    pub kind: String,
    /// Elements.
    pub len: usize,
    /// `spin` or `block`.
    pub waiting: String,
}
