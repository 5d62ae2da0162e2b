//! Questions about the lifecycle in every format: their figures, what does not count, and where their marks are.

use std::collections::BTreeMap;

use shmark::report::lifecycle::lifecycle_questions;
use shmark::report::plots::drawing::{Drawing, Mark, Shape};
use shmark::report::plots::of_lifecycle;
use shmark::report::plots::palette::Palette;
use shmark::report::{self, FORMATS, render_terminal};
use shmark::results::model::{LifecycleFigure, LifecycleResult, Report};

use super::plots::{SHAPES, boxes, markers};
use super::sample;

fn figure(name: &str, median: f64) -> LifecycleFigure {
    LifecycleFigure {
        name: name.into(),
        median,
        ci95: Some([median * 0.9, median * 1.1]),
        max: median * 2.0,
        rounds: vec![median, median * 0.9, median * 2.0],
    }
}

fn result(scenario: &str, subject: &str, case: &[(&str, &str)], figures: &[(&str, f64)]) -> LifecycleResult {
    LifecycleResult {
        scenario: scenario.into(),
        title: format!("What does {scenario} cost?"),
        subject: subject.into(),
        case: case.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        valid: true,
        why_invalid: None,
        undecided: None,
        rounds: 3,
        figures: figures.iter().map(|(name, median)| figure(name, *median)).collect(),
    }
}

/// A question over a number for two subjects, and one whose cases differ by words.
fn report() -> Report {
    let startup = ["reference", "iceoryx2"].into_iter().flat_map(|subject| {
        [("1", 1e6), ("10", 2e6), ("100", 4e6)].map(|(services, ns)| {
            let figures = [("total_ns", ns), ("first_round_trip_ns", ns / 4.0), ("service_create_ns", ns / 8.0)];
            result("startup", subject, &[("services", services)], &figures)
        })
    });
    let recovery = ["client", "server"].map(|killed| {
        result("recovery", "reference", &[("killed", killed)], &[("noticed_ns", 5e7), ("served_again_ns", 6e7)])
    });
    Report {
        bench: Vec::new(),
        relative: Vec::new(),
        conformance: Vec::new(),
        coverage: Vec::new(),
        lifecycle: startup.chain(recovery).collect(),
        ..sample::report()
    }
}

/// One result that does not count, and one that does not answer its question.
fn with_doubts() -> Report {
    let mut report = report();
    report.lifecycle[0].valid = false;
    report.lifecycle[0].why_invalid = Some("round 2: the server exited".into());
    report.lifecycle[1].undecided = Some("after 3 rounds the interval is 90 % wide".into());
    report
}

fn drawn(report: &Report, scenario: &str, shape: Shape) -> Drawing {
    let questions = lifecycle_questions(report);
    let question = questions.iter().find(|question| question.scenario == scenario).unwrap();
    of_lifecycle(question, &Palette::of(report), shape).unwrap()
}

#[test]
fn every_format_has_the_figures_or_why_there_are_none() {
    let report = with_doubts();
    let terminal = render_terminal(&report, 80, false);
    let html = report::html::render(&report).unwrap();
    for text in [&terminal, &html, &report::markdown::render(&report)] {
        for part in ["What does startup cost?", "What does recovery cost?", "first round trip", "50.0 ms", "4.00 ms"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in ["the server exited", "the interval is 90 % wide"] {
            assert!(flat.contains(part), "{part} is missing in:\n{text}");
        }
    }
    assert!(terminal.lines().all(|line| line.chars().count() <= 80), "{terminal}");
    let summary = render_terminal(&report, 200, false);
    assert!(summary.contains("8 benchmark results, 1 invalid, 1 undecided."), "{summary}");
    for format in FORMATS {
        assert!((format.render)(&report).is_ok(), "{}", format.file);
    }
}

#[test]
fn csv_has_a_row_for_each_figure_of_what_counts() {
    let text = report::lifecycle_csv::render(&with_doubts()).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1 + 5 * 3 + 2 * 2);
    assert_eq!((&*rows[0]["valid"], &*rows[0]["figure"], &*rows[0]["median"]), ("false", "", ""));
    let row = rows.iter().find(|row| row["subject"] == "iceoryx2" && row["case"] == "services=10").unwrap();
    let cells = ["scenario", "figure", "median", "low", "high", "max", "rounds"].map(|key| row[key].as_str());
    assert_eq!(cells, ["startup", "total_ns", "2000000", "1800000", "2200000", "4000000", "3"]);
}

