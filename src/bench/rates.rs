//! Whether an open loop kept to its rate.
//!
//! A slice is over with its last response. If that comes long after the moment at which the last request was to be sent, requests
//! had queued up. Where it does so in most slices, the rate is more than the subject can do: the trial is *saturated*, and the
//! rate that it had is a figure. Where it does so in a few, however far, the machine is to blame.

use super::validity::Invalid;
use shmark_peer::bench_protocol::Interval;

/// Share of the offered rate that has to be achieved.
pub const KEPT_SHARE: f64 = 0.99;
/// How far the rate of a schedule may be from what was asked for: a share, and so many standard deviations of the number of
/// Poisson arrivals.
const SCHEDULE_SHARE: f64 = 0.01;
const SCHEDULE_DEVIATIONS: f64 = 6.0;

/// Checks the intervals of an open loop with this many requests per second. Returns the achieved rate if the subject is
/// saturated.
///
/// # Errors
/// A schedule that is not the one asked for, or a rate that was missed because of the machine.
pub fn check(intervals: &[Interval], asked_per_s: u64) -> Result<Option<f64>, Invalid> {
    if let Some(index) = intervals.iter().position(|interval| interval.offered_ns == 0) {
        return Err(Invalid::NoSchedule { index });
    }
    let total = |part: fn(&Interval) -> u64| intervals.iter().map(part).fold(0_u64, u64::saturating_add) as f64;
    let requests = total(|interval| interval.load_count);
    let (offered_ns, taken_ns) = (total(|interval| interval.offered_ns), total(|interval| interval.load_ns));
    let scheduled_per_s = requests * 1e9 / offered_ns;
    let off = (scheduled_per_s / asked_per_s as f64 - 1.0).abs();
    if off.is_nan() || off > SCHEDULE_SHARE + SCHEDULE_DEVIATIONS / requests.sqrt() {
        return Err(Invalid::OtherRate { asked_per_s, scheduled_per_s });
    }
    if offered_ns >= KEPT_SHARE * taken_ns {
        return Ok(None);
    }
    let achieved_per_s = requests * 1e9 / taken_ns;
    let is_late = |interval: &&Interval| (interval.offered_ns as f64) < KEPT_SHARE * interval.load_ns as f64;
    let late = intervals.iter().filter(is_late).count();
    if 2 * late > intervals.len() {
        return Ok(Some(achieved_per_s));
    }
    Err(Invalid::RateMissed { asked_per_s, achieved_per_s, late, intervals: intervals.len() })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

    use super::*;
    use crate::bench::testing::intervals;

    /// Slices of 10000 requests at 1 M/s, of which some take so much longer.
    fn log(late: usize, late_ns: u64) -> Vec<Interval> {
        let mut log = intervals(&[(100.0, 300.0); 30]);
        for (index, interval) in log.iter_mut().enumerate() {
            (interval.load_count, interval.offered_ns) = (10_000, 10_000_000);
            interval.load_ns = 10_000_300 + if index < late { late_ns } else { 0 };
        }
        log
    }

    #[test]
    fn a_rate_that_is_kept_is_kept() {
        assert_eq!(check(&log(0, 0), 1_000_000), Ok(None));
        assert_eq!(check(&log(30, 90_000), 1_000_000), Ok(None), "0.9 % later");
    }

    #[test]
    fn what_most_slices_miss_is_more_than_the_subject_can_do() {
        let achieved = check(&log(30, 10_000_000), 1_000_000).unwrap().unwrap();
        assert!((achieved / 500_000.0 - 1.0).abs() < 0.001, "{achieved}");
        assert!(check(&log(16, 10_000_000), 1_000_000).unwrap().is_some());
    }

    #[test]
    fn what_some_slices_miss_is_a_disturbance() {
        let missed = check(&log(15, 10_000_000), 1_000_000).unwrap_err();
        assert!(missed.is_disturbance() && missed.to_string().contains("15 of 30 slices"), "{missed}");
        let missed = check(&log(1, 500_000_000), 1_000_000).unwrap_err();
        assert!(missed.to_string().starts_with("1000000 requests per second were asked for and 37"), "{missed}");
    }

    #[test]
    fn a_schedule_of_another_rate_or_of_none_is_no_figure() {
        let other = check(&log(0, 0), 1_100_000).unwrap_err();
        assert!(matches!(other, Invalid::OtherRate { .. }) && !other.is_disturbance(), "{other}");
        assert_eq!(
            check(&[], 1000).unwrap_err().to_string(),
            "the client's schedule has NaN requests per second, and 1000 were asked for"
        );
        let mut without = log(0, 0);
        without[3].offered_ns = 0;
        assert_eq!(check(&without, 1_000_000), Err(Invalid::NoSchedule { index: 3 }));
    }

    #[test]
    fn few_poisson_arrivals_scatter() {
        let few: Vec<Interval> = log(0, 0).into_iter().map(|i| Interval { load_count: 11, ..i }).collect();
        assert_eq!(check(&few, 1000), Ok(None), "330 of 300 requests");
    }
}
