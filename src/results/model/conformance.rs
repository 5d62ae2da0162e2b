//! What a conformance run finds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a scenario ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every step as required.
    Pass,
    /// A step was answered, and not as required.
    Fail,
    /// A listed deviation, exactly as listed.
    ExpectedFail,
    /// A listed deviation that no longer deviates.
    UnexpectedPass,
    /// A feature is not declared.
    Skipped,
    /// A step was not answered in time.
    Timeout,
    /// A peer died that was not killed by the scenario.
    Crash,
    /// The peer, the scenario or the harness is at fault.
    Error,
}

/// Level of a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The pattern is broken without it.
    Must,
    /// A user would be surprised without it.
    Should,
    /// Kept for comparison; never decides conformance.
    Observed,
}

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Place {
    /// Path, as the scenario was found by; of a built-in one its path in the source.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
}

/// Result of one scenario for one pairing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConformanceResult {
    /// Scenario id, with its matrix cell in brackets: `liv/x[kind=slice,len=4096]`.
    pub scenario: String,
    /// Requirements that it decides.
    pub requirements: Vec<String>,
    /// Strongest level among them.
    pub level: Level,
    /// Subject in the client role.
    pub client: String,
    /// Subject in the server role.
    pub server: String,
    /// How it ended.
    pub outcome: Verdict,
    /// Empty on a pass; otherwise the requirement's text, what was required and what happened.
    pub message: String,
    /// The message's first line in a form that is the same in every run: what varies, such as measured values and process
    /// ids, is `*`. Lists of known deviations match it, and results that share it are shown as one. Absent on a pass.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
    /// Bounds of the scenario that held only as stretched by `--timeout-multiplier`, one sentence each: a pass that is none
    /// by the scenario's own bounds. Absent if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stretched: Vec<String>,
    /// The step that decided, as written in the file, with its number from 1.
    pub step: Option<String>,
    /// Where that step stands, or the scenario's file if no step decided. Absent in older reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Expected answer, for a failed check.
    pub expected: Option<String>,
    /// Actual answer, for a failed check.
    pub actual: Option<String>,
    /// Transcript of each peer by its name, one line a message, kept unless the scenario passed.
    #[serde(default)]
    pub transcripts: BTreeMap<String, Vec<String>>,
    /// Wall time, ms.
    pub duration_ms: u64,
    /// One shell line that repeats it.
    pub repro: String,
}

/// Whether a requirement was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CoverageVerdict {
    /// Every executed check held.
    Held,
    /// At least one did not (an expected deviation too).
    Broken,
    /// No check was executed.
    Untested,
}

/// Verdict on one requirement for one pairing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "as in ConformanceResult")]
pub struct Coverage {
    pub client: String,
    pub server: String,
    pub requirement: String,
    pub level: Level,
    /// Checks that the selected scenarios hold for it.
    pub checks: usize,
    /// Checks that were executed.
    pub executed: usize,
    pub verdict: CoverageVerdict,
    /// Why it is broken or untested.
    pub reason: String,
}

impl ConformanceResult {
    /// Whether it fails the run: anything but a pass, a skip or a listed deviation. A requirement of level *observed* never
    /// decides conformance, so a different answer is only shown; a crash or a hang counts at every level.
    pub fn is_unexpected(&self) -> bool {
        match self.outcome {
            Verdict::Pass | Verdict::ExpectedFail | Verdict::Skipped => false,
            Verdict::Fail => self.level != Level::Observed,
            Verdict::UnexpectedPass | Verdict::Timeout | Verdict::Crash | Verdict::Error => true,
        }
    }
}
