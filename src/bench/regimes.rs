//! Regimes: the placements between which a machine changed, found by the floors of a run.
//!
//! A virtual machine's host puts two processors now close together and now far apart, for seconds or minutes. Subjects
//! do not scale alike from one to the other, so a figure over all rounds depends on which placement most of them met,
//! and does not repeat. A figure of each placement does.
//!
//! The definition: of all intervals, the window of floors from `f` to `f` + 25 % that holds most of them is a regime
//! (of windows that hold as many, the lowest), then the same with what is left, as long as the window holds at least
//! 10 % of all intervals and at least 20. A window whose median floor is within 25 % of a regime's is only the edge of
//! that regime and is none itself. What is in no regime is left out of the figures by regime.
//!
//! 25 % is also how far floors may differ before it counts as a change of regime.

use super::estimates::{estimate, time};
use super::slices::{MATCHES_MIN, MatchedSlice, REGIME_CHANGE_SHARE};
use super::trial::Trial;
use crate::results::model::BenchRegime;
use crate::statistics::median;

/// Fewest intervals of a regime, as a share of all.
pub const INTERVALS_SHARE_MIN: f64 = 0.1;
/// Fewest intervals of a regime.
pub const INTERVALS_MIN: usize = 20;

/// Floors that are alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regime {
    /// Median floor, ns.
    pub floor_ns: f64,
    /// Lowest floor, ns.
    pub floor_ns_min: f64,
    /// Highest floor, ns.
    pub floor_ns_max: f64,
}

impl Regime {
    /// Those of the slices that belong to it.
    pub fn slices(&self, slices: &[MatchedSlice]) -> Vec<MatchedSlice> {
        let within = |slice: &&MatchedSlice| (self.floor_ns_min..=self.floor_ns_max).contains(&slice.floor_ns);
        slices.iter().filter(within).copied().collect()
    }

    /// Whether a floor is too close to this one to be another regime's.
    fn is_near(&self, floor_ns: f64) -> bool {
        (self.floor_ns - floor_ns).abs() <= REGIME_CHANGE_SHARE * self.floor_ns.min(floor_ns)
    }
}

/// The regimes of a run by the positive floors of all its intervals, in any order; the lowest floor first.
pub fn find(floors_ns: impl IntoIterator<Item = f64>) -> Vec<Regime> {
    let mut left: Vec<f64> = floors_ns.into_iter().collect();
    left.sort_by(f64::total_cmp);
    let fewest = (INTERVALS_SHARE_MIN * left.len() as f64).max(INTERVALS_MIN as f64);
    let mut regimes: Vec<Regime> = Vec::new();
    loop {
        let (from, to) = densest_window(&left);
        if ((to - from) as f64) < fewest {
            break;
        }
        // A later window cannot reach over this one, because it is no wider.
        let window: Vec<f64> = left.drain(from..to).collect();
        if let (Some(floor_ns), [floor_ns_min, .., floor_ns_max]) = (median(&window), &*window)
            && !regimes.iter().any(|regime| regime.is_near(floor_ns))
        {
            regimes.push(Regime { floor_ns, floor_ns_min: *floor_ns_min, floor_ns_max: *floor_ns_max });
        }
    }
    regimes.sort_by(|a, b| a.floor_ns.total_cmp(&b.floor_ns));
    regimes
}

/// Bounds of the window that holds most of the sorted floors.
fn densest_window(sorted: &[f64]) -> (usize, usize) {
    let (mut best, mut to) = ((0, 0), 0);
    for (from, floor_ns) in sorted.iter().enumerate() {
        while to < sorted.len() && sorted[to] <= floor_ns * (1.0 + REGIME_CHANGE_SHARE) {
            to += 1;
        }
        if to - from > best.1 - best.0 {
            best = (from, to);
        }
    }
    best
}

/// What a subject took in each regime that it met in at least one of its trials. A trial met a regime if at least
/// [`MATCHES_MIN`] of its intervals are in it: two placements have a few outliers between them.
pub fn figures(trials: &[&Trial], regimes: &[Regime]) -> Vec<BenchRegime> {
    regimes.iter().filter_map(|regime| figures_in(trials, regime)).collect()
}

fn figures_in(trials: &[&Trial], regime: &Regime) -> Option<BenchRegime> {
    let mut rounds: Vec<Vec<MatchedSlice>> = trials.iter().map(|trial| regime.slices(&trial.matched)).collect();
    rounds.retain(|slices| slices.len() >= MATCHES_MIN);
    let by_round = |figure: fn(&MatchedSlice) -> f64| -> Vec<f64> {
        rounds.iter().filter_map(|slices| median(&slices.iter().map(figure).collect::<Vec<_>>())).collect()
    };
    let p50_floors = estimate(&by_round(|slice| slice.load_ns / slice.floor_ns))?;
    let has_clock = trials.iter().any(|trial| trial.has_clock);
    let above_floor_ns = time(&by_round(|slice| slice.load_ns - slice.floor_ns)).filter(|_| !has_clock);
    let loads_ns: Vec<f64> = rounds.iter().flatten().map(|slice| slice.load_ns).collect();
    Some(BenchRegime {
        floor_ns: regime.floor_ns,
        rounds: rounds.len(),
        intervals: loads_ns.len() as u64,
        p50_ns: median(&loads_ns)?,
        p50_floors,
        above_floor_ns,
    })
}

#[cfg(test)]
#[path = "regimes_tests.rs"]
mod tests;
