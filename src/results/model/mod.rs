//! `report.json`, schema `shmark-report/1`: what a run found, in the shape that every output format renders.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Name and version of the schema.
pub const SCHEMA: &str = "shmark-report/1";

/// A whole report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When the run started, RFC 3339, UTC.
    pub created: String,
    /// The command line.
    pub command: Vec<String>,
    /// Seed of payloads and rotation; the same seed gives the same stimuli.
    pub seed: u64,
    /// Where it ran.
    pub machine: Machine,
    /// What was judged or measured.
    pub subjects: Vec<SubjectInfo>,
    /// One entry a scenario, matrix cell and pairing.
    pub conformance: Vec<ConformanceResult>,
    /// One entry a requirement and pairing.
    pub coverage: Vec<Coverage>,
    /// One entry a benchmark scenario, case and subject.
    pub bench: Vec<BenchResult>,
    /// One entry a benchmark scenario, case and pair of subjects that were measured in the same rounds.
    #[serde(default)]
    pub relative: Vec<Relative>,
    /// Absent in a report that was cut off.
    pub footer: Option<Footer>,
}

/// End mark of a complete report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Footer {
    /// `false` if the run was interrupted or failed: what is there is valid, but not all that was asked for.
    pub complete: bool,
    /// Why the run failed; absent if it did not. A run that fails has done nothing, or not all, for a reason that is no
    /// result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Of a complete run: who was asked for by name and has no result, one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without_result: Vec<String>,
}

/// Where a run took place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Kernel release.
    pub kernel: String,
    /// Processor model.
    pub cpu: String,
    /// Processors that the runner may use.
    pub cpus: usize,
    /// Memory, bytes.
    pub memory_bytes: u64,
    /// Clock source of the kernel.
    pub clock_source: String,
    /// Whether a hypervisor was seen.
    pub virtualised: bool,
    /// What may disturb measurements here, one sentence each.
    pub warnings: Vec<String>,
}

/// A subject that took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "as in the subject manifest and hello")]
pub struct SubjectInfo {
    pub name: String,
    pub implementation: String,
    pub version: String,
    pub language: String,
    pub features: Vec<String>,
    pub wire: String,
}

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

/// A distribution of durations, ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "percentiles by name, ns")]
pub struct Percentiles {
    pub min: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
    pub mean: f64,
}

/// A ratio with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ratio {
    /// Median over rounds.
    pub ratio: f64,
    /// Lower and upper bound.
    pub ci95: [f64; 2],
}

/// A median over rounds, with its 95 % confidence interval where there are two rounds or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Median over rounds.
    pub ratio: f64,
    /// Lower and upper bound; absent for one round.
    pub ci95: Option<[f64; 2]>,
}

/// Figures of a result in one regime: intervals whose floors are alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BenchRegime {
    /// Median floor of the regime, ns, over all results of the scenario: the regime's name in this run.
    pub floor_ns: f64,
    /// Rounds that met it.
    pub rounds: usize,
    /// Intervals of these rounds in it.
    pub intervals: u64,
    /// Median of these intervals' median round trips, ns.
    pub p50_ns: f64,
    /// Median round trip in floors.
    pub p50_floors: Estimate,
}

/// A comparison in one regime.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelativeRegime {
    /// As in [`BenchRegime::floor_ns`].
    pub floor_ns: f64,
    /// Rounds in which both met it.
    pub rounds: usize,
    /// As [`Relative::ratio`], within the regime.
    pub ratio: f64,
    /// Lower and upper bound; absent for one round.
    pub ci95: Option<[f64; 2]>,
}

/// Processor time for one request, ns, by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "by side")]
pub struct BySide {
    pub client: f64,
    pub server: f64,
}

/// What the times of a benchmark are times of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// One round trip after the other.
    #[default]
    RoundTrip,
    /// Messages that follow one another: a time is that of a slice over the number of its messages, and what is
    /// compared is messages per second.
    Throughput,
}

