//! Benchmark results as dashboards follow them from run to run: by a name, in times and in floors.

use std::collections::BTreeMap;

use super::lifecycle::figure_name;
use crate::results::model::{BenchResult, LifecycleFigure, Measure, Ratio, Report, Time};

/// A result that counts.
#[derive(Debug, Clone)]
pub struct Tracked<'a> {
    /// `rtt[len=1,payload=u64] reference`: the same in every run that asks the same.
    pub name: String,
    /// Where everything else is.
    pub result: &'a BenchResult,
}

/// Every result of a report that counts, in its order. A report has one for each scenario, case and subject.
pub fn tracked(report: &Report) -> Vec<Tracked<'_>> {
    let valid = report.bench.iter().filter(|result| result.valid);
    valid.map(|result| Tracked { name: name(result), result }).collect()
}

/// A figure of a result about the lifecycle that counts.
#[derive(Debug, Clone)]
pub struct TrackedFigure<'a> {
    /// `startup[services=10] reference, total`.
    pub name: String,
    /// What it is.
    pub figure: &'a LifecycleFigure,
    /// Rounds that it rests on.
    pub rounds: usize,
}

/// Every figure about the lifecycle of a report, of results that count, in their order.
pub fn tracked_figures(report: &Report) -> Vec<TrackedFigure<'_>> {
    let valid = report.lifecycle.iter().filter(|result| result.valid);
    let figures = valid.flat_map(|result| result.figures.iter().map(move |figure| (result, figure)));
    let tracked = figures.map(|(result, figure)| TrackedFigure {
        name: format!("{}, {}", named(&result.scenario, &result.case, &result.subject), figure_name(&figure.name)),
        figure,
        rounds: result.rounds,
    });
    tracked.collect()
}

fn name(result: &BenchResult) -> String {
    named(&result.scenario, &result.case, &result.subject)
}

fn named(scenario: &str, case: &BTreeMap<String, String>, subject: &str) -> String {
    let case = case_text(case);
    let case = if case.is_empty() { case } else { format!("[{case}]") };
    format!("{scenario}{case} {subject}")
}

/// `len=1,payload=u64`.
pub fn case_text(case: &BTreeMap<String, String>) -> String {
    case.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

impl Tracked<'_> {
    /// What its times are times of.
    pub fn of_what(&self) -> &'static str {
        match self.result.measure {
            Measure::RoundTrip => "round trip",
            Measure::Throughput => "one message",
            Measure::OpenLoop => "latency from the intended start",
        }
    }

    /// Time of one, ns: without a clock in it, and with an interval, where the peer times whole slices.
    pub fn time(&self) -> Time {
        self.result.trip_ns.unwrap_or(Time { ns: self.result.round_trip_ns(), ci95_ns: None })
    }

    /// The same in floors.
    pub fn floors(&self) -> Option<Ratio> {
        self.result.p50_floors
    }
}
