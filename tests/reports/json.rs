//! Reading what is no whole report.

use std::path::Path;

use shmark::report::{ReportError, json};
use shmark::results;

use super::sample;

fn parse(text: &str) -> Result<results::model::Report, ReportError> {
    json::parse(text.as_bytes(), Path::new("some/report.json"))
}

#[test]
fn every_cut_is_an_error_with_a_remedy() {
    let text = json::render(&sample::empty()).unwrap();
    let whole = text.trim_end().len();
    for end in 0..whole {
        let error = parse(&text[..end]).unwrap_err();
        assert!(matches!(error, ReportError::CutOff { .. }), "cut at {end}: {error}");
    }
    let error = parse(&text[..whole / 2]).unwrap_err().to_string();
    assert!(error.contains("some/report.json") && error.contains("events.jsonl"), "{error}");
}

#[test]
fn foreign_files_are_named_as_such() {
    let error = parse("{\"schema\": \"shmark-report/9\", \"x\": 1}").unwrap_err();
    assert!(matches!(&error, ReportError::ForeignSchema { found, .. } if found == "shmark-report/9"), "{error}");
    assert!(error.to_string().contains("render it with the shmark that wrote it"));
    assert!(matches!(parse("{\"results\": []}").unwrap_err(), ReportError::NoSchema { .. }));
    assert!(matches!(parse("[1, 2]").unwrap_err(), ReportError::NoSchema { .. }));
    assert!(matches!(parse("<xml/>").unwrap_err(), ReportError::Malformed { .. }));
    assert!(matches!(json::read(Path::new("/nonexistent/x")).unwrap_err(), ReportError::Read { .. }));
}

#[test]
fn a_wrong_field_is_pointed_at() {
    let text = json::render(&sample::report()).unwrap().replacen("\"outcome\": \"pass\"", "\"outcome\": \"maybe\"", 1);
    let line = text.lines().position(|line| line.contains("maybe")).unwrap() + 1;
    let error = parse(&text).unwrap_err();
    assert!(matches!(error, ReportError::Malformed { line: at, .. } if at == line), "{error}, expected line {line}");
    assert!(error.to_string().contains("`maybe`"), "{error}");
}

#[test]
fn a_figure_that_is_no_number_makes_its_result_invalid_and_the_file_readable() {
    let mut report = sample::report();
    report.bench[0].rtt_ns.p99 = f64::NAN;
    report.bench[1].p50_floors_rounds[2] = f64::INFINITY;
    report.relative[0].ratio.ratio = f64::NAN;
    let read = parse(&json::render(&report).unwrap()).unwrap();
    assert!(!read.bench[0].valid && read.bench[0].why_invalid.as_ref().unwrap().contains("finite"));
    assert!(!read.bench[1].valid && read.bench[2].valid);
    assert_eq!(read.relative.len(), report.relative.len() - 1);
}
