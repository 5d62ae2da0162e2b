//! From trials to figures: those of a case over all its rounds.

use hdrhistogram::Histogram;

use super::estimates::{ratio, time};
use super::regimes::{self, Regime};
use super::trial::Trial;
use super::width::undecided;
use super::{case_map, histogram};
use crate::results::model::{BenchResult, BySide, Measure, Percentiles, Saturated};
use crate::scenario::model::{BenchCase, BenchScenario};
use crate::statistics::median;
use shmark_peer::kit::implementation::Timing;

/// Why a result without a trial is invalid, where nothing else is known.
pub const NO_ROUND: &str = "no round was measured";

/// The figures of a case for one subject; `regimes` are those of the scenario's run, `why_invalid` is what was wrong
/// with the rounds that are missing in `trials`.
pub fn result(
    scenario: &BenchScenario,
    subject: &str,
    case: &BenchCase,
    trials: &[&Trial],
    regimes: &[Regime],
    why_invalid: Option<String>,
) -> BenchResult {
    let total = |part: fn(&Trial) -> u64| trials.iter().map(|trial| part(trial)).fold(0_u64, u64::saturating_add);
    let (load_count, load_ns) = (total(|trial| trial.load_count), total(|trial| trial.load_ns));
    let timed_count = total(|trial| trial.timed_count);
    let per_request = |cpu_ns: u64| if load_count == 0 { 0.0 } else { cpu_ns as f64 / load_count as f64 };
    let merged = |part: fn(&Trial) -> &Histogram<u64>| histogram::merge(trials.iter().map(|trial| part(trial)));
    let percentiles =
        |merged: &Option<Histogram<u64>>| merged.as_ref().map_or(Percentiles::default(), histogram::percentiles);
    let (rtt, floor) = (merged(|trial| &trial.rtt), merged(|trial| &trial.floor));
    let by_round = |figure: fn(&Trial) -> f64| -> Vec<f64> { trials.iter().map(|trial| figure(trial)).collect() };
    let is_open = scenario.timing == Timing::OpenLoop;
    // No slice of an open loop is timed as a whole: its latencies have a clock reading in them and the floors have none.
    let rounds = if is_open { Vec::new() } else { by_round(|trial| trial.p50_floors) };
    let has_clock = trials.iter().any(|trial| trial.has_clock);
    let without_clock = |figure: fn(&Trial) -> f64| time(&by_round(figure)).filter(|_| !has_clock && !is_open);
    let clocks_ns: Vec<f64> = trials.iter().filter_map(|trial| trial.clock_ns).collect();
    let saturated = saturated(case, trials);
    let why_invalid = why_invalid.or_else(|| trials.is_empty().then(|| NO_ROUND.to_owned()));
    BenchResult {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        subject: subject.to_owned(),
        measure: measure(scenario.timing),
        case: case_map(case),
        valid: why_invalid.is_none(),
        // Beyond saturation there is no figure that an interval could be of.
        undecided: undecided(scenario, trials).filter(|_| why_invalid.is_none() && saturated.is_none()),
        why_invalid,
        rounds: trials.len(),
        samples: rtt.as_ref().map_or(0, Histogram::len),
        intervals: total(|trial| trial.matched.len() as u64),
        regime_changes: total(|trial| trial.regime_changes as u64),
        rtt_ns: percentiles(&rtt),
        trip_ns: without_clock(|trial| trial.p50_ns),
        trips_ns: by_round(|trial| trial.p50_ns),
        floor_ns: without_clock(|trial| trial.floor_ns),
        above_floor_ns: without_clock(|trial| trial.above_floor_ns),
        clock_ns: median(&clocks_ns),
        throughput_per_s: if load_ns == 0 { 0.0 } else { timed_count as f64 * 1e9 / load_ns as f64 },
        floor_rtt_ns: percentiles(&floor),
        p50_floors: ratio(&rounds),
        p50_floors_rounds: rounds,
        regimes: if is_open { Vec::new() } else { regimes::figures(trials, regimes) },
        saturated,
        cpu_ns_per_request: BySide {
            client: per_request(total(|trial| trial.load_cpu_ns[0])),
            server: per_request(total(|trial| trial.load_cpu_ns[1])),
        },
        histogram: rtt.as_ref().and_then(|rtt| histogram::encode(rtt).ok()).unwrap_or_default(),
    }
}

/// How far an open loop fell behind its rate, over the rounds that did.
fn saturated(case: &BenchCase, trials: &[&Trial]) -> Option<Saturated> {
    let achieved: Vec<f64> = trials.iter().filter_map(|trial| trial.saturated_per_s).collect();
    let asked_per_s = case.count("rate_per_s")? as f64;
    Some(Saturated { asked_per_s, achieved_per_s: median(&achieved)?, rounds: achieved.len() })
}

/// What the figures of a scenario are.
pub fn measure(timing: Timing) -> Measure {
    match timing {
        Timing::RoundTrip => Measure::RoundTrip,
        Timing::Throughput => Measure::Throughput,
        Timing::OpenLoop => Measure::OpenLoop,
    }
}

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
