//! From interval logs to figures: a trial's, and a case's over all its rounds.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::regimes::{self, Regime};
use super::statistics::{median, median_interval};
use super::validity::{self, Invalid};
use super::{case_map, histogram};
use crate::results::model::{BenchResult, BySide, Estimate, Measure, Percentiles, Ratio};
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::bench_protocol::{BenchCollected, Interval};
use shmark_peer::kit::implementation::Timing;

/// Largest difference of the floors before and after a load slice, as a share of the smaller one.
pub const REGIME_CHANGE_SHARE: f64 = 0.25;

/// A load slice with the floor that holds for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchedSlice {
    /// Mean of the median floors of the slices right before and right after, ns.
    pub floor_ns: f64,
    /// Median round trip of the load slice, ns.
    pub load_ns: f64,
}

/// What an interval log yields.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slices {
    /// Load slices between two floors that agree.
    pub matched: Vec<MatchedSlice>,
    /// Load slices across which the floor changed.
    pub regime_changes: usize,
}

/// Sets each load slice against its two neighbouring floors. The last one has no floor behind it and is left out.
pub fn match_slices(intervals: &[Interval]) -> Slices {
    let mut slices = Slices::default();
    for pair in intervals.windows(2) {
        let (before, after) = (pair[0].floor_p50_ns, pair[1].floor_p50_ns);
        if (before - after).abs() > REGIME_CHANGE_SHARE * before.min(after) {
            slices.regime_changes += 1;
        } else {
            let floor_ns = f64::midpoint(before, after);
            slices.matched.push(MatchedSlice { floor_ns, load_ns: pair[0].load_p50_ns });
        }
    }
    slices
}

/// Median floor, ns.
pub fn floors_p50(slices: &[MatchedSlice]) -> Option<f64> {
    median(&slices.iter().map(|slice| slice.floor_ns).collect::<Vec<_>>())
}

/// A trial that counts.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Median over its intervals of load over floor.
    pub p50_floors: f64,
    /// Median round trip of all that was counted, ns.
    pub p50_ns: f64,
    /// Its intervals.
    pub matched: Vec<MatchedSlice>,
    /// Intervals left out.
    pub regime_changes: usize,
    rtt: Histogram<u64>,
    floor: Histogram<u64>,
    load_count: u64,
    load_ns: u64,
    load_cpu_ns: [u64; 2],
}

impl Trial {
    /// Checks what both sides collected and reduces it; `each` is the number of responses to a request.
    ///
    /// # Errors
    /// The rule that the trial breaks.
    pub fn new(client: &BenchCollected, server: &BenchCollected, each: u64) -> Result<Self, Invalid> {
        // A peer that reports an error need not have a histogram: say what it said.
        let rtt = histogram::decode(&client.histogram);
        let counted = rtt.as_ref().map_or(0, Histogram::len);
        let matched = match (validity::check(client, server, counted, each), &rtt) {
            (Err(Invalid::Counts { .. }), Err(error)) => return Err(Invalid::Histogram { error: error.clone() }),
            (checked, _) => checked?,
        };
        let rtt = rtt.map_err(|error| Invalid::Histogram { error })?;
        let floor = histogram::decode(&client.floor_histogram)
            .map_err(|error| Invalid::Histogram { error: format!("that of the floors: {error}") })?;
        let ratios: Vec<f64> = matched.iter().map(|slice| slice.load_ns / slice.floor_ns).collect();
        let total = |part: fn(&Interval) -> u64| client.intervals.iter().map(part).fold(0_u64, u64::saturating_add);
        Ok(Self {
            // There are at least `INTERVALS_MIN` ratios.
            p50_floors: median(&ratios).unwrap_or(f64::NAN),
            p50_ns: rtt.value_at_quantile(0.5) as f64,
            regime_changes: client.intervals.len() - 1 - matched.len(),
            matched,
            rtt,
            floor,
            load_count: total(|interval| interval.load_count),
            load_ns: total(|interval| interval.load_ns),
            load_cpu_ns: [client.resources.load_cpu_ns, server.resources.load_cpu_ns],
        })
    }
}

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
    let per_request = |cpu_ns: u64| if load_count == 0 { 0.0 } else { cpu_ns as f64 / load_count as f64 };
    let merged = |part: fn(&Trial) -> &Histogram<u64>| histogram::merge(trials.iter().map(|trial| part(trial)));
    let percentiles =
        |merged: &Option<Histogram<u64>>| merged.as_ref().map_or(Percentiles::default(), histogram::percentiles);
    let (rtt, floor) = (merged(|trial| &trial.rtt), merged(|trial| &trial.floor));
    let rounds: Vec<f64> = trials.iter().map(|trial| trial.p50_floors).collect();
    let why_invalid = why_invalid.or_else(|| trials.is_empty().then(|| "no round was measured".to_owned()));
    BenchResult {
        scenario: scenario.name.clone(),
        subject: subject.to_owned(),
        measure: measure(scenario.timing),
        case: case_map(case),
        valid: why_invalid.is_none(),
        why_invalid,
        rounds: trials.len(),
        samples: rtt.as_ref().map_or(0, Histogram::len),
        intervals: total(|trial| trial.matched.len() as u64),
        regime_changes: total(|trial| trial.regime_changes as u64),
        rtt_ns: percentiles(&rtt),
        throughput_per_s: if load_ns == 0 { 0.0 } else { load_count as f64 * 1e9 / load_ns as f64 },
        floor_rtt_ns: percentiles(&floor),
        p50_floors: ratio(&rounds),
        p50_floors_rounds: rounds,
        regimes: regimes::figures(trials, regimes),
        cpu_ns_per_request: BySide {
            client: per_request(total(|trial| trial.load_cpu_ns[0])),
            server: per_request(total(|trial| trial.load_cpu_ns[1])),
        },
        allocations_per_request: None,
        syscalls_per_request: None,
        histogram: rtt.as_ref().and_then(|rtt| histogram::encode(rtt).ok()).unwrap_or_default(),
    }
}

/// What the figures of a scenario are.
pub fn measure(timing: Timing) -> Measure {
    match timing {
        Timing::RoundTrip => Measure::RoundTrip,
        Timing::Throughput => Measure::Throughput,
    }
}

/// Median over rounds with its interval; absent for fewer than two rounds, which have none.
pub fn ratio(rounds: &[f64]) -> Option<Ratio> {
    Some(Ratio { ratio: median(rounds)?, ci95: median_interval(rounds)? })
}

/// Median over rounds, with its interval if there are two or more; absent without a round.
pub fn estimate(rounds: &[f64]) -> Option<Estimate> {
    Some(Estimate { ratio: median(rounds)?, ci95: median_interval(rounds) })
}

/// Case as in a report.
pub type CaseMap = BTreeMap<String, String>;

#[cfg(test)]
#[path = "figures_tests.rs"]
mod tests;