/// Result of one benchmark case for one subject, over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BenchResult {
    /// Scenario name, such as `rtt`.
    pub scenario: String,
    /// Subject.
    pub subject: String,
    /// What its times are times of.
    #[serde(default)]
    pub measure: Measure,
    /// Case: payload, length, waiting and so on, by name.
    pub case: BTreeMap<String, String>,
    /// Whether every trial was valid.
    pub valid: bool,
    /// What made it invalid.
    pub why_invalid: Option<String>,
    /// Rounds that count.
    pub rounds: usize,
    /// Round trips measured, all rounds together.
    pub samples: u64,
    /// Pairs of a floor slice and a load slice that the figures in floors rest on, all rounds together.
    #[serde(default)]
    pub intervals: u64,
    /// Pairs that were left out because the floor changed across the load slice.
    #[serde(default)]
    pub regime_changes: u64,
    /// Round-trip time.
    pub rtt_ns: Percentiles,
    /// Round trips per second of load.
    pub throughput_per_s: f64,
    /// Round trip of one bare cache line between the same processes, in slices interleaved with the load.
    pub floor_rtt_ns: Percentiles,
    /// Median round trip in floors.
    pub p50_floors: Option<Ratio>,
    /// Median round trip in floors, by round.
    pub p50_floors_rounds: Vec<f64>,
    /// The same figure by regime, the nearest placement (lowest floor) first.
    #[serde(default)]
    pub regimes: Vec<BenchRegime>,
    /// Processor time of the load per request.
    pub cpu_ns_per_request: BySide,
    /// Not measured if absent.
    pub allocations_per_request: Option<f64>,
    /// Not measured if absent.
    pub syscalls_per_request: Option<f64>,
    /// All rounds merged: `HdrHistogram` V2 of ns, deflate-free, base64.
    pub histogram: String,
}

/// How long a round trip of one subject takes beside another's, or beside its own in another case, measured in the same
/// rounds of one run. For a throughput: how many messages per second it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relative {
    /// Scenario name, such as `rtt`.
    pub scenario: String,
    /// Case, as in [`BenchResult::case`].
    pub case: BTreeMap<String, String>,
    /// Subject.
    pub subject: String,
    /// What it is compared with.
    pub baseline: String,
    /// The baseline's case, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_case: Option<BTreeMap<String, String>>,
    /// What is compared.
    #[serde(default)]
    pub measure: Measure,
    /// Rounds in which both were measured under the same conditions: those that `ratio` rests on.
    pub rounds: usize,
    /// Median round trip of the subject over that of the baseline: 0.25 means a quarter of its time. For a throughput,
    /// its rate over that of the baseline: 4 means four times as many messages.
    pub ratio: Ratio,
    /// Floor of the regime that `ratio` belongs to, ns: the lowest in which both met in two rounds. Absent if there is
    /// none; then `ratio` is over all intervals.
    #[serde(default)]
    pub floor_ns: Option<f64>,
    /// The ratio by regime, the nearest placement (lowest floor) first.
    #[serde(default)]
    pub regimes: Vec<RelativeRegime>,
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

/// Exit code of a run that has not failed: 130 after an interrupt, 4 if a peer or the harness is broken, 1 if a result is
/// unexpected, 3 if nothing was executed or a subject that was asked for has no result, else 0.
pub fn exit_code(footer: &Footer, conformance: &[ConformanceResult], bench: &[BenchResult]) -> u8 {
    let executed = conformance.iter().any(|result| result.outcome != Verdict::Skipped) || !bench.is_empty();
    if !footer.complete {
        130
    } else if conformance.iter().any(|result| result.outcome == Verdict::Error) {
        4
    } else if conformance.iter().any(ConformanceResult::is_unexpected) || bench.iter().any(|result| !result.valid) {
        1
    } else if !executed || !footer.without_result.is_empty() {
        3
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(outcome: Verdict, level: Level) -> ConformanceResult {
        ConformanceResult {
            scenario: "a/x".to_owned(),
            requirements: vec![],
            level,
            client: "mine".to_owned(),
            server: "mine".to_owned(),
            outcome,
            message: String::new(),
            cause: String::new(),
            stretched: Vec::new(),
            step: None,
            expected: None,
            actual: None,
            transcripts: BTreeMap::new(),
            duration_ms: 1,
            repro: String::new(),
        }
    }

    #[test]
    fn one_rule_says_how_a_run_ends() {
        use Level::{Must, Observed};
        use Verdict::{Crash, Error, ExpectedFail, Fail, Pass, Skipped, Timeout, UnexpectedPass};
        for (results, code) in [
            (vec![], 3),
            (vec![(Skipped, Must)], 3),
            (vec![(Skipped, Must), (Pass, Must)], 0),
            (vec![(ExpectedFail, Must)], 0),
            (vec![(Fail, Observed)], 0),
            (vec![(Fail, Must)], 1),
            (vec![(Timeout, Observed)], 1),
            (vec![(Crash, Observed)], 1),
            (vec![(UnexpectedPass, Observed)], 1),
            (vec![(Fail, Must), (Error, Observed)], 4),
        ] {
            let all: Vec<_> = results.iter().map(|(outcome, level)| result(*outcome, *level)).collect();
            let complete = Footer { complete: true, ..Footer::default() };
            assert_eq!(exit_code(&complete, &all, &[]), code, "{results:?}");
            assert_eq!(exit_code(&Footer::default(), &all, &[]), 130, "interrupted: {results:?}");
            let lacking = Footer { without_result: vec!["`x` has none".to_owned()], ..complete };
            assert_eq!(exit_code(&lacking, &all, &[]), if code == 0 { 3 } else { code }, "{results:?}");
        }
    }
}
