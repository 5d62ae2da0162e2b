//! Tables of a question's figures, the same in every format. All figures of one table come from one estimator, which its
//! caption names.

use serde::Serialize;

use super::bounded::{or_dash, rate, rate_text, ratio_text, round_trip_ns, time_text};
use super::cases::Case;
use super::figures::{duration_ns, latency_p50, percentile_ns, rate_per_s};
use super::questions::Question;
use crate::results::model::{BenchResult, Measure};

/// What stands small below a heading.
pub const INTERVAL: &str = "95 % interval";

/// A table: a row for each case and subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FigureTable {
    /// The estimator, and what the figures rest on.
    pub caption: String,
    /// What tells the groups apart, `case` or `floor`; `None` if there is one group without a name.
    pub group_heading: Option<&'static str>,
    /// What each figure is, without the columns of group and subject.
    pub headings: Vec<Heading>,
    /// In order.
    pub groups: Vec<Group>,
}

/// Head of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Heading {
    pub text: String,
    pub small: &'static str,
}

/// Rows that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Empty if the table has one group only.
    pub name: String,
    /// Fastest first; invalid ones last.
    pub rows: Vec<Row>,
}

/// A subject's figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Its name.
    pub subject: String,
    /// Why it has no figures.
    pub invalid: Option<String>,
    /// One for each heading.
    pub cells: Vec<String>,
}

/// Round trips or rates, of slices that are timed as a whole, and what they are set against.
pub fn times(question: &Question<'_>) -> FigureTable {
    let figures: &[(&str, &'static str)] = match question.measure() {
        Measure::RoundTrip => {
            &[("round trip", INTERVAL), ("one floor", ""), ("in floors", INTERVAL), ("above the floor", INTERVAL)]
        }
        Measure::Throughput => {
            &[("rate", INTERVAL), ("one message", INTERVAL), ("one floor", ""), ("in floors", INTERVAL)]
        }
        Measure::OpenLoop => &[("latency p50", ""), ("rate", "")],
    };
    let mut headings: Vec<Heading> = figures.iter().map(|(text, small)| heading(text, small)).collect();
    let beside = beside(question);
    headings.extend(beside.iter().map(|text| heading(text, INTERVAL)));
    let cells = |case: &Case<'_>, index: usize, result: &BenchResult| {
        let trip = time_text(round_trip_ns(result));
        let floor = duration_ns(result.one_floor_ns());
        let floors = or_dash(result.p50_floors, |ratio| ratio_text(ratio.into()));
        let mut cells = match question.measure() {
            Measure::RoundTrip => {
                vec![trip, floor, floors, or_dash(result.above_floor_ns, |time| time_text(time.into()))]
            }
            Measure::Throughput => vec![or_dash(rate(result), rate_text), trip, floor, floors],
            Measure::OpenLoop => vec![latency_p50(result), rate_per_s(result.throughput_per_s)],
        };
        let columns = case.ratio_columns();
        cells.extend(beside.iter().map(|heading| {
            let found = columns.iter().find(|column| column.heading == *heading);
            or_dash(found.and_then(|column| column.ratios[index]), |ratio| ratio_text(ratio.into()))
        }));
        cells
    };
    table(question, estimator(question), headings, &cells)
}

/// Percentiles of round trips; `None` for a throughput, whose messages have no times of their own.
pub fn percentiles(question: &Question<'_>) -> Option<FigureTable> {
    if question.measure() == Measure::Throughput || question.subjects().is_empty() {
        return None;
    }
    let headings = ["min", "p50", "p90", "p99", "p99.9", "p99.99", "max", "mean"].map(|text| heading(text, "")).into();
    let cells = |_: &Case<'_>, _: usize, result: &BenchResult| {
        let p = &result.rtt_ns;
        [p.min, p.p50, p.p90, p.p99, p.p99_9, p.p99_99, p.max, p.mean].map(|ns| percentile_ns(result, ns)).into()
    };
    let what = match question.measure() {
        Measure::OpenLoop => "Latencies from the intended start",
        Measure::RoundTrip | Measure::Throughput => "Round trips timed one by one",
    };
    let caption = format!("{what}, all rounds together; {}.", clock(question));
    Some(table(question, caption, headings, &cells))
}

