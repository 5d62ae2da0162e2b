//! Cases by name, and the short form of a scenario.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::scenario::lifecycle::LifecycleScenario;
use crate::scenario::model::{BenchCase, BenchScenario};

/// Case as in a report.
pub fn case_map(case: &BenchCase) -> BTreeMap<String, String> {
    let named = [
        ("payload", case.payload.clone()),
        ("kind", case.kind.clone()),
        ("len", case.len.to_string()),
        ("waiting", case.waiting.clone()),
    ];
    let words = case.words.iter().map(|(key, word)| (*key, word.clone()));
    let counts = case.counts.iter().map(|(key, count)| (*key, count.to_string()));
    named.into_iter().chain(words).chain(counts).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Case on one short line: `u64 fixed spin`, `bytes slice 4096 block`, `u64 fixed spin, idle_clients 7`.
pub fn label(case: &BenchCase) -> String {
    let BenchCase { payload, kind, len, waiting, words, counts } = case;
    let len = if kind == "slice" { format!(" {len}") } else { String::new() };
    let mut label = format!("{payload} {kind}{len} {waiting}");
    for (key, word) in words {
        let _ = write!(label, ", {key} {word}");
    }
    for (key, count) in counts {
        let _ = write!(label, ", {key} {count}");
    }
    label
}

/// Word of a case that is measured on each pair of processors: `0-1`, the client's first.
pub(super) const PROCESSORS: &str = "processors";

/// Each case once on each pair.
pub(super) fn on_pairs(cases: &[BenchCase], pairs: &[(usize, usize)]) -> Vec<BenchCase> {
    let on = |case: &BenchCase, (client, server): (usize, usize)| {
        let mut case = case.clone();
        case.words.insert(PROCESSORS, format!("{client}-{server}"));
        case
    };
    cases.iter().flat_map(|case| pairs.iter().map(move |pair| on(case, *pair))).collect()
}

/// The pair of a case that has one of its own.
pub(super) fn pair_of(case: &BenchCase) -> Option<(usize, usize)> {
    let (client, server) = case.words.get(PROCESSORS)?.split_once('-')?;
    Some((client.parse().ok()?, server.parse().ok()?))
}

/// Most rounds, load and warm-up of a quick run.
const QUICK: (usize, u64, u64) = (5, 200, 50);

/// Likewise of a question about the lifecycle.
const QUICK_LIFECYCLE_ROUNDS: usize = 3;

/// How much wider the interval of a quick run may be.
const QUICK_WIDTH: u64 = 3;

/// The same questions with fewer and shorter rounds, and so wider intervals.
#[must_use]
pub fn quick(mut scenario: BenchScenario) -> BenchScenario {
    let (rounds, duration_ms, warmup_ms) = QUICK;
    scenario.rounds = scenario.rounds.min(rounds);
    scenario.duration_ms = scenario.duration_ms.min(duration_ms);
    scenario.warmup_ms = scenario.warmup_ms.min(warmup_ms);
    scenario.width_percent = scenario.width_percent.map(|percent| percent * QUICK_WIDTH);
    scenario
}

/// The same of a question about the lifecycle, all of whose figures come from few operations.
pub(super) fn quick_lifecycle(mut scenario: LifecycleScenario) -> LifecycleScenario {
    scenario.rounds = scenario.rounds.min(QUICK_LIFECYCLE_ROUNDS);
    scenario.width_percent = scenario.width_percent.map(|percent| percent * QUICK_WIDTH);
    scenario
}
