//! Cases by name, and the short form of a scenario.

use super::figures::CaseMap;
use crate::scenario::model::{BenchCase, BenchScenario};

/// Case as in a report.
pub fn case_map(case: &BenchCase) -> CaseMap {
    [
        ("payload", case.payload.clone()),
        ("kind", case.kind.clone()),
        ("len", case.len.to_string()),
        ("waiting", case.waiting.clone()),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value))
    .collect()
}

/// Case on one short line: `u64 fixed spin`, `bytes slice 4096 block`.
pub fn label(case: &BenchCase) -> String {
    let BenchCase { payload, kind, len, waiting } = case;
    if kind == "slice" { format!("{payload} slice {len} {waiting}") } else { format!("{payload} {kind} {waiting}") }
}

/// Most rounds, load and warm-up of a quick run.
const QUICK: (usize, u64, u64) = (5, 200, 50);

/// The same questions, answered in a hurry: fewer and shorter rounds, and so wider intervals.
#[must_use]
pub fn quick(mut scenario: BenchScenario) -> BenchScenario {
    let (rounds, duration_ms, warmup_ms) = QUICK;
    scenario.rounds = scenario.rounds.min(rounds);
    scenario.duration_ms = scenario.duration_ms.min(duration_ms);
    scenario.warmup_ms = scenario.warmup_ms.min(warmup_ms);
    scenario
}
