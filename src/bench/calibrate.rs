//! How long a load slice, and a trial, may be for a subject that is slow.
//!
//! Slices are counted in round trips, because both sides have to know where one ends. A slice that suits shared memory
//! takes a socket a hundred times longer; then too few slices fit into a trial, and the floors around each are too far
//! apart. So before the first round a short trial, of which nothing counts, shows how long a round trip takes. Where not
//! even slices of one round trip fit often enough, as with payloads of many MiB that are written in whole, the trial
//! takes longer.

use super::validity::INTERVALS_MIN;
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::bench_protocol::BenchCollected;
use shmark_peer::kit::implementation::Timing;

/// Load of the short trial, ms.
const DURATION_MS: u64 = 50;
const WARMUP_MS: u64 = 10;
/// Round trips in its slices, fewer where they would write more than so many bytes.
const SLICE: u64 = 50;
const SLICE_BYTES: u64 = 4 << 20;
/// Intervals that are to fit into a trial: so many more than are needed that a busy machine does no harm.
const INTERVALS: u64 = 4 * INTERVALS_MIN as u64;
/// The same of an open loop, whose slices are longer: each begins with nothing under way, and ends when the last request is
/// answered, which is to be little of its time.
const INTERVALS_OPEN: u64 = 30;
/// Intervals that have to fit, by longer trials if need be: one more for each of those that may be left out at the end.
const INTERVALS_FEWEST: u64 = INTERVALS_MIN as u64 + 3;
/// Longest trial that is made of a shorter one, ms.
const DURATION_MS_MAX: u64 = 60_000;

/// What suits a subject in a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Fitted {
    /// Requests in a load slice.
    pub slice_requests: u64,
    /// Load of a trial, ms.
    pub duration_ms: u64,
}

impl Fitted {
    /// As the scenario says.
    pub fn unchanged(scenario: &BenchScenario) -> Self {
        Self { slice_requests: scenario.slice_requests, duration_ms: scenario.duration_ms }
    }
}

/// The short trial.
pub(super) fn scenario(scenario: &BenchScenario, case: &BenchCase) -> BenchScenario {
    let fitting = if case.is_touched() { SLICE_BYTES / (case.payload_bytes() as u64).max(1) } else { SLICE };
    // Requests of an open loop come no faster than they are asked for.
    let offered = case.count("rate_per_s").map_or(SLICE, |rate| rate as u64 * DURATION_MS / 1000);
    let slice = SLICE.min(fitting.max(1)).min(offered.max(1));
    BenchScenario {
        duration_ms: scenario.duration_ms.min(DURATION_MS),
        warmup_ms: scenario.warmup_ms.min(WARMUP_MS),
        slice_requests: scenario.slice_requests.min(slice),
        slice_floors: scenario.slice_floors.min(SLICE),
        ..scenario.clone()
    }
}

