//! Builds that were compared, in every format.

use std::collections::BTreeMap;

use shmark::report;
use shmark::report::plots::comparison::draw;
use shmark::report::plots::palette::Colour;
use shmark::results::events::Event;
use shmark::results::model::*;

use super::plots::{SHAPES, boxes, markers};
use super::sample;

fn comparison(new: &str, verdict: ComparisonVerdict, ratio: f64) -> Comparison {
    let evidence = |ratio: f64| ComparisonEvidence {
        ratio: Ratio { ratio, ci95: [ratio * 0.99, ratio * 1.01] },
        rank_p: 0.000_12,
        effect: 0.8,
        launches: 40,
    };
    let time = |ns| Some(Time { ns, ci95_ns: Some([ns * 0.98, ns * 1.02]) });
    Comparison {
        scenario: "rtt".into(),
        title: "How long does a round trip take?".into(),
        case: BTreeMap::from([("len".into(), "1".into()), ("payload".into(), "u64".into())]),
        measure: Measure::RoundTrip,
        base: "main".into(),
        new: new.into(),
        method: ComparisonMethod::Interleaved,
        verdict,
        fails: verdict == ComparisonVerdict::Worse && ratio >= 1.05,
        why: (verdict == ComparisonVerdict::TooNoisy).then(|| "the interval is too wide".into()),
        fail_on_share: 0.05,
        evidence: Some(evidence(ratio)),
        before_confirmation: (verdict == ComparisonVerdict::Worse).then(|| evidence(ratio * 1.01)),
        base_trip_ns: time(300.0),
        new_trip_ns: time(300.0 * ratio),
        ratios: vec![ratio; 40],
    }
}

fn compared(comparisons: Vec<Comparison>) -> Report {
    Report { comparisons, ..sample::empty() }
}

fn every_format(report: &Report) -> Vec<(&'static str, String)> {
    let scratch = tempfile::tempdir().unwrap();
    report::write_all(report, scratch.path()).unwrap();
    let read = |name| std::fs::read_to_string(scratch.path().join(name)).unwrap();
    vec![
        ("terminal", report::render_terminal(report, 500, false)),
        ("Markdown", read("summary.md").replace('\\', "")),
        ("HTML", read("report.html")),
    ]
}

#[test]
fn verdicts_are_shown_with_what_they_rest_on_and_the_worst_first() {
    let report = compared(vec![
        comparison("alike", ComparisonVerdict::Same, 1.001),
        comparison("unclear", ComparisonVerdict::TooNoisy, 1.02),
        comparison("slower", ComparisonVerdict::Worse, 1.07),
    ]);
    for (format, text) in every_format(&report) {
        for part in [
            "slower takes more time than main, by 5 % or more: +7.0 % (+5.9 % to +8.1 %)",
            "40 launches of each, all of them fresh after 40 had shown +8.1 %",
            "no verdict on unclear and main",
            "the interval is too wide",
            "3 comparisons of builds: 1 worse, 1 too noisy, 1 same; 1 fails the run.",
        ] {
            assert!(text.contains(part), "{format} lacks `{part}`:\n{text}");
        }
        let place = |name: &str| text.find(&format!("{name} takes")).or_else(|| text.find(&format!("on {name}")));
        assert!(place("slower") < place("unclear"), "{format}: what fails comes first");
    }
}

/// Platforms refuse longer comments.
#[test]
fn a_pull_request_can_take_the_markdown_of_any_number_of_comparisons() {
    let name = |i: usize| format!("a-build-with-a-rather-long-name-{i}");
    let many = (0..500).map(|i| comparison(&name(i), ComparisonVerdict::Worse, 1.06 + i as f64 / 1000.0));
    let text = report::markdown::render(&compared(many.collect()));
    assert!(text.len() < 60_000, "{} bytes", text.len());
    assert!(text.contains("440 more comparisons in report.html") && text.contains(&name(499)), "the largest are there");
    assert!(!text.contains(&format!("{} ", name(0))), "the smallest are not");
}

#[test]
fn stored_reports_are_named_as_such() {
    let mut stored = comparison("today", ComparisonVerdict::Better, 0.8);
    stored.method = ComparisonMethod::Stored;
    for (format, text) in every_format(&compared(vec![stored])) {
        assert!(text.contains("These reports are of different runs"), "{format}: {text}");
    }
}

#[test]
fn names_are_data_in_every_format_and_figures_are_finite() {
    let mut hostile = comparison("<b>x</b>\u{1b}[31m|", ComparisonVerdict::Same, 1.0);
    hostile.evidence = Some(ComparisonEvidence { effect: f64::NAN, ..hostile.evidence.unwrap() });
    hostile.ratios.push(f64::INFINITY);
    let report = compared(vec![hostile]);
    for (format, text) in every_format(&report) {
        assert!(!text.contains('\u{1b}'), "{format}");
        if format != "terminal" {
            assert!(!text.contains("<b>x"), "{format}: {text}");
        }
    }
    let json = report::json::render(&report).unwrap();
    let read = report::json::parse(json.as_bytes(), std::path::Path::new("-")).unwrap();
    assert!(read.comparisons[0].evidence.is_none() && read.comparisons[0].ratios.len() == 40, "{json}");
}

#[test]
fn the_event_log_has_them() {
    let found = comparison("new", ComparisonVerdict::Same, 1.0);
    let event = Event::BuildsCompared { comparison: Box::new(found) };
    let line = serde_json::to_string(&event).unwrap();
    assert!(line.contains("\"event\":\"builds-compared\""), "{line}");
    assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
}

/// No change is in the middle, and as many times faster is as far from it as slower.
#[test]
fn the_picture_has_its_points_where_their_ratios_are() {
    let all = [
        comparison("slow", ComparisonVerdict::Worse, 1.25),
        comparison("same", ComparisonVerdict::Same, 1.0),
        comparison("fast", ComparisonVerdict::Better, 0.8),
    ];
    for shape in SHAPES {
        let drawing = draw(&all, shape).unwrap();
        let at = |build: usize| match markers(&drawing, Colour::Series(build)).as_slice() {
            [only] => *only,
            other => panic!("{shape:?}: {other:?}"),
        };
        let (slow, same, fast) = (at(0), at(1), at(2));
        assert!((slow.0 - same.0 - (same.0 - fast.0)).abs() < 0.01, "{shape:?}: {slow:?} {same:?} {fast:?}");
        assert!(slow.0 - same.0 > 20.0 && slow.1 < fast.1, "what is worse stands above: {slow:?} {fast:?}");
        for (index, a) in boxes(&drawing).iter().enumerate() {
            let within = a.0 >= 0.0 && a.1 >= 0.0 && a.2 <= drawing.width && a.3 <= drawing.height;
            assert!(within, "{shape:?}: {a:?} in {} x {}", drawing.width, drawing.height);
            for b in &boxes(&drawing)[..index] {
                assert!(a.2 <= b.0 || b.2 <= a.0 || a.3 <= b.1 || b.3 <= a.1, "{shape:?}: {a:?} over {b:?}");
            }
        }
        assert!(drawing.description.contains("rtt, slow: +25.0 %, worse"), "{}", drawing.description);
    }
    let none = Comparison { evidence: None, ..comparison("x", ComparisonVerdict::Invalid, 1.0) };
    assert!(draw(&[none], SHAPES[0]).is_none());
}