/// Processor time per round trip or message.
pub fn resources(question: &Question<'_>) -> FigureTable {
    let each = match question.measure() {
        Measure::RoundTrip => "round trip",
        Measure::Throughput => "message",
        Measure::OpenLoop => "request",
    };
    let headings = ["CPU of the client", "CPU of the server"];
    let cells = |_: &Case<'_>, _: usize, result: &BenchResult| {
        let cpu = &result.cpu_ns_per_request;
        [cpu.client, cpu.server].map(duration_ns).into()
    };
    let caption = format!("Means over all load slices, for one {each}.");
    table(question, caption, headings.map(|text| heading(text, "")).into(), &cells)
}

/// What the other results are set against, in any case.
pub(super) fn beside(question: &Question<'_>) -> Vec<String> {
    let mut beside: Vec<String> = Vec::new();
    for column in question.cases.iter().flat_map(Case::ratio_columns) {
        if !beside.contains(&column.heading) {
            beside.push(column.heading);
        }
    }
    beside
}

/// How the round trips and floors of a question were timed.
fn estimator(question: &Question<'_>) -> String {
    if question.measure() == Measure::OpenLoop {
        let clock = clock(question);
        return format!("Median latency from the intended start, over {}; {clock}.", question.rounds());
    }
    let results = || question.cases.iter().flat_map(Case::valid);
    let one_by_one: Vec<&str> = {
        let mut names: Vec<&str> = results().filter(|r| r.trip_ns.is_none()).map(|r| r.subject.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let clock = "timed one by one, with a reading of the clock in round trip and floor";
    let how = if one_by_one.is_empty() {
        "slices timed as a whole, without a clock in them".to_owned()
    } else if results().all(|result| result.trip_ns.is_none()) {
        clock.to_owned()
    } else {
        format!("slices timed as a whole, without a clock in them; those of {} {clock}", one_by_one.join(", "))
    };
    format!("Medians over {}: {how}.", question.rounds())
}

/// What the clock adds to a round trip that is timed by itself.
pub fn clock(question: &Question<'_>) -> String {
    let clocks = || question.cases.iter().flat_map(Case::valid).filter_map(|result| result.clock_ns);
    let (low, high) = (clocks().fold(f64::INFINITY, f64::min), clocks().fold(0.0, f64::max));
    if !low.is_finite() {
        "each contains one reading of the clock".to_owned()
    } else if duration_ns(low) == duration_ns(high) {
        format!("each contains one reading of the clock, {}", duration_ns(low))
    } else {
        format!("each contains one reading of the clock, {} to {}", duration_ns(low), duration_ns(high))
    }
}

fn heading(text: &str, small: &'static str) -> Heading {
    Heading { text: text.to_owned(), small }
}

fn table(
    question: &Question<'_>,
    caption: String,
    headings: Vec<Heading>,
    cells: &dyn Fn(&Case<'_>, usize, &BenchResult) -> Vec<String>,
) -> FigureTable {
    let row = |case: &Case<'_>, index: usize, result: &BenchResult| {
        let why = || result.why_invalid.clone().unwrap_or_else(|| "no reason was given".to_owned());
        let invalid = (!result.valid).then(why);
        let cells = if result.valid { cells(case, index, result) } else { Vec::new() };
        Row { subject: result.subject.clone(), invalid, cells }
    };
    let group = |case: &Case<'_>| {
        let rows = case.results.iter().enumerate().map(|(index, result)| row(case, index, result)).collect();
        Group { name: case.name.clone(), rows }
    };
    let group_heading = (question.cases.len() > 1).then_some("case");
    FigureTable { caption, group_heading, headings, groups: question.cases.iter().map(group).collect() }
}