/// What suits a subject by its short trial; `each` is the number of messages that a request counts as.
pub(super) fn fit(scenario: &BenchScenario, seen: &BenchCollected, each: u64) -> Fitted {
    let total = |part: fn(&shmark_peer::bench_protocol::Interval) -> u64| {
        seen.intervals.iter().map(part).fold(0_u64, u64::saturating_add)
    };
    let (count, ns) = (total(|interval| interval.load_count), total(|interval| interval.load_ns));
    if count == 0 {
        return Fitted::unchanged(scenario);
    }
    let request_ns = (u128::from(ns.max(1)) * u128::from(each.max(1))).div_ceil(u128::from(count));
    let intervals = if scenario.timing == Timing::OpenLoop { INTERVALS_OPEN } else { INTERVALS };
    let slice_ns = u128::from(scenario.duration_ms.saturating_mul(1_000_000) / intervals);
    let fitting = u64::try_from(slice_ns / request_ns).unwrap_or(u64::MAX).max(1);
    let slice_requests = scenario.slice_requests.min(fitting);
    // The opening request of a slice takes its time, too.
    let total_ns = (u128::from(slice_requests + 1) * u128::from(INTERVALS_FEWEST)).saturating_mul(request_ns);
    let needed_ms = u64::try_from(total_ns / 1_000_000).unwrap_or(u64::MAX).min(DURATION_MS_MAX);
    Fitted { slice_requests, duration_ms: scenario.duration_ms.max(needed_ms) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing::{case, client, scenario as sample};

    #[test]
    fn only_slow_subjects_get_shorter_slices() {
        // A made-up interval is one round trip in 1000 ns; 1000 ms leave 12.5 ms for each of 80 slices.
        let mut seen = client(&[(100.0, 1000.0); 5]);
        let slice_requests = |scenario: &BenchScenario, seen: &BenchCollected, each| {
            let fitted = fit(scenario, seen, each);
            assert_eq!(fitted.duration_ms, scenario.duration_ms, "there is time enough");
            fitted.slice_requests
        };
        assert_eq!(slice_requests(&sample(3), &seen, 1), 1000);
        seen.intervals.iter_mut().for_each(|interval| interval.load_ns = 50_000);
        assert_eq!(slice_requests(&sample(3), &seen, 1), 250);
        assert_eq!(slice_requests(&sample(3), &seen, 5), 50, "five messages a request");
        seen.intervals.clear();
        assert_eq!(slice_requests(&sample(3), &seen, 1), 1000, "nothing seen, nothing changed");
        let tiny = BenchScenario { slice_requests: 3, ..sample(3) };
        assert_eq!(slice_requests(&tiny, &client(&[(100.0, 1000.0); 5]), 1), 3);
    }

    #[test]
    fn slices_of_an_open_loop_are_longer() {
        let open = BenchScenario { timing: Timing::OpenLoop, slice_requests: 100_000, ..sample(3) };
        // A request each 1000 ns.
        assert_eq!(fit(&open, &client(&[(100.0, 1000.0); 5]), 1).slice_requests, 33_333);
    }

    #[test]
    fn a_trial_is_as_long_as_its_fewest_slices_need() {
        let mut seen = client(&[(100.0, 1000.0); 5]);
        seen.intervals.iter_mut().for_each(|interval| interval.load_ns = 90_000_000);
        let fitted = fit(&sample(3), &seen, 1);
        assert_eq!(fitted, Fitted { slice_requests: 1, duration_ms: 2 * 90 * INTERVALS_FEWEST });
        seen.intervals.iter_mut().for_each(|interval| interval.load_ns = u64::MAX);
        assert_eq!(fit(&sample(3), &seen, u64::MAX).duration_ms, DURATION_MS_MAX, "nonsense from a peer has a bound");
    }

    #[test]
    fn the_short_trial_is_never_longer_than_the_trials() {
        let short = scenario(&sample(3), &case());
        assert_eq!((short.duration_ms, short.warmup_ms, short.slice_requests, short.slice_floors), (50, 10, 50, 50));
        let tiny = BenchScenario { duration_ms: 5, warmup_ms: 0, slice_requests: 2, slice_floors: 3, ..sample(3) };
        assert_eq!(scenario(&tiny, &case()), tiny);
    }

    #[test]
    fn the_short_trial_of_an_open_loop_has_no_more_requests_than_come() {
        let slice = |rate| {
            let counts = [("rate_per_s", rate)].into();
            scenario(&sample(3), &BenchCase { counts, ..case() }).slice_requests
        };
        assert_eq!([1, 100, 400, 1_000_000].map(slice), [1, 5, 20, 50]);
    }

    #[test]
    fn the_short_trial_writes_few_large_payloads() {
        let sized = |len| BenchCase { payload: "bytes".to_owned(), kind: "slice".to_owned(), len, ..case() };
        let slice = |case: &BenchCase| scenario(&sample(3), case).slice_requests;
        assert_eq!([8, 1 << 20, 64 << 20].map(|len| slice(&sized(len))), [50, 4, 1]);
        let mut untouched = sized(64 << 20);
        untouched.words.insert("touch", "stamp".to_owned());
        assert_eq!(slice(&untouched), 50);
    }
}
