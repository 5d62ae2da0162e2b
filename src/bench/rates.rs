//! Whether an open loop kept to its rate.
//!
//! A slice is over with its last response. If that comes long after the moment at which the last request was to be sent, requests
//! had queued up. Where it does so in most slices, and both peers had their processors all the time, the rate is more than the
//! subject can do: the trial is *saturated*, and the rate that it had is a figure. Otherwise the machine is to blame. Peers of an
//! open loop never sleep, so their processor time says whether they had their processors.

use super::validity::Invalid;
use shmark_peer::bench_protocol::{BenchCollected, Interval};

/// Share of the offered rate that has to be achieved.
pub const KEPT_SHARE: f64 = 0.99;
/// Share of a load slice for which a peer has to have had its processor, so that it is to blame itself.
pub const PROCESSOR_SHARE: f64 = 0.95;
/// How far the rate of a schedule may be from what was asked for: a share, and so many standard deviations of the number of
/// Poisson arrivals.
const SCHEDULE_SHARE: f64 = 0.01;
const SCHEDULE_DEVIATIONS: f64 = 6.0;

/// Checks an open loop with this many requests per second. Returns the achieved rate if the subject is
/// saturated.
///
/// # Errors
/// A schedule that is not the one asked for, or a rate that was missed because of the machine.
pub fn check(client: &BenchCollected, server: &BenchCollected, asked_per_s: u64) -> Result<Option<f64>, Invalid> {
    let intervals = &client.intervals;
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
    let cpu_ns = client.resources.load_cpu_ns.min(server.resources.load_cpu_ns);
    let processor_share = cpu_ns as f64 / taken_ns;
    if 2 * late > intervals.len() && processor_share >= PROCESSOR_SHARE {
        return Ok(Some(achieved_per_s));
    }
    Err(Invalid::RateMissed { asked_per_s, achieved_per_s, late, intervals: intervals.len(), processor_share })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

    use super::*;
    use crate::bench::testing::{client, server};

    /// Slices of 10000 requests at 1 M/s, of which some take so much longer.
    fn log(late: usize, late_ns: u64) -> BenchCollected {
        let mut client = client(&[(100.0, 300.0); 30]);
        for (index, interval) in client.intervals.iter_mut().enumerate() {
            (interval.load_count, interval.offered_ns) = (10_000, 10_000_000);
            interval.load_ns = 10_000_300 + if index < late { late_ns } else { 0 };
        }
        client
    }

    /// Peers that had their processors for this share of the time.
    fn checked_with(mut client: BenchCollected, shares: [f64; 2], asked_per_s: u64) -> Result<Option<f64>, Invalid> {
        let mut server = server(30);
        let taken_ns: u64 = client.intervals.iter().map(|interval| interval.load_ns).sum();
        let cpu_ns = shares.map(|share| (share * taken_ns as f64) as u64);
        [client.resources.load_cpu_ns, server.resources.load_cpu_ns] = cpu_ns;
        check(&client, &server, asked_per_s)
    }

    fn checked(client: BenchCollected, asked_per_s: u64) -> Result<Option<f64>, Invalid> {
        checked_with(client, [1.0; 2], asked_per_s)
    }

    #[test]
    fn a_rate_that_is_kept_is_kept() {
        assert_eq!(checked(log(0, 0), 1_000_000), Ok(None));
        assert_eq!(checked(log(30, 90_000), 1_000_000), Ok(None), "0.9 % later");
        assert_eq!(checked_with(log(0, 0), [0.5; 2], 1_000_000), Ok(None), "whatever else was going on");
    }

    #[test]
    fn what_most_slices_miss_is_more_than_the_subject_can_do() {
        let achieved = checked(log(30, 10_000_000), 1_000_000).unwrap().unwrap();
        assert!((achieved / 500_000.0 - 1.0).abs() < 0.001, "{achieved}");
        assert!(checked(log(16, 10_000_000), 1_000_000).unwrap().is_some());
    }

    #[test]
    fn what_some_slices_miss_is_a_disturbance() {
        let missed = checked(log(15, 10_000_000), 1_000_000).unwrap_err();
        assert!(missed.is_disturbance() && missed.to_string().contains("15 of 30 slices"), "{missed}");
        let missed = checked(log(1, 500_000_000), 1_000_000).unwrap_err();
        assert!(missed.to_string().starts_with("1000000 requests per second were asked for and 37"), "{missed}");
    }

    /// On a machine with other work all slices are late, and it is not the subject's fault.
    #[test]
    fn nobody_is_saturated_without_a_processor() {
        for shares in [[0.5, 1.0], [1.0, 0.94]] {
            let missed = checked_with(log(30, 10_000_000), shares, 1_000_000).unwrap_err();
            assert!(missed.is_disturbance(), "{missed}");
        }
    }

    #[test]
    fn a_schedule_of_another_rate_or_of_none_is_no_figure() {
        let other = checked(log(0, 0), 1_100_000).unwrap_err();
        assert!(matches!(other, Invalid::OtherRate { .. }) && !other.is_disturbance(), "{other}");
        let nothing = BenchCollected { intervals: vec![], ..log(0, 0) };
        assert!(matches!(checked(nothing, 1000), Err(Invalid::OtherRate { .. })));
        let mut without = log(0, 0);
        without.intervals[3].offered_ns = 0;
        assert_eq!(checked(without, 1_000_000), Err(Invalid::NoSchedule { index: 3 }));
    }

    #[test]
    fn few_poisson_arrivals_scatter() {
        let mut few = log(0, 0);
        few.intervals.iter_mut().for_each(|interval| interval.load_count = 11);
        assert_eq!(checked(few, 1000), Ok(None), "330 of 300 requests");
    }
}
