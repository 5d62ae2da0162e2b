//! What happens during a run, as it happens: progress on the terminal and `events.jsonl` listen to the same events.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{
    BenchResult, Comparison, ConformanceResult, Footer, LifecycleResult, Machine, Relative, SubjectInfo,
};

/// One event; a line of `events.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "fields are those of the report")]
pub enum Event {
    /// First line.
    RunStarted { schema: String, created: String, command: Vec<String>, seed: u64, machine: Machine },
    /// A subject is being built; `line` is the newest line of the build's output.
    Building { subject: String, line: String },
    /// A subject answered `hello`.
    SubjectReady { subject: SubjectInfo },
    /// So many scenarios or trials are ahead.
    Planned { what: String, count: usize },
    /// So long it will take, s: if no interval is too wide for its question, and if all of them are.
    Expected { least_s: u64, most_s: u64 },
    /// A scenario begins.
    ScenarioStarted { scenario: String, client: String, server: String },
    /// A scenario ended.
    ScenarioFinished { result: Box<ConformanceResult> },
    /// A benchmark trial (one launch of two processes) begins.
    TrialStarted { scenario: String, subject: String, case: String, round: usize, rounds: usize },
    /// A trial says nothing, because the machine disturbed it, and is measured again.
    TrialRepeated { scenario: String, subject: String, case: String, round: usize, why: String },
    /// A trial ended; `p50_floors` is its own, 0 of an open loop. `saturated_per_s` is there if an open loop's rate was more
    /// than the subject can do: the one that it had.
    TrialFinished {
        scenario: String,
        subject: String,
        case: String,
        round: usize,
        p50_ns: f64,
        p50_floors: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        saturated_per_s: Option<f64>,
        invalid: Option<String>,
    },
    /// All rounds of a case are done.
    BenchFinished { result: Box<BenchResult> },
    /// A round of a question about the lifecycle ended. `figures` has its first ones, each with its name.
    LifecycleRound {
        scenario: String,
        subject: String,
        case: String,
        round: usize,
        figures: Vec<String>,
        invalid: Option<String>,
    },
    /// All rounds of a case of such a question are done.
    LifecycleFinished { result: Box<LifecycleResult> },
    /// Two results of one question were compared.
    Compared { relative: Box<Relative> },
    /// Two builds were compared in one case.
    BuildsCompared { comparison: Box<Comparison> },
    /// Something that the reader should know.
    Warning { text: String },
    /// Last line.
    RunFinished { footer: Footer },
}

/// Something that listens.
pub trait Observer: Send {
    /// Called in the order of events, never from two threads at once.
    fn event(&mut self, event: &Event);
}
