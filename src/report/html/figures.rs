//! What the template shows of a benchmark case.

use minijinja::Value;
use serde::Serialize;

use crate::report::cases::Case;
use crate::report::error::ReportError;
use crate::report::figures::{duration_ns, latency_p50, percentile_ns, rate_per_s, three_digits};
use crate::report::plots::palette::{Colour, Palette, SERIES_COUNT};
use crate::report::plots::{self, Drawing, Shape};
use crate::report::regimes::{self, RegimeTable};
use crate::results::model::{BenchResult, Measure, Ratio, Time};

/// A case with its plots and its table.
#[derive(Serialize)]
pub struct CaseView {
    id: String,
    label: String,
    plots: Vec<Plot>,
    headings: Vec<Heading>,
    rows: Vec<BenchRow>,
    regimes: Option<RegimeTable>,
    regimes_caption: &'static str,
    sentences: Vec<String>,
    rounds: String,
}

#[derive(Serialize)]
struct Heading {
    text: String,
    small: &'static str,
}

#[derive(Serialize)]
struct Plot {
    wide: Value,
    narrow: Value,
}

#[derive(Serialize)]
struct BenchRow {
    subject: String,
    series: Option<usize>,
    invalid: Option<String>,
    cells: Vec<String>,
}

/// What is shown of a case; `number` is its place in the report.
pub fn case_view(case: &Case<'_>, colours: &Palette, number: usize) -> Result<CaseView, ReportError> {
    let wide = plots::of_case(case, colours, Shape::Wide);
    let narrow = plots::of_case(case, colours, Shape::Narrow);
    let mut shown = Vec::new();
    for ((_, wide), (_, narrow)) in wide.iter().zip(&narrow) {
        shown.push(Plot { wide: inline_svg(wide)?, narrow: inline_svg(narrow)? });
    }
    Ok(CaseView {
        id: format!("bench-{number}"),
        label: case.label(),
        plots: shown,
        headings: headings(case),
        rows: bench_rows(case, colours),
        regimes: case.regimes("–"),
        regimes_caption: regimes::CAPTION,
        sentences: case.sentences(),
        rounds: case.rounds(),
    })
}

/// Our own drawing, whose texts the SVG writer has escaped.
fn inline_svg(drawing: &Drawing) -> Result<Value, ReportError> {
    Ok(Value::from_safe_string(plots::svg(drawing)?))
}

fn headings(case: &Case<'_>) -> Vec<Heading> {
    let heading = |text: &str, small| Heading { text: text.to_owned(), small };
    let interval = "95 % interval";
    let (figures, each) = match case.measure() {
        Measure::RoundTrip => (
            vec![
                heading("Round trip", ""),
                heading("in floors", interval),
                heading("above the floor", interval),
                heading("p50", ""),
                heading("p90", ""),
                heading("p99", ""),
                heading("p99.9", ""),
                heading("p99.99", ""),
                heading("max", ""),
                heading("Rate", ""),
            ],
            "per request",
        ),
        Measure::Throughput => (
            vec![heading("Rate", ""), heading("One message", ""), heading("One message in floors", interval)],
            "per message",
        ),
        Measure::OpenLoop => (
            vec![
                heading("Latency p50", ""),
                heading("p90", ""),
                heading("p99", ""),
                heading("p99.9", ""),
                heading("p99.99", ""),
                heading("max", ""),
                heading("Rate", ""),
            ],
            "per request",
        ),
    };
    let beside = case.ratio_columns().into_iter().map(|column| Heading { text: column.heading, small: interval });
    let mut headings = vec![heading("Subject", "")];
    headings.extend(figures);
    headings.extend(beside);
    headings.push(Heading { text: format!("CPU {each}"), small: "client + server" });
    headings.extend([heading("Syscalls", each), heading("Allocs", each)]);
    headings
}

fn bench_rows(case: &Case<'_>, colours: &Palette) -> Vec<BenchRow> {
    let beside = case.ratio_columns();
    let row = |(index, result): (usize, &&BenchResult)| {
        let ratios: Vec<Option<Ratio>> = beside.iter().map(|column| column.ratios[index]).collect();
        bench_row(result, &ratios, colours)
    };
    case.results.iter().enumerate().map(row).collect()
}

/// `61.2 ns (59.8 ns–62.0 ns)`.
fn above_floor(result: &BenchResult) -> String {
    match result.above_floor_ns {
        None => "–".to_owned(),
        Some(Time { ns, ci95_ns: None }) => duration_ns(ns),
        Some(Time { ns, ci95_ns: Some([low, high]) }) => {
            format!("{} ({}–{})", duration_ns(ns), duration_ns(low), duration_ns(high))
        }
    }
}

fn bench_row(result: &BenchResult, beside: &[Option<Ratio>], colours: &Palette) -> BenchRow {
    let optional = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), three_digits);
    let interval = |ratio: Option<Ratio>| {
        ratio.map_or_else(
            || "–".to_owned(),
            |f| format!("{} ({}–{})", three_digits(f.ratio), three_digits(f.ci95[0]), three_digits(f.ci95[1])),
        )
    };
    let rtt = &result.rtt_ns;
    let (floors, rate) = (interval(result.p50_floors), rate_per_s(result.throughput_per_s));
    let cpu = &result.cpu_ns_per_request;
    let mut cells = Vec::new();
    match result.measure {
        Measure::RoundTrip => {
            cells.extend([duration_ns(result.round_trip_ns()), floors, above_floor(result)]);
            cells.extend([rtt.p50, rtt.p90, rtt.p99, rtt.p99_9, rtt.p99_99, rtt.max].map(duration_ns));
            cells.push(rate);
        }
        Measure::Throughput => cells.extend([rate, duration_ns(result.round_trip_ns()), floors]),
        Measure::OpenLoop => {
            let latencies = [rtt.p90, rtt.p99, rtt.p99_9, rtt.p99_99, rtt.max];
            cells.push(latency_p50(result));
            cells.extend(latencies.map(|ns| percentile_ns(result, ns)));
            cells.push(rate);
        }
    }
    cells.extend(beside.iter().map(|ratio| interval(*ratio)));
    cells.push(format!("{} + {}", duration_ns(cpu.client), duration_ns(cpu.server)));
    cells.extend([optional(result.syscalls_per_request), optional(result.allocations_per_request)]);
    let invalid =
        (!result.valid).then(|| result.why_invalid.clone().unwrap_or_else(|| "no reason was given".to_owned()));
    let series = match colours.colour(&result.subject) {
        Colour::Series(index) => Some(index % SERIES_COUNT),
        _ => None,
    };
    BenchRow { subject: result.subject.clone(), series, invalid, cells }
}
