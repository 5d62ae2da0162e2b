//! What subjects and cases are set against: columns and sentences in every format.

use std::collections::BTreeMap;

use shmark::report;
use shmark::results::model::{BenchResult, Measure, Ratio, Relative, Report, Saturated};

use super::sample;

fn case(outstanding: &str) -> BTreeMap<String, String> {
    BTreeMap::from([("outstanding".into(), outstanding.into()), ("payload".into(), "u64".into())])
}

/// Two subjects in two cases of one scenario.
fn compared(measure: Measure) -> Report {
    let result = |subject: &str, p50_ns: f64, outstanding: &str| BenchResult {
        scenario: "throughput".into(),
        measure,
        case: case(outstanding),
        ..sample::measured(subject, p50_ns, 1.0)
    };
    let relative = |subject: &str, baseline: &str, of: &str, beside: Option<&str>, ratio: f64| Relative {
        scenario: "throughput".into(),
        case: case(of),
        subject: subject.into(),
        baseline: baseline.into(),
        baseline_case: beside.map(case),
        measure,
        rounds: 8,
        ratio: Ratio { ratio, ci95: [ratio * 0.98, ratio * 1.02] },
        ratios: Vec::new(),
        floor_ns: None,
        regimes: Vec::new(),
    };
    Report {
        bench: vec![
            result("ours", 200.0, "1"),
            result("theirs", 400.0, "1"),
            result("ours", 50.0, "8"),
            result("theirs", 200.0, "8"),
        ],
        relative: vec![
            relative("ours", "theirs", "1", None, 2.0),
            relative("ours", "theirs", "8", None, 4.0),
            relative("ours", "ours", "8", Some("1"), 3.9),
            relative("theirs", "theirs", "8", Some("1"), 1.9),
        ],
        ..sample::empty()
    }
}

/// The report as terminal, Markdown and HTML, without line breaks.
fn every_format(report: &Report) -> Vec<(&'static str, String)> {
    let scratch = tempfile::tempdir().unwrap();
    report::write_all(report, scratch.path()).unwrap();
    let read = |name| std::fs::read_to_string(scratch.path().join(name)).unwrap();
    vec![
        ("terminal", report::render_terminal(report, 200, false)),
        ("Markdown", read("summary.md")),
        ("HTML", read("report.html").replace("&#x2f;", "/")),
    ]
}

#[test]
fn a_throughput_is_shown_per_second_and_compared_as_such() {
    let report = compared(Measure::Throughput);
    for (format, text) in every_format(&report) {
        for part in ["ne message", "20.0 M", "50.0 ns"] {
            assert!(text.contains(part), "{format} lacks {part}: {text}");
        }
        // The page explains percentiles elsewhere; what must not be there is a heading.
        let heading = if format == "HTML" { ">p99<" } else { "p99 " };
        assert!(!text.contains(heading), "{format}: messages of a throughput have no times of their own");
        assert!(text.contains("ours has 4.00 times as many messages per second as theirs"), "{format}: {text}");
        let own = "ours with outstanding 8 has 3.90 times as many messages per second as with outstanding 1";
        assert!(text.contains(own), "{format}: {text}");
        // Theirs beside ours, and each beside itself in the first case.
        for part in ["vs. ours", "vs. outstanding 1", "0.250 (", "3.90 (", "1.90 ("] {
            assert!(text.contains(part), "{format} lacks {part}: {text}");
        }
    }
}

#[test]
fn a_round_trip_is_compared_by_its_time() {
    let report = compared(Measure::RoundTrip);
    for (format, text) in every_format(&report) {
        assert!(text.contains("p99") && text.contains("ours takes 4.00 times as long as theirs"), "{format}: {text}");
        assert!(text.contains("ours with outstanding 8 takes 3.90 times as long as with outstanding 1"), "{format}");
        assert!(text.contains("vs. ours") && text.contains("vs. outstanding 1"), "{format}: {text}");
    }
}

#[test]
fn a_throughput_is_one_line_over_what_varies_and_has_no_percentiles() {
    let scratch = tempfile::tempdir().unwrap();
    let plots = report::write_all(&compared(Measure::Throughput), scratch.path()).unwrap().plots;
    let mut names: Vec<_> = plots.iter().map(|plot| plot.file_name().unwrap().to_str().unwrap()).collect();
    names.sort_unstable();
    let expected =
        ["throughput-series-dark.png", "throughput-series-dark.svg", "throughput-series.png", "throughput-series.svg"];
    assert_eq!(names, expected, "one picture for two cases");
}

/// 50 ns for a message are 20 million a second, whatever the mean over all slices is.
#[test]
fn figures_of_a_row_agree_with_each_other() {
    let mut report = compared(Measure::Throughput);
    for result in &mut report.bench {
        result.throughput_per_s = 123_456.0;
    }
    for (format, text) in every_format(&report) {
        assert!(text.contains("20.0 M/s") && !text.contains("123 k/s"), "{format}: {text}");
    }
    let report = compared(Measure::RoundTrip);
    let question = &report::questions::questions(&report)[0];
    let times = report::tables::times(question);
    let percentiles = report::tables::percentiles(question).unwrap();
    let headings = |table: &report::tables::FigureTable| -> Vec<String> {
        table.headings.iter().map(|heading| heading.text.clone()).collect()
    };
    assert!(!headings(&times).iter().any(|text| text.starts_with('p')), "another estimator: {:?}", headings(&times));
    assert!(times.caption.contains("slices timed as a whole") && percentiles.caption.contains("timed one by one"));
}

