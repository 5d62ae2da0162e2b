//! Figures of a result with their intervals, all of one estimator: of slices that are timed as a whole where the peer can.

use super::figures::{duration_ns, rate_per_s, three_digits};
use crate::results::model::{BenchResult, Estimate, Ratio, Time};

/// A figure with its 95 % interval, unless there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounded {
    /// The figure.
    pub value: f64,
    /// Lower and upper bound, in the same unit.
    pub ci95: Option<[f64; 2]>,
}

impl Bounded {
    /// The figure and its bounds.
    pub fn all(&self) -> impl Iterator<Item = f64> {
        std::iter::once(self.value).chain(self.ci95.into_iter().flatten())
    }

    /// The interval, or the figure alone twice.
    pub fn ends(&self) -> [f64; 2] {
        self.ci95.unwrap_or([self.value; 2])
    }
}

impl From<Time> for Bounded {
    fn from(time: Time) -> Self {
        Self { value: time.ns, ci95: time.ci95_ns }
    }
}

impl From<Ratio> for Bounded {
    fn from(ratio: Ratio) -> Self {
        Self { value: ratio.ratio, ci95: Some(ratio.ci95) }
    }
}

impl From<Estimate> for Bounded {
    fn from(estimate: Estimate) -> Self {
        Self { value: estimate.ratio, ci95: estimate.ci95 }
    }
}

/// Round trip, or one message of a throughput, ns. Without an interval where the peer times no slice as a whole.
pub fn round_trip_ns(result: &BenchResult) -> Bounded {
    result.trip_ns.map_or(Bounded { value: result.rtt_ns.p50, ci95: None }, Bounded::from)
}

/// Messages per second, the inverse of [`round_trip_ns`]; `None` without a positive time.
pub fn rate(result: &BenchResult) -> Option<Bounded> {
    let trip = round_trip_ns(result);
    let inverse = |ns: f64| 1e9 / ns;
    let bounds = |[low, high]: [f64; 2]| (low > 0.0).then(|| [inverse(high), inverse(low)]);
    (trip.value > 0.0).then(|| Bounded { value: inverse(trip.value), ci95: trip.ci95.and_then(bounds) })
}

/// `154 ns (150–159 ns)`.
pub fn time_text(time: Bounded) -> String {
    text(time, duration_ns)
}

/// `4.10 M/s (4.02–4.15 M/s)`.
pub fn rate_text(rate: Bounded) -> String {
    text(rate, rate_per_s)
}

/// `1.83 (1.79–1.88)`.
pub fn ratio_text(ratio: Bounded) -> String {
    text(ratio, three_digits)
}

/// The text of a figure, or a dash.
pub fn or_dash<T>(figure: Option<T>, text: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), text)
}

/// A figure and its interval, each as `shown` shows it.
pub(super) fn text(figure: Bounded, shown: impl Fn(f64) -> String) -> String {
    let value = shown(figure.value);
    let Some([low, high]) = figure.ci95.map(|bounds| bounds.map(&shown)) else { return value };
    match (low.split_once(' '), high.split_once(' ')) {
        // Two bounds of one unit have it once.
        (Some((low, unit)), Some((_, other))) if unit == other => format!("{value} ({low}–{high})"),
        _ => format!("{value} ({low}–{high})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bounds_have_one_unit_if_it_is_the_same() {
        let time = |value, low, high| time_text(Bounded { value, ci95: Some([low, high]) });
        assert_eq!(time(154.0, 150.0, 159.0), "154 ns (150–159 ns)");
        assert_eq!(time(1002.0, 990.0, 1040.0), "1.00 µs (990 ns–1.04 µs)");
        assert_eq!(time_text(Bounded { value: 7.0, ci95: None }), "7.00 ns");
        assert_eq!(ratio_text(Bounded { value: 1.83, ci95: Some([1.79, 1.88]) }), "1.83 (1.79–1.88)");
        assert_eq!(rate_text(Bounded { value: 870.0, ci95: Some([861.0, 880.0]) }), "870/s (861/s–880/s)");
    }
}
