//! `bencher.json`: Bencher Metric Format, which the JSON adapter of Bencher (bencher.dev) reads.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::ReportError;
use super::json::pretty;
use super::lifecycle::Unit;
use super::sanitise::sanitise;
use super::tracked::{Tracked, tracked, tracked_figures};
use crate::results::model::{Measure, Report};

#[derive(Debug, Serialize)]
struct Metric {
    value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lower_value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upper_value: Option<f64>,
}

impl Metric {
    fn new(value: f64, interval: Option<[f64; 2]>) -> Self {
        let [lower_value, upper_value] = interval.map_or([None; 2], |bounds| bounds.map(Some));
        Self { value, lower_value, upper_value }
    }
}

/// The benchmark results that count, by name. `latency` (ns) and `throughput` (operations per second) are measures that
/// Bencher knows; `floors`, `bytes` and `count` are some that it makes when it first sees
/// them.
///
/// # Errors
/// [`ReportError::Render`] if the JSON cannot be written.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let report = sanitise(report);
    let mut benchmarks: BTreeMap<String, _> =
        tracked(&report).into_iter().map(|tracked| (tracked.name.clone(), metrics(&tracked))).collect();
    for tracked in tracked_figures(&report) {
        let measure = match Unit::of(&tracked.figure.name) {
            Unit::Time => "latency",
            Unit::Bytes => "bytes",
            Unit::Count => "count",
        };
        let metric = Metric::new(tracked.figure.median, tracked.figure.ci95);
        benchmarks.insert(tracked.name, BTreeMap::from([(measure, metric)]));
    }
    pretty(&benchmarks, "bencher.json")
}

fn metrics(tracked: &Tracked<'_>) -> BTreeMap<&'static str, Metric> {
    let time = tracked.time();
    let mut metrics = BTreeMap::from([("latency", Metric::new(time.ns, time.ci95_ns))]);
    if let Some(floors) = tracked.floors() {
        metrics.insert("floors", Metric::new(floors.ratio, Some(floors.ci95)));
    }
    // In a closed loop it would be the latency once more, the other way round.
    if tracked.result.measure == Measure::Throughput {
        metrics.insert("throughput", Metric::new(tracked.result.throughput_per_s, None));
    }
    metrics
}
