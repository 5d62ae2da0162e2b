//! `benchmarks.csv`: one row a benchmark result, for spreadsheets and data frames.

use super::error::ReportError;
use super::sanitise::sanitise;
use super::tracked::case_text;
use crate::results::model::{BenchResult, Measure, Report, Time};

/// Columns of text and counts, which every row has.
const FACTS: [&str; 8] = ["scenario", "case", "subject", "measure", "valid", "why_invalid", "rounds", "samples"];

/// A column of figures: its heading, with the unit last, and its figure, if the result has it.
type Column = (&'static str, fn(&BenchResult) -> Option<f64>);

/// Columns of figures, which results that do not count have empty. Bounds are those of 95 % confidence intervals.
const FIGURES: &[Column] = &[
    ("trip_ns", |result| ns(result.trip_ns)),
    ("trip_low_ns", |result| bound(result.trip_ns, 0)),
    ("trip_high_ns", |result| bound(result.trip_ns, 1)),
    ("floor_ns", |result| ns(result.floor_ns)),
    ("floor_low_ns", |result| bound(result.floor_ns, 0)),
    ("floor_high_ns", |result| bound(result.floor_ns, 1)),
    ("above_floor_ns", |result| ns(result.above_floor_ns)),
    ("above_floor_low_ns", |result| bound(result.above_floor_ns, 0)),
    ("above_floor_high_ns", |result| bound(result.above_floor_ns, 1)),
    ("p50_floors", |result| Some(result.p50_floors?.ratio)),
    ("p50_low_floors", |result| Some(result.p50_floors?.ci95[0])),
    ("p50_high_floors", |result| Some(result.p50_floors?.ci95[1])),
    ("throughput_per_s", |result| Some(result.throughput_per_s)),
    ("rtt_min_ns", |result| Some(result.rtt_ns.min)),
    ("rtt_mean_ns", |result| Some(result.rtt_ns.mean)),
    ("rtt_p50_ns", |result| Some(result.rtt_ns.p50)),
    ("rtt_p90_ns", |result| Some(result.rtt_ns.p90)),
    ("rtt_p99_ns", |result| Some(result.rtt_ns.p99)),
    ("rtt_p99_9_ns", |result| Some(result.rtt_ns.p99_9)),
    ("rtt_p99_99_ns", |result| Some(result.rtt_ns.p99_99)),
    ("rtt_max_ns", |result| Some(result.rtt_ns.max)),
    ("floor_rtt_p50_ns", |result| Some(result.floor_rtt_ns.p50)),
    ("clock_ns", |result| result.clock_ns),
    ("client_cpu_ns_per_request", |result| Some(result.cpu_ns_per_request.client)),
    ("server_cpu_ns_per_request", |result| Some(result.cpu_ns_per_request.server)),
];

fn ns(time: Option<Time>) -> Option<f64> {
    Some(time?.ns)
}

fn bound(time: Option<Time>, which: usize) -> Option<f64> {
    time?.ci95_ns?.get(which).copied()
}

/// The benchmark results as CSV (RFC 4180, but with `\n`), with headings even without a result. Figures are named and
/// defined as in `report.json`. A result that does not count has a row, but no figures: nobody shall take a mean of them.
///
/// # Errors
/// [`ReportError::Render`] if a row cannot be written.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let failed = |why: String| ReportError::Render { format: "benchmarks.csv", why };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let headings = FACTS.iter().copied().chain(FIGURES.iter().map(|(heading, _)| *heading));
    writer.write_record(headings).map_err(|error| failed(error.to_string()))?;
    for result in &sanitise(report).bench {
        let figures = FIGURES.iter().map(|(_, figure)| {
            let figure = figure(result).filter(|_| result.valid);
            figure.map_or_else(String::new, |figure| figure.to_string())
        });
        writer.write_record(facts(result).into_iter().chain(figures)).map_err(|error| failed(error.to_string()))?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

/// The cells below [`FACTS`].
fn facts(result: &BenchResult) -> [String; FACTS.len()] {
    let measure = match result.measure {
        Measure::RoundTrip => "round-trip",
        Measure::Throughput => "throughput",
        Measure::OpenLoop => "open-loop",
    };
    [
        no_formula(&result.scenario),
        no_formula(&case_text(&result.case)),
        no_formula(&result.subject),
        measure.to_owned(),
        result.valid.to_string(),
        no_formula(result.why_invalid.as_deref().unwrap_or_default()),
        result.rounds.to_string(),
        result.samples.to_string(),
    ]
}

/// Text that no spreadsheet takes for a formula, whoever wrote it: an apostrophe in front makes it text.
pub(super) fn no_formula(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\n']) { format!("'{text}") } else { text.to_owned() }
}
