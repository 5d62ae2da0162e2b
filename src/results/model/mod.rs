//! `report.json`, schema `shmark-report/1`: what a run found, in the shape that every output format renders.

mod bench;
mod comparison;
mod conformance;
mod lifecycle;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use bench::{
    BenchRegime, BenchResult, BySide, Estimate, Measure, Percentiles, Ratio, Relative, RelativeRegime, Saturated, Time,
};
pub use comparison::{Comparison, ComparisonEvidence, ComparisonMethod, ComparisonVerdict};
pub use conformance::{ConformanceResult, Coverage, CoverageVerdict, Level, Place, Verdict};
pub use lifecycle::{LifecycleFigure, LifecycleResult};

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
    /// One entry a scenario about the lifecycle, case and subject.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lifecycle: Vec<LifecycleResult>,
    /// One entry a pair of builds, scenario and case; those of `shmark compare`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub comparisons: Vec<Comparison>,
    /// What this report is called beside others. Absent if nobody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
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

/// Exit code of a run that has not failed: 130 after an interrupt, 4 if a peer or the harness is broken, 1 if a result is
/// unexpected or a build is worse, 3 if nothing was executed or a subject that was asked for has no result, else 0.
pub fn exit_code(
    footer: &Footer,
    conformance: &[ConformanceResult],
    bench: &[BenchResult],
    lifecycle: &[LifecycleResult],
    comparisons: &[Comparison],
) -> u8 {
    let executed = conformance.iter().any(|result| result.outcome != Verdict::Skipped)
        || !bench.is_empty()
        || !lifecycle.is_empty()
        || !comparisons.is_empty();
    let is_unexpected = conformance.iter().any(ConformanceResult::is_unexpected)
        || bench.iter().any(|result| !result.valid)
        || lifecycle.iter().any(|result| !result.valid)
        || comparisons.iter().any(|comparison| comparison.fails);
    if !footer.complete {
        130
    } else if conformance.iter().any(|result| result.outcome == Verdict::Error) {
        4
    } else if is_unexpected {
        1
    } else if !executed || !footer.without_result.is_empty() {
        3
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
            place: None,
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
            assert_eq!(exit_code(&complete, &all, &[], &[], &[]), code, "{results:?}");
            assert_eq!(exit_code(&Footer::default(), &all, &[], &[], &[]), 130, "interrupted: {results:?}");
            let lacking = Footer { without_result: vec!["`x` has none".to_owned()], ..complete };
            assert_eq!(exit_code(&lacking, &all, &[], &[], &[]), if code == 0 { 3 } else { code }, "{results:?}");
        }
    }
}
