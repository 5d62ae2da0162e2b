//! Latency histograms out of a report, and the curve through their percentiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::results::model::BenchResult;

/// The last percentile that a curve shows before the maximum, as 1/(1-q): p99.99.
pub const LAST_INVERSE: f64 = 1e4;

/// Points of a curve for each decade of 1/(1-q).
const POINTS_PER_DECADE: u32 = 40;

/// A line through `(1/(1-q), ns)`, ascending, from the minimum (1) to p99.99 ([`LAST_INVERSE`]), or through [`shares`].
pub type Curve = Vec<(f64, f64)>;

/// The histogram of a result; `None` if there is none, or if it is damaged or empty.
pub fn decode(result: &BenchResult) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(&result.histogram).ok()?;
    let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).ok()?;
    (!histogram.is_empty()).then_some(histogram)
}

/// The curve of a result: from its histogram, or else through the percentiles that the report has as numbers.
pub fn curve(result: &BenchResult) -> Curve {
    let Some(histogram) = decode(result) else {
        let p = &result.rtt_ns;
        return vec![(1.0, p.min), (2.0, p.p50), (10.0, p.p90), (1e2, p.p99), (1e3, p.p99_9), (LAST_INVERSE, p.p99_99)];
    };
    let decades = LAST_INVERSE.log10().round() as u32;
    (0..=decades * POINTS_PER_DECADE)
        .map(|i| 10_f64.powf(f64::from(i) / f64::from(POINTS_PER_DECADE)))
        .map(|inverse| (inverse, histogram.value_at_quantile(1.0 - 1.0 / inverse) as f64))
        .collect()
}

/// The share of round trips that took no longer than a time, `(ns, share)`: a point for each recorded value, ascending, the
/// last share 1. `None` without a histogram.
pub fn shares(result: &BenchResult) -> Option<Curve> {
    let histogram = decode(result)?;
    let total = histogram.len() as f64;
    let mut below = 0_u64;
    let points = histogram.iter_recorded().map(|value| {
        below += value.count_since_last_iteration();
        (value.value_iterated_to() as f64, below as f64 / total)
    });
    Some(points.collect())
}