#[test]
fn dashboards_follow_each_figure_by_its_name() {
    let name = "recovery[killed=server] reference, served again";
    let github: serde_json::Value =
        serde_json::from_str(&report::github_benchmark::render(&report()).unwrap()).unwrap();
    let entry = github.as_array().unwrap().iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!((&entry["unit"], &entry["value"]), (&"ns".into(), &6e7.into()));
    let bencher: serde_json::Value = serde_json::from_str(&report::bencher::render(&report()).unwrap()).unwrap();
    assert_eq!(bencher[name]["latency"]["value"], 6e7);
    let doubts: serde_json::Value = serde_json::from_str(&report::bencher::render(&with_doubts()).unwrap()).unwrap();
    assert!(doubts.get("startup[services=1] reference, total").is_none(), "it does not count");
}

#[test]
fn no_label_of_a_picture_is_clipped_or_overlaps_another() {
    for (scenario, shape) in ["startup", "recovery"].into_iter().flat_map(|s| SHAPES.map(|shape| (s, shape))) {
        let drawing = drawn(&report(), scenario, shape);
        let boxes = boxes(&drawing);
        for (i, a) in boxes.iter().enumerate() {
            let within = a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= drawing.width && a.3 <= drawing.height;
            assert!(within, "{scenario} {shape:?}: {a:?} in {} x {}", drawing.width, drawing.height);
            for b in &boxes[..i] {
                let apart = a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1;
                assert!(apart, "{scenario} {shape:?}: {a:?} over {b:?}");
            }
        }
    }
}

/// On logarithmic axes equal ratios are equal distances: services and times of the sample go up by equal ratios.
#[test]
fn a_number_with_three_values_is_a_line_and_its_points_are_where_their_figures_are() {
    let report = report();
    let drawing = drawn(&report, "startup", Shape::File);
    let colour = Palette::of(&report).colour("iceoryx2");
    // The first marker is the legend's; solid and dashed figure have three points each.
    let points = &markers(&drawing, colour)[1..];
    assert_eq!(points.len(), 6);
    let steps: Vec<(f64, f64)> =
        points[..3].windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[1].1 - pair[0].1)).collect();
    assert!((steps[0].0 - steps[1].0).abs() < 1e-6 && (steps[0].1 - steps[1].1).abs() < 1e-6, "{steps:?}");
    assert!(steps[0].0 > 10.0 && steps[0].1 < 0.0, "more services, more time: {steps:?}");
    let is_line = |dashed: bool| {
        drawing.marks.iter().any(|mark| {
            matches!(mark, Mark::Line { points, colour: of, dashed: d, .. } if *of == colour && *d == dashed && points.len() == 3)
        })
    };
    assert!(is_line(false) && is_line(true));
    assert!(drawing.description.contains("iceoryx2, total: 1.00 ms at 1"), "{}", drawing.description);
}

#[test]
fn a_question_without_a_valid_result_has_a_table_and_no_picture() {
    let mut report = report();
    for result in &mut report.lifecycle {
        (result.valid, result.why_invalid) = (false, Some("it died".into()));
        result.figures.clear();
    }
    for question in lifecycle_questions(&report) {
        assert!(of_lifecycle(&question, &Palette::of(&report), Shape::File).is_none());
    }
    assert!(report::markdown::render(&report).contains("it died"));
    assert!(report::html::render(&report).is_ok());
}

/// A report that somebody else wrote.
#[test]
fn a_figure_that_is_no_number_makes_its_result_invalid() {
    let mut report = report();
    report.lifecycle[0].figures[1].median = f64::NAN;
    let text = report::markdown::render(&report);
    assert!(text.contains("a figure is no number, or too large to be one"), "{text}");
    // A number that no time can be, and which no axis has room for.
    report.lifecycle[0].figures[1].median = 1.7e308;
    assert!(report::html::render(&report).unwrap().contains("too large to be one"));
}