/// A peer of an older protocol times no slice as a whole: what it has is named.
#[test]
fn who_times_otherwise_is_named() {
    let mut report = compared(Measure::RoundTrip);
    for result in report.bench.iter_mut().filter(|result| result.subject == "theirs") {
        (result.trip_ns, result.floor_ns, result.above_floor_ns) = (None, None, None);
    }
    let caption = |report: &Report| report::tables::times(&report::questions::questions(report)[0]).caption;
    let some = caption(&report);
    assert!(some.contains("without a clock in them; those of theirs timed one by one, with a reading"), "{some}");
    report.bench.iter_mut().for_each(|result| result.trip_ns = None);
    assert!(caption(&report).ends_with(": timed one by one, with a reading of the clock in round trip and floor."));
}

#[test]
fn a_case_is_called_by_what_varies() {
    let report = compared(Measure::RoundTrip);
    let question = &report::questions::questions(&report)[0];
    assert_eq!(question.cases.iter().map(|case| &*case.name).collect::<Vec<_>>(), ["outstanding 1", "outstanding 8"]);
    assert_eq!(question.label(), "throughput: payload u64");
    for (format, text) in every_format(&report) {
        assert!(text.contains("outstanding 8") && !text.contains("outstanding 8, payload"), "{format}: {text}");
    }
}

/// An older report has no titles.
#[test]
fn a_question_without_a_title_is_called_by_its_scenario() {
    let mut report = compared(Measure::RoundTrip);
    for (format, text) in every_format(&report) {
        assert!(text.contains("How long does a round trip of one u64 take"), "{format}: {text}");
    }
    report.bench.iter_mut().for_each(|result| result.title.clear());
    assert_eq!(report::questions::questions(&report)[0].title, "throughput");
    assert!(report::markdown::render(&report).contains("\n### throughput\n"));
}

/// Reports of an older version have neither measures nor cases that are compared.
#[test]
fn what_older_reports_lack_has_a_default() {
    let mut json = serde_json::to_value(compared(Measure::RoundTrip)).unwrap();
    for table in ["bench", "relative"] {
        for entry in json[table].as_array_mut().unwrap() {
            entry.as_object_mut().unwrap().remove("measure");
        }
    }
    let report: Report = serde_json::from_value(json).unwrap();
    assert_eq!(report, compared(Measure::RoundTrip));
}

/// One rate for two subjects, too much for one of them.
fn open_loop() -> Report {
    let mut report = compared(Measure::OpenLoop);
    report.bench.drain(2..);
    report.relative.clear();
    for result in &mut report.bench {
        (result.trip_ns, result.floor_ns, result.above_floor_ns) = (None, None, None);
        (result.p50_floors, result.regimes) = (None, Vec::new());
        result.p50_floors_rounds.clear();
        result.throughput_per_s = 4e6;
    }
    report.bench[1].saturated = Some(Saturated { asked_per_s: 4e6, achieved_per_s: 2.9e6, rounds: 8 });
    report.bench[1].throughput_per_s = 2.9e6;
    report
}

#[test]
fn a_saturated_subject_has_a_rate_and_no_latency() {
    let report = open_loop();
    assert!(report.bench.iter().all(|result| result.valid));
    for (format, text) in every_format(&report) {
        // HTML writes the slash of a rate in another way.
        assert!(
            text.contains("theirs is saturated: asked for 4.00 M") && text.contains("did 2.90 M"),
            "{format}: {text}"
        );
        assert!(text.contains("atency p50") && text.contains("199 ns"), "{format}: {text}");
        assert!(!text.contains("398 ns") && !text.contains("399 ns"), "{format} shows what says nothing: {text}");
    }
    let mut sometimes = report;
    sometimes.bench[1].saturated = Some(Saturated { asked_per_s: 4e6, achieved_per_s: 3.9e6, rounds: 2 });
    for (format, text) in every_format(&sometimes) {
        assert!(text.contains("did 3.90 M") && text.contains("in 2 of 8 rounds."), "{format}: {text}");
    }
}

#[test]
fn an_open_loop_has_distributions_of_those_that_keep_up_and_no_floors() {
    let scratch = tempfile::tempdir().unwrap();
    let plots = report::write_all(&open_loop(), scratch.path()).unwrap().plots;
    let is_distribution = |plot: &std::path::PathBuf| {
        ["percentiles", "distribution"].iter().any(|name| plot.to_string_lossy().contains(name))
    };
    assert!(plots.iter().all(is_distribution), "{plots:?}");
    for plot in plots.iter().filter(|plot| plot.extension().is_some_and(|extension| extension == "svg")) {
        let svg = std::fs::read_to_string(plot).unwrap();
        assert!(
            svg.contains("ours") && !svg.contains("theirs"),
            "{}: a saturated subject has no curve",
            plot.display()
        );
        assert!(
            svg.contains("atenc") && !svg.contains("ound-trip time"),
            "{}: its times are latencies",
            plot.display()
        );
    }
}
