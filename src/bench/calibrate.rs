//! How long a load slice may be for a subject that is slow.
//!
//! Slices are counted in round trips, because both sides have to know where one ends. A slice that suits shared memory
//! takes a socket a hundred times longer; then too few slices fit into a trial, and the floors around each are too far
//! apart. So before the first round a short trial, of which nothing counts, shows how long a round trip takes.

use super::validity::INTERVALS_MIN;
use crate::scenario::model::BenchScenario;
use shmark_peer::bench_protocol::BenchCollected;

/// Load of the short trial, ms.
const DURATION_MS: u64 = 50;
const WARMUP_MS: u64 = 10;
/// Round trips in its slices.
const SLICE: u64 = 50;
/// Intervals that are to fit into a trial: so many more than are needed that a busy machine does no harm.
const INTERVALS: u64 = 4 * INTERVALS_MIN as u64;
/// Fewest round trips in a slice: a median of fewer says little.
const SLICE_MIN: u64 = 10;

/// The short trial.
pub(super) fn scenario(scenario: &BenchScenario) -> BenchScenario {
    BenchScenario {
        duration_ms: scenario.duration_ms.min(DURATION_MS),
        warmup_ms: scenario.warmup_ms.min(WARMUP_MS),
        slice_requests: scenario.slice_requests.min(SLICE),
        slice_floors: scenario.slice_floors.min(SLICE),
        ..scenario.clone()
    }
}

/// Requests in a load slice: those of the scenario, or fewer if too few slices would fit into the time of a trial. `each`
/// is the number of responses to a request.
pub(super) fn slice_requests(scenario: &BenchScenario, seen: &BenchCollected, each: u64) -> u64 {
    let total = |part: fn(&shmark_peer::bench_protocol::Interval) -> u64| {
        seen.intervals.iter().map(part).fold(0_u64, u64::saturating_add)
    };
    let (count, ns) = (total(|interval| interval.load_count), total(|interval| interval.load_ns));
    let slice_ns = scenario.duration_ms.saturating_mul(1_000_000) / INTERVALS;
    let fitting = u128::from(slice_ns) * u128::from(count) / u128::from(ns.max(1)) / u128::from(each.max(1));
    let fitting = u64::try_from(fitting).unwrap_or(u64::MAX).max(SLICE_MIN);
    if count == 0 { scenario.slice_requests } else { scenario.slice_requests.min(fitting) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::{client, scenario as sample};

    #[test]
    fn only_slow_subjects_get_shorter_slices() {
        // A made-up interval is one round trip in 1000 ns; 1000 ms leave 12.5 ms for each of 80 slices.
        let mut seen = client(&[(100.0, 1000.0); 5]);
        assert_eq!(slice_requests(&sample(3), &seen, 1), 1000);
        seen.intervals.iter_mut().for_each(|interval| interval.load_ns = 50_000);
        assert_eq!(slice_requests(&sample(3), &seen, 1), 250);
        assert_eq!(slice_requests(&sample(3), &seen, 5), 50, "five messages a request");
        seen.intervals.iter_mut().for_each(|interval| interval.load_ns = 50_000_000);
        assert_eq!(slice_requests(&sample(3), &seen, 1), 10, "a median needs a few values");
        seen.intervals.clear();
        assert_eq!(slice_requests(&sample(3), &seen, 1), 1000, "nothing seen, nothing changed");
        let tiny = BenchScenario { slice_requests: 3, ..sample(3) };
        assert_eq!(slice_requests(&tiny, &client(&[(100.0, 1000.0); 5]), 1), 3);
    }

    #[test]
    fn the_short_trial_is_never_longer_than_the_trials() {
        let short = scenario(&sample(3));
        assert_eq!((short.duration_ms, short.warmup_ms, short.slice_requests, short.slice_floors), (50, 10, 50, 50));
        let tiny = BenchScenario { duration_ms: 5, warmup_ms: 0, slice_requests: 2, slice_floors: 3, ..sample(3) };
        assert_eq!(scenario(&tiny), tiny);
    }
}
