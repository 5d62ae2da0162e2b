//! `github-benchmark.json`: what the GitHub action `benchmark-action/github-action-benchmark` follows from commit to
//! commit, as its tool `customSmallerIsBetter`.

use serde::Serialize;

use super::error::ReportError;
use super::json::pretty;
use super::lifecycle::Unit;
use super::sanitise::sanitise;
use super::tracked::{Tracked, TrackedFigure, tracked, tracked_figures};
use crate::results::model::Report;

#[derive(Debug, Serialize)]
struct Entry {
    name: String,
    unit: &'static str,
    value: f64,
    /// Shown beside the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    /// Shown when the point is pointed at.
    extra: String,
}

/// The benchmark results that count, each in ns and in floors. One file has one direction, and less is better in this one:
/// of a throughput it is the time of one message, not the rate.
///
/// # Errors
/// [`ReportError::Render`] if the JSON cannot be written.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let report = sanitise(report);
    let mut entries: Vec<Entry> = tracked(&report).iter().flat_map(entries).collect();
    entries.extend(tracked_figures(&report).into_iter().map(figure));
    pretty(&entries, "github-benchmark.json")
}

/// A figure about the lifecycle.
fn figure(tracked: TrackedFigure<'_>) -> Entry {
    let unit = match Unit::of(&tracked.figure.name) {
        Unit::Time => "ns",
        Unit::Bytes => "bytes",
        Unit::Count => "",
    };
    Entry {
        name: tracked.name,
        unit,
        value: tracked.figure.median,
        range: tracked.figure.ci95.map(range),
        extra: format!("{} rounds", tracked.rounds),
    }
}

fn range([low, high]: [f64; 2]) -> String {
    format!("{low:.2} to {high:.2} with 95 % confidence")
}

fn entries(tracked: &Tracked<'_>) -> impl Iterator<Item = Entry> {
    let name = format!("{}, {}", tracked.name, tracked.of_what());
    let extra = format!("{} rounds", tracked.result.rounds);
    let time = tracked.time();
    let in_ns =
        Entry { name: name.clone(), unit: "ns", value: time.ns, range: time.ci95_ns.map(range), extra: extra.clone() };
    let in_floors = tracked.floors().map(|floors| Entry {
        name: format!("{name} in floors"),
        unit: "floors",
        value: floors.ratio,
        range: Some(range(floors.ci95)),
        extra,
    });
    std::iter::once(in_ns).chain(in_floors)
}
