//! Load slices beside the floors that hold for them.

use crate::statistics::median;
use shmark_peer::bench_protocol::Interval;

/// Largest difference of the floors before and after a load slice, as a share of the smaller one.
pub const REGIME_CHANGE_SHARE: f64 = 0.25;

/// Fewest intervals of a round that a figure of the round may rest on, where only some of them count.
pub const MATCHES_MIN: usize = 10;

/// A load slice with the floor that holds for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MatchedSlice {
    /// Mean of the floors of the slices right before and right after, ns.
    pub floor_ns: f64,
    /// Round trip of the load slice, ns.
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

/// A floor of an interval, ns: of the part that is timed as a whole, or, from peers that have none, the median of single
/// floors, each with a clock reading in it.
pub(super) fn floor_ns(interval: &Interval) -> f64 {
    match interval.whole_floors {
        0 => interval.floor_p50_ns,
        count => interval.whole_floors_ns as f64 / count as f64,
    }
}

/// A round trip of an interval, ns, likewise.
pub(super) fn load_ns(interval: &Interval) -> f64 {
    match interval.whole_loads {
        0 => interval.load_p50_ns,
        count => interval.whole_loads_ns as f64 / count as f64,
    }
}

/// Sets each load slice against its two neighbouring floors. The last one has no floor behind it and is left out.
pub fn match_slices(intervals: &[Interval]) -> Slices {
    let mut slices = Slices::default();
    for pair in intervals.windows(2) {
        // A whole slice with an interrupt in it is an outlier among many. Its median floor shows where the processors are.
        let (before, after) = (pair[0].floor_p50_ns, pair[1].floor_p50_ns);
        if (before - after).abs() > REGIME_CHANGE_SHARE * before.min(after) {
            slices.regime_changes += 1;
        } else {
            let floor_ns = f64::midpoint(floor_ns(&pair[0]), floor_ns(&pair[1]));
            slices.matched.push(MatchedSlice { floor_ns, load_ns: load_ns(&pair[0]) });
        }
    }
    slices
}

/// Median floor, ns.
pub fn floors_p50(slices: &[MatchedSlice]) -> Option<f64> {
    median(&slices.iter().map(|slice| slice.floor_ns).collect::<Vec<_>>())
}
