//! `junit.xml`: one suite a pairing, one test case a scenario; benchmark results are a suite of their own.

use std::fmt::Write as _;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use super::cases::{Case, cases};
use super::comparisons;
use super::error::ReportError;
use super::figures::{latency_p50, percentile_ns, three_digits};
use super::lifecycle::{LifecycleCases, lifecycle_questions};
use super::sanitise::sanitise;
use super::summary::{Completeness, Summary};
use super::words::{level_word, outcome_word};
use crate::results::model::{
    BenchResult, Comparison, ComparisonVerdict, ConformanceResult, LifecycleResult, Report, Verdict,
};

/// The report as `JUnit` XML. A listed deviation and an observed difference are skipped with their reason, so that a CI
/// system shows them and does not fail; everything unexpected is a failure, or an error if peer or harness broke.
///
/// # Errors
/// [`ReportError::Render`] if the XML cannot be written.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let report = &sanitise(report);
    let summary = Summary::of(report);
    let mut junit = JunitReport::new("shmark");
    // Without a date if the report's own is damaged.
    junit.timestamp = report.created.parse().ok();
    for pairing in &summary.pairings {
        let results = report.conformance.iter().filter(|r| r.client == pairing.client && r.server == pairing.server);
        let mut suite = TestSuite::new(pairing.label());
        suite.add_test_cases(results.map(scenario));
        suite.set_time(suite.test_cases.iter().filter_map(|case| case.time).sum());
        junit.add_test_suite(suite);
    }
    for case in cases(report) {
        let mut suite = TestSuite::new(format!("benchmark {}", case.label()));
        suite.add_test_cases(case.results.iter().map(|result| trial(&case, result)));
        junit.add_test_suite(suite);
    }
    for question in lifecycle_questions(report) {
        let mut suite = TestSuite::new(format!("benchmark {}", question.label()));
        for case in &question.cases {
            suite.add_test_cases(case.results.iter().map(|result| rounds(case, result)));
        }
        junit.add_test_suite(suite);
    }
    if !report.comparisons.is_empty() {
        let mut suite = TestSuite::new("builds");
        suite.add_test_cases(comparisons::ordered(&report.comparisons).into_iter().map(builds));
        junit.add_test_suite(suite);
    }
    let mut suite = TestSuite::new("shmark");
    if summary.completeness != Completeness::Complete {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(summary.verdict_line()).set_type("incomplete");
        if let Some(why) = summary.failure {
            status.set_description(why);
        }
        suite.add_test_case(TestCase::new("the run is complete", status));
    }
    for text in summary.without_result {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(text).set_type("no result");
        suite.add_test_case(TestCase::new("every subject that was asked for has a result", status));
    }
    if !suite.test_cases.is_empty() {
        junit.add_test_suite(suite);
    }
    junit.to_string().map_err(|error| ReportError::Render { format: "junit.xml", why: error.to_string() })
}

/// What fails the run is a failure; what could not be told is skipped with its reason.
fn builds(comparison: &Comparison) -> TestCase {
    let sentence = comparisons::sentence(comparison);
    let mut status = match comparison.verdict {
        _ if comparison.fails => TestCaseStatus::non_success(NonSuccessKind::Failure),
        ComparisonVerdict::TooNoisy | ComparisonVerdict::Invalid => TestCaseStatus::skipped(),
        ComparisonVerdict::Better | ComparisonVerdict::Worse | ComparisonVerdict::Same => TestCaseStatus::success(),
    };
    if !matches!(status, TestCaseStatus::Success { .. }) {
        status.set_message(sentence.clone()).set_type(comparisons::verdict_word(comparison.verdict));
    }
    let name = format!("{}, {} and {}", comparisons::question(comparison), comparison.base, comparison.new);
    let mut case = TestCase::new(name, status);
    case.set_system_out(sentence);
    case
}

fn scenario(result: &ConformanceResult) -> TestCase {
    let mut status = match result.outcome {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Error => TestCaseStatus::non_success(NonSuccessKind::Error),
        _ if result.is_unexpected() => TestCaseStatus::non_success(NonSuccessKind::Failure),
        _ => TestCaseStatus::skipped(),
    };
    let word = outcome_word(result.outcome);
    let first_line = result.message.lines().next().unwrap_or_default();
    let message = match result.outcome {
        Verdict::Fail if !result.is_unexpected() => format!("observed difference: {first_line}"),
        Verdict::Fail | Verdict::Skipped | Verdict::Error => first_line.to_owned(),
        _ => format!("{word}: {first_line}"),
    };
    status.set_type(word).set_message(message).set_description(details(result));
    let mut case = TestCase::new(&result.scenario, status);
    case.set_classname(result.scenario.split('/').next().unwrap_or_default());
    case.set_time(Duration::from_millis(result.duration_ms));
    case.add_property(Property::new("requirements", result.requirements.join(" ")));
    case.add_property(Property::new("level", level_word(result.level)));
    for text in &result.stretched {
        case.add_property(Property::new("stretched", text));
    }
    if result.outcome != Verdict::Pass {
        case.add_property(Property::new("repro", &result.repro));
    }
    case
}

/// Everything needed to understand a failure without the other formats.
fn details(result: &ConformanceResult) -> String {
    let mut text = format!("{}\n", result.message);
    let optional = [("step", &result.step), ("expected", &result.expected), ("actual", &result.actual)];
    for (name, value) in optional {
        if let Some(value) = value {
            let _ = writeln!(text, "{name}: {value}");
        }
    }
    let _ = writeln!(text, "requirements: {}\nrepeat: {}", result.requirements.join(" "), result.repro);
    for (peer, lines) in &result.transcripts {
        let _ = writeln!(text, "transcript of {peer}:");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }
    text
}

fn rounds(case: &LifecycleCases<'_>, result: &LifecycleResult) -> TestCase {
    let status = if result.valid {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
        status.set_type("invalid round").set_message(format!("{} does not count: {why}", result.subject));
        status
    };
    let name = if case.name.is_empty() { result.subject.clone() } else { format!("{}, {}", result.subject, case.name) };
    let mut test = TestCase::new(name, status);
    test.set_classname(format!("benchmark.{}", result.scenario));
    for figure in result.figures.iter().filter(|_| result.valid) {
        test.add_property(Property::new(figure.name.as_str(), figure.median.to_string()));
    }
    test
}

fn trial(case: &Case<'_>, result: &BenchResult) -> TestCase {
    let mut status = if result.valid {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
        status.set_type("invalid trial").set_message(format!("{} does not count: {why}", result.subject));
        status
    };
    status.set_description(format!("{} for {}: its figures may not be used.", case.label(), result.subject));
    let mut test = TestCase::new(&result.subject, status);
    test.set_classname(format!("benchmark.{}", result.scenario));
    if result.valid {
        test.add_property(Property::new("rtt p50", latency_p50(result)));
        test.add_property(Property::new("rtt p99", percentile_ns(result, result.rtt_ns.p99)));
        if let Some(floors) = result.p50_floors {
            test.add_property(Property::new("p50 in floors", three_digits(floors.ratio)));
        }
    }
    test
}
