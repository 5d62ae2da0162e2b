//! `events.jsonl`, whole and cut off.

use std::path::Path;

use shmark::report::events_log::{self, EventsLog};
use shmark::report::{self, ReportError, json};
use shmark::results;
use shmark::results::events::Observer;
use shmark::results::model::Footer;

use super::sample;

fn lines() -> Vec<String> {
    sample::events().iter().map(|event| serde_json::to_string(event).unwrap()).collect()
}

fn rebuilt(text: &str) -> Result<results::model::Report, ReportError> {
    events_log::parse(text.as_bytes(), Path::new("events.jsonl"))
}

#[test]
fn every_event_is_in_the_file_before_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("made/events.jsonl");
    let mut log = EventsLog::create(&path).unwrap();
    for (index, event) in sample::events().iter().enumerate() {
        log.event(event);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with('\n') && text.lines().count() == index + 1, "event {index} is not flushed");
    }
    log.finish().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap().lines().collect::<Vec<_>>(), lines());
}

#[test]
fn a_whole_log_gives_back_what_happened() {
    let original = sample::report();
    let report = rebuilt(&(lines().join("\n") + "\n")).unwrap();
    assert_eq!(report.conformance, original.conformance);
    assert_eq!(report.bench, original.bench);
    assert_eq!(report.relative, original.relative);
    assert_eq!(report.subjects, original.subjects);
    assert_eq!(report.footer, Some(Footer { complete: true, ..Footer::default() }));
    assert_eq!(report.machine.warnings.last().unwrap(), "the load average rose to 3.1 during the run");
}

/// A run that is killed leaves any prefix of the bytes.
#[test]
fn every_prefix_is_a_report_that_is_cut_off_or_an_error() {
    let text = lines().join("\n") + "\n";
    let first_line = lines()[0].len() + 1;
    for end in (0..text.len()).step_by(97).chain([first_line - 1, first_line, text.len() - 1]) {
        match rebuilt(&text[..end]) {
            Ok(report) => {
                assert!(end >= first_line, "a report out of {end} bytes");
                assert_eq!(report.footer, None);
                assert!(report::render_terminal(&report, 100, false).contains("Cut off"));
            }
            Err(error) => {
                assert!(matches!(error, ReportError::NoRunStarted { .. }), "{error}");
                assert!(end < first_line);
            }
        }
    }
}

#[test]
fn coverage_is_derived_from_what_finished() {
    use shmark::results::model::CoverageVerdict::{Broken, Held, Untested};
    let report = rebuilt(&(lines().join("\n") + "\n")).unwrap();
    let of = |requirement: &str, client: &str, server: &str| {
        let entry = report
            .coverage
            .iter()
            .find(|c| c.requirement == requirement && c.client == client && c.server == server)
            .unwrap();
        (entry.verdict, entry.executed, entry.checks)
    };
    assert_eq!(of("RR-SND-01", "reference", "reference"), (Held, 2, 2));
    assert_eq!(of("RR-LIV-02", "iceoryx2", "iceoryx2"), (Broken, 1, 1));
    assert_eq!(of("RR-RCL-01", "iceoryx2", "iceoryx2"), (Broken, 1, 1));
    assert_eq!(of("RR-DYN-04", "iceoryx2", "iceoryx2"), (Untested, 0, 1));
}

#[test]
fn a_damaged_line_is_pointed_at() {
    let mut lines = lines();
    lines[2] = "{\"event\":\"scenario-finished\"".into();
    let error = rebuilt(&(lines.join("\n") + "\n")).unwrap_err();
    assert!(matches!(error, ReportError::Malformed { line: 3, .. }), "{error}");
    let error = rebuilt("{\"event\":\"warning\",\"text\":\"x\"}\n").unwrap_err();
    assert!(matches!(error, ReportError::NoRunStarted { .. }), "{error}");
}

#[test]
fn a_report_without_footer_is_shown_as_cut_off_everywhere() {
    let report = results::model::Report { footer: None, ..sample::report() };
    let shown = [
        report::render_terminal(&report, 100, false),
        report::markdown::render(&report),
        report::html::render(&report).unwrap(),
        report::junit::render(&report).unwrap(),
    ];
    assert!(shown.iter().all(|text| text.contains("Cut off")), "{shown:#?}");
    let text = json::render(&report).unwrap();
    assert_eq!(json::parse(text.as_bytes(), Path::new("x")).unwrap().footer, None);
}
