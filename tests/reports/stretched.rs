//! A pass that is none by its scenario's own bounds is told from one that is, in every format.

use shmark::report::{FORMATS, render_terminal};
use shmark::results::model::{ConformanceResult, Report, Verdict};

use super::sample;

/// Formats that have nothing of conformance in them, or room for one figure.
const WITHOUT: [&str; 6] = ["csv", "github-benchmark", "bencher", "badge", "badge-json", "lifecycle-csv"];

const BOUND: &str = "step 3 took 700 ms, and its bound is 100 ms";

fn report(outcome: Verdict) -> Report {
    let pass = |scenario: &str| sample::result(scenario, "RR-LIV-02", "mine", outcome, "");
    let late = ConformanceResult { stretched: vec![BOUND.to_owned()], ..pass("liv/late") };
    let conformance = vec![pass("liv/in-time"), late];
    Report { conformance, bench: Vec::new(), relative: Vec::new(), ..sample::report() }
}

fn shown(report: &Report) -> impl Iterator<Item = (&'static str, String)> {
    let whole = FORMATS.iter().filter(|format| !WITHOUT.contains(&format.option));
    let texts = whole.map(|format| (format.option, (format.render)(report).unwrap()));
    texts.chain([("terminal", render_terminal(report, 200, false))])
}

#[test]
fn every_format_says_which_bound_was_stretched() {
    for (format, text) in shown(&report(Verdict::Pass)) {
        assert!(text.contains(BOUND), "{format}: {text}");
        if !["json", "junit", "annotations"].contains(&format) {
            assert!(text.contains("Passed only with stretched bounds"), "{format}: {text}");
            assert!(text.contains("2 passed, 1 of them only with stretched bounds"), "{format}: {text}");
        }
    }
}

/// What did not pass says so anyway.
#[test]
fn only_passes_are_listed() {
    for (format, text) in shown(&report(Verdict::Skipped)) {
        assert!(!text.contains("Passed only"), "{format}: {text}");
    }
}
