//! Two subjects of one run side by side.
//!
//! Neither nanoseconds nor floors can be divided as they are. The machine changes its placement between two trials, so
//! nanoseconds of two trials may belong to different regimes; and a subject that spends its time computing grows less
//! than the floor does, so floors are not free of the regime either. So like is compared with like: within a round each
//! interval of one subject meets the intervals of the other that had the same floor. And because two subjects need not
//! scale alike from one placement to another, each regime has a ratio of its own.

use super::estimates::{estimate, ratio};
use super::regimes::Regime;
use super::slices::{MATCHES_MIN, MatchedSlice};
use crate::results::model::{Measure, Ratio, RelativeRegime};
use crate::statistics::median;

/// Floors that differ by no more than this share are the same.
pub const FLOOR_SHARE: f64 = 0.1;
/// Intervals of the subject that are looked at in a round, spread evenly over its floors.
const INTERVALS_MAX: usize = 256;

/// Time of `subject` over that of `baseline` in one round: the median over the subject's intervals of its median round
/// trip over the median of the baseline's intervals with the same floor. `None` if fewer than
/// [`MATCHES_MIN`] of them meet one.
pub fn round_ratio(subject: &[MatchedSlice], baseline: &[MatchedSlice]) -> Option<f64> {
    let by_floor = |slices: &[MatchedSlice]| {
        let mut slices = slices.to_vec();
        slices.sort_by(|a, b| a.floor_ns.total_cmp(&b.floor_ns));
        slices
    };
    let (subject, baseline) = (by_floor(subject), by_floor(baseline));
    let step = subject.len().div_ceil(INTERVALS_MAX).max(1);
    let mut ratios = Vec::new();
    for slice in subject.iter().step_by(step) {
        let from = baseline.partition_point(|other| other.floor_ns < slice.floor_ns * (1.0 - FLOOR_SHARE));
        let to = baseline.partition_point(|other| other.floor_ns <= slice.floor_ns * (1.0 + FLOOR_SHARE));
        let loads: Vec<f64> = baseline[from..to].iter().map(|other| other.load_ns).collect();
        if let Some(load_ns) = median(&loads) {
            ratios.push(slice.load_ns / load_ns);
        }
    }
    (ratios.len() >= MATCHES_MIN).then(|| median(&ratios)).flatten()
}

/// Two subjects over all rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    /// Rounds that `ratio` rests on.
    pub rounds: usize,
    /// One of each round in which both met the same floor, whichever that was.
    pub ratios: Vec<f64>,
    /// Median over rounds with its interval, of times or of rates.
    pub ratio: Ratio,
    /// Floor of the regime that `ratio` belongs to, ns; `None` if it is over all intervals.
    pub floor_ns: Option<f64>,
    /// Each regime in which both met in at least one round.
    pub regimes: Vec<RelativeRegime>,
}

/// Compares over the rounds in which both subjects have a trial. The ratio is that of the first regime in which they met
/// in two rounds, or else over all intervals; `None` with fewer than two rounds to compare.
pub fn relative(
    rounds: &[(&[MatchedSlice], &[MatchedSlice])],
    regimes: &[Regime],
    measure: Measure,
) -> Option<Compared> {
    let figure = |time: f64| match measure {
        Measure::RoundTrip | Measure::OpenLoop => time,
        Measure::Throughput => 1.0 / time,
    };
    let mut compared = Vec::new();
    let mut headline = None;
    for regime in regimes {
        let within = |slices: &[MatchedSlice]| regime.slices(slices);
        let times = rounds.iter().filter_map(|(subject, baseline)| round_ratio(&within(subject), &within(baseline)));
        let ratios: Vec<f64> = times.map(figure).collect();
        let Some(found) = estimate(&ratios) else { continue };
        compared.push(RelativeRegime {
            floor_ns: regime.floor_ns,
            rounds: ratios.len(),
            ratio: found.ratio,
            ci95: found.ci95,
        });
        headline = headline.or_else(|| Some((ratios.len(), ratio(&ratios)?, Some(regime.floor_ns))));
    }
    let all = rounds.iter().filter_map(|(subject, baseline)| round_ratio(subject, baseline));
    let ratios: Vec<f64> = all.map(figure).collect();
    let everywhere = || Some((ratios.len(), ratio(&ratios)?, None));
    let (rounds, ratio, floor_ns) = headline.or_else(everywhere)?;
    Some(Compared { rounds, ratio, ratios, floor_ns, regimes: compared })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

    use super::*;

    fn slices(count: usize, floor_ns: f64, load_ns: f64) -> Vec<MatchedSlice> {
        vec![MatchedSlice { floor_ns, load_ns }; count]
    }

    /// Reference 1.5 floors in both regimes, the other 900 ns of computing and 2 floors: 8 times slower in one regime,
    /// 4 times in the other. Whatever share of its time each spent in which regime, only like meets like.
    #[test]
    fn regimes_that_only_one_subject_met_do_not_count() {
        let subject = [slices(30, 120.0, 180.0), slices(1, 540.0, 810.0)].concat();
        let baseline = [slices(10, 120.0, 1140.0), slices(500, 530.0, 1960.0)].concat();
        let ratio = round_ratio(&subject, &baseline).unwrap();
        assert!((ratio - 180.0 / 1140.0).abs() < 1e-12, "{ratio}");
    }

    #[test]
    fn rounds_without_a_common_regime_are_not_comparable() {
        let fast = slices(100, 120.0, 180.0);
        let slow = slices(100, 540.0, 810.0);
        assert_eq!(round_ratio(&fast, &slow), None);
        assert_eq!(round_ratio(&slices(9, 120.0, 180.0), &fast), None, "nine counterparts are one too few");
        assert_eq!(round_ratio(&[], &fast), None);
        let same: (&[_], &[_]) = (&fast, &fast);
        assert_eq!(relative(&[(&fast, &slow), same], &[], Measure::RoundTrip), None, "one round has no interval");
        let found = relative(&[(&fast, &slow), same, same, same], &[], Measure::RoundTrip).unwrap();
        assert_eq!((found.rounds, found.ratio.ratio, found.ratio.ci95), (3, 1.0, [1.0, 1.0]));
    }

    #[test]
    fn rates_are_compared_the_other_way_round() {
        let (fast, slow) = (slices(30, 120.0, 50.0), slices(30, 120.0, 200.0));
        let rounds: &[(&[_], &[_])] = &[(fast.as_slice(), slow.as_slice()); 6];
        assert_eq!(relative(rounds, &[], Measure::RoundTrip).unwrap().ratio.ratio, 0.25);
        assert_eq!(relative(rounds, &[], Measure::Throughput).unwrap().ratio.ratio, 4.0);
    }

    #[test]
    fn long_logs_are_thinned_evenly() {
        let ramp: Vec<_> = (0..5000)
            .map(|i| MatchedSlice { floor_ns: 100.0 + f64::from(i) / 50.0, load_ns: 300.0 + f64::from(i) / 10.0 })
            .collect();
        let half: Vec<_> = ramp.iter().map(|slice| MatchedSlice { load_ns: slice.load_ns / 2.0, ..*slice }).collect();
        let ratio = round_ratio(&half, &ramp).unwrap();
        assert!((ratio - 0.5).abs() < 0.02, "{ratio}");
    }
}
