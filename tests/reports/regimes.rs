//! A run in which the machine changed its placement, in every format.

use insta::assert_snapshot;
use shmark::results::model::{BenchRegime, BenchResult, Estimate, Relative, RelativeRegime, Report, Time};
use shmark::{report, results};

use super::sample;

/// Near, where both were measured in five rounds, and far, where they were in one.
fn changed() -> Report {
    let mut report = sample::report();
    report.bench.retain(|result| ["reference", "iceoryx2"].contains(&&*result.subject));
    report.relative.truncate(1);
    report.conformance.clear();
    report.coverage.clear();
    let regime = |floor_ns: f64, rounds, p50_ns: f64, ci95| BenchRegime {
        floor_ns,
        rounds,
        intervals: 100 * rounds as u64,
        p50_ns,
        p50_floors: Estimate { ratio: p50_ns / floor_ns, ci95 },
        above_floor_ns: Some(Time { ns: p50_ns - floor_ns, ci95_ns: None }),
    };
    report.bench[0].regimes =
        vec![regime(120.0, 5, 181.2, Some([1.49, 1.52])), regime(250.0, 3, 510.0, Some([1.9, 2.1]))];
    report.bench[1].regimes = vec![regime(120.0, 5, 1272.0, Some([10.5, 10.7])), regime(250.0, 1, 2850.0, None)];
    let pair = |floor_ns, rounds, ratio, ci95| RelativeRegime { floor_ns, rounds, ratio, ci95 };
    let relative = &mut report.relative[0];
    relative.regimes = vec![pair(120.0, 5, 0.142, Some([0.14, 0.144])), pair(250.0, 1, 0.179, None)];
    (relative.ratio.ratio, relative.ratio.ci95, relative.rounds) = (0.142, [0.14, 0.144], 5);
    relative.floor_ns = Some(120.0);
    report
}

#[test]
fn terminal() {
    assert_snapshot!(report::render_terminal(&changed(), 100, false));
}

#[test]
fn a_narrow_terminal_keeps_whole_figures() {
    for width in [40, 60, 80] {
        let text = report::render_terminal(&changed(), width, false);
        assert!(text.lines().all(|line| line.chars().count() <= width), "{width}: {text}");
        for figure in ["250 ns", "510 ns", "2.04 (1.90–2.10)", "5.59", "7.04 (6.94–7.14)"] {
            assert!(text.contains(figure), "{width}, {figure}: {text}");
        }
    }
}

#[test]
fn markdown() {
    let text = report::markdown::render(&changed());
    let of_case = &text[text.find("### How long").unwrap()..text.find("### Machine").unwrap()];
    assert_snapshot!(of_case);
}

/// With `SHMARK_RENDER_TO=DIR` the page stays there to be looked at.
#[test]
fn html() {
    let html = report::html::render(&changed()).unwrap();
    if let Some(dir) = std::env::var_os("SHMARK_RENDER_TO") {
        std::fs::write(std::path::Path::new(&dir).join("regimes.html"), &html).unwrap();
    }
    let table = &html[html.find(report::regimes::CAPTION).unwrap()..];
    for cell in
        ["floor 120 ns", "1.51 (1.49–1.52)", "7.04 (6.94–7.14)", "floor 250 ns", "<td>11.4</td>", "<td>5.59</td>"]
    {
        assert!(table.contains(cell), "{cell} is missing: {table}");
    }
}

#[test]
fn a_comparison_over_all_floors_says_so() {
    let mut report = changed();
    report.relative[0].floor_ns = None;
    assert!(report::render_terminal(&report, 200, false).contains("5 common rounds over all floors)"));
}

#[test]
fn a_single_regime_is_not_worth_a_table() {
    let mut report = changed();
    for result in &mut report.bench {
        result.regimes.truncate(1);
    }
    report.relative[0].regimes.truncate(1);
    let text = report::render_terminal(&report, 100, false);
    assert!(!text.contains(report::regimes::CAPTION.split_at(30).0) && !text.contains("with a floor"), "{text}");
    assert!(!report::html::render(&report).unwrap().contains(report::regimes::CAPTION));
}

/// Two runs beside each other never have the same floors to the last digit.
#[test]
fn placements_of_two_runs_are_one_line_if_their_floors_are_alike() {
    let mut other = changed();
    for regime in other.bench.iter_mut().flat_map(|result| &mut result.regimes) {
        regime.floor_ns *= 1.03;
    }
    let whole = results::merge::side_by_side(vec![("a".into(), changed()), ("b".into(), other)]).unwrap();
    assert_eq!(report::cases::floors_of(&whole, "rtt"), [120.0, 250.0]);
}

#[test]
fn figures_that_are_no_numbers_are_not_shown() {
    let mut report = changed();
    report.bench[0].regimes[1].p50_ns = f64::NAN;
    report.relative[0].regimes[0].ci95 = Some([f64::INFINITY, 1.0]);
    let report = report::sanitise::finite(&report);
    assert!(!report.bench[0].valid && report.bench[0].regimes[1].p50_ns == 0.0);
    assert_eq!(report.relative[0].regimes.len(), 1);
}

/// Reports of an older version know no regimes.
#[test]
fn older_reports_load_and_are_shown() {
    let mut json = serde_json::to_value(changed()).unwrap();
    for (table, fields) in [("bench", &["regimes"][..]), ("relative", &["regimes", "floor_ns"])] {
        for entry in json[table].as_array_mut().unwrap() {
            for field in fields {
                entry.as_object_mut().unwrap().remove(*field).unwrap();
            }
        }
    }
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("report.json");
    std::fs::write(&path, serde_json::to_string(&json).unwrap()).unwrap();
    let old = report::json::read(&path).unwrap();
    assert!(old.bench.iter().all(|BenchResult { regimes, .. }| regimes.is_empty()));
    assert!(old.relative.iter().all(|Relative { regimes, floor_ns, .. }| regimes.is_empty() && floor_ns.is_none()));
    report::write_all(&old, scratch.path()).unwrap();
    assert!(report::render_terminal(&old, 200, false).contains("5 common rounds)"));
}
