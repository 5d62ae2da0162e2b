//! Reports with nothing to show.

use shmark::{report, results};

use super::sample;

#[test]
fn every_format_says_that_nothing_was_executed() {
    let empty = sample::empty();
    let shown = [
        report::render_terminal(&empty, 80, false),
        report::markdown::render(&empty),
        report::html::render(&empty).unwrap(),
    ];
    assert!(shown.iter().all(|text| text.contains("Nothing was executed")), "{shown:#?}");
    assert!(report::junit::render(&empty).unwrap().contains("tests=\"0\""));
}

#[test]
fn a_case_without_a_valid_result_has_no_plot_and_says_why() {
    let mut report = sample::report();
    for result in &mut report.bench {
        (result.valid, result.why_invalid) = (false, Some("checksums disagree".into()));
    }
    report.relative.clear();
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(report::plots::write_all(&report, dir.path()).unwrap().len(), 0);
    assert!(report::render_terminal(&report, 80, false).contains("iceoryx2 does not count: checksums disagree"));
    assert!(!report::html::render(&report).unwrap().contains("<figure"));
}

/// The verdict once began with "As expected" although measurements were invalid.
#[test]
fn invalid_measurements_are_not_as_expected() {
    let mut report = sample::report();
    report.conformance.retain(|result| result.outcome == results::model::Verdict::Pass);
    let line = |report: &results::model::Report| report::summary::Summary::of(report).verdict_line();
    assert!(line(&report).starts_with("Conformance as expected: "), "{}", line(&report));
    report.bench.retain(|result| result.valid);
    assert!(line(&report).starts_with("As expected: "), "{}", line(&report));
}
