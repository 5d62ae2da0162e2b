//! `shmark compare` with made-up peers: the truth is known, and nothing depends on the speed of the machine.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use shmark::bench;
use shmark::results::model::{ComparisonMethod, ComparisonVerdict, Report};

use super::subject;

/// Runs the command with `--json` and returns its exit code, what it said, and the report.
fn compare(dir: &Path, words: &[&str]) -> (Option<i32>, String, Report) {
    let json = dir.join("compare.json");
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_shmark"))
        .current_dir(dir)
        .args(["compare", "--any-placement", "--json", json.to_str().unwrap()])
        .args(words)
        .output()
        .unwrap();
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    let report = shmark::report::json::read(&json).unwrap_or_else(|error| panic!("{error}; {said}"));
    (status.code(), said, report)
}

/// Two processors are needed to measure anything.
fn is_possible() -> bool {
    bench::pin::allowed().unwrap().len() >= 2
}

fn path(dir: &Path, name: &str) -> String {
    dir.join(name).to_string_lossy().into_owned()
}

#[test]
fn a_slower_build_is_worse_after_fresh_launches_and_fails_the_run() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "base", "floors-2");
    subject(dir.path(), "new", "floors-2.2");
    let words = [&*path(dir.path(), "base"), &path(dir.path(), "new")];
    let (code, said, report) = compare(dir.path(), &words);
    assert_eq!(code, Some(1), "{said}");
    let [found] = report.comparisons.as_slice() else { panic!("{:?}", report.comparisons) };
    assert_eq!(
        (found.verdict, found.fails, found.method),
        (ComparisonVerdict::Worse, true, ComparisonMethod::Interleaved)
    );
    assert_eq!((&*found.base, &*found.new, &*found.scenario), ("base", "new", "rtt"));
    let (evidence, before) = (found.evidence.unwrap(), found.before_confirmation.unwrap());
    assert!(
        (evidence.ratio.ratio - 1.1).abs() < 1e-9 && evidence.effect > 0.99 && evidence.rank_p < 0.001,
        "{evidence:?}"
    );
    assert_eq!((evidence.launches, before.launches, found.ratios.len()), (20, 20, 20));
    assert!(said.contains("new takes more time than base, by 5 % or more: +10.0 %"), "{said}");
    assert!(said.contains("1 comparison of builds: 1 worse; 1 fails the run."), "{said}");
    // What is slower by less than asked for is told and does not fail.
    let (code, said, _) = compare(dir.path(), &[words[0], words[1], "--fail-on", "15%"]);
    assert!(code == Some(0) && said.contains("by less than what fails (15 %)"), "{code:?} {said}");
}

#[test]
fn what_the_budget_does_not_settle_is_too_noisy_and_fails_nothing() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "base", "floors-2");
    subject(dir.path(), "new", "restless");
    let words = [&*path(dir.path(), "base"), &path(dir.path(), "new"), "--rounds-max", "20"];
    let (code, said, report) = compare(dir.path(), &words);
    assert_eq!(code, Some(0), "{said}");
    let [found] = report.comparisons.as_slice() else { panic!("{:?}", report.comparisons) };
    assert_eq!((found.verdict, found.ratios.len()), (ComparisonVerdict::TooNoisy, 20), "{said}");
    assert!(said.contains("! 1 comparison of builds: 1 too noisy.") && said.contains("--rounds-max"), "{said}");
}

#[test]
fn a_faster_build_is_better() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "base", "floors-2");
    subject(dir.path(), "new", "floors-1.5");
    let (code, said, report) = compare(dir.path(), &[&path(dir.path(), "base"), &path(dir.path(), "new")]);
    assert_eq!((code, report.comparisons[0].verdict), (Some(0), ComparisonVerdict::Better), "{said}");
    assert!(said.contains("new takes less time than base: -25.0 %"), "{said}");
}

#[test]
fn the_same_build_is_the_same_whatever_it_is_called() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let spaced = dir.path().join("a folder");
    subject(&spaced, "a", "floors-2");
    let a = path(&spaced, "a");
    let (code, said, report) = compare(dir.path(), &[&a, &a]);
    assert_eq!(code, Some(0), "{said}");
    let [found] = report.comparisons.as_slice() else { panic!("{:?}", report.comparisons) };
    assert_eq!((found.verdict, &*found.base, &*found.new), (ComparisonVerdict::Same, "a-base", "a-new"));
    assert!(said.contains("a-new and a-base differ by less than 2.5 %"), "{said}");
    let words = [&a, &a, "./nobody peer", "--label", "main", "--label", "one"];
    let (code, said, report) = compare(dir.path(), &words);
    let names: Vec<_> = report.comparisons.iter().map(|found| (&*found.base, &*found.new)).collect();
    assert_eq!((code, names), (Some(4), vec![("main", "one")]), "what was found before a failure is kept: {said}");
}

#[test]
fn a_build_that_damages_messages_fails_with_the_reason() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "base", "floors-2");
    subject(dir.path(), "new", "checksum");
    let (code, said, report) = compare(dir.path(), &[&path(dir.path(), "base"), &path(dir.path(), "new")]);
    assert_eq!(code, Some(1), "{said}");
    let [found] = report.comparisons.as_slice() else { panic!("{:?}", report.comparisons) };
    assert_eq!((found.verdict, found.fails, found.evidence), (ComparisonVerdict::Invalid, true, None));
    assert!(found.why.as_ref().unwrap().contains("messages were lost, doubled or out of order"), "{:?}", found.why);
}

/// The machine took the processors away, each time that the launch was tried.
#[test]
fn a_launch_that_the_machine_has_disturbed_is_missing_and_fails_nothing() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "base", "floors-2");
    subject(dir.path(), "new", "disturbed-once");
    let (code, said, report) = compare(dir.path(), &[&path(dir.path(), "base"), &path(dir.path(), "new")]);
    assert_eq!(code, Some(0), "{said}");
    let [found] = report.comparisons.as_slice() else { panic!("{:?}", report.comparisons) };
    assert_eq!(
        (found.verdict, found.ratios.len()),
        (ComparisonVerdict::Same, 19),
        "one round of twenty is missing: {said}"
    );
}

#[test]
fn what_the_base_never_had_is_skipped_and_what_the_new_one_lost_fails() {
    if !is_possible() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    subject(dir.path(), "able", "floors-2");
    subject(dir.path(), "unable", "cannot");
    let (able, unable) = (path(dir.path(), "able"), path(dir.path(), "unable"));
    let (code, said, report) = compare(dir.path(), &[&unable, &able]);
    assert!(code == Some(3) && report.comparisons.is_empty(), "nothing was compared: {code:?} {said}");
    assert!(said.contains("unable is left out (unsupported: no such payload)"), "{said}");
    let (code, said, report) = compare(dir.path(), &[&able, &unable]);
    assert_eq!((code, report.comparisons[0].verdict), (Some(1), ComparisonVerdict::Invalid), "{said}");
}

/// A report with one subject and these figures of its rounds, in floors.
fn stored(dir: &Path, name: &str, label: Option<&str>, floors: &[f64]) -> PathBuf {
    let json = dir.join("empty.json");
    let made = Command::new(env!("CARGO_BIN_EXE_shmark"))
        .args(["conform", "--subject", "pipe", "--json", json.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(made.status.code(), Some(3), "{made:?}");
    let mut report: Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    let figures =
        json!({"min": 1.0, "p50": 1.0, "p90": 1.0, "p99": 1.0, "p99_9": 1.0, "p99_99": 1.0, "max": 1.0, "mean": 1.0});
    report["conformance"] = json!([]);
    report["label"] = json!(label);
    report["bench"] = json!([{
        "scenario": "rtt", "subject": "reference", "case": {"len": "1"}, "valid": true, "why_invalid": null,
        "rounds": floors.len(), "samples": 1, "rtt_ns": figures, "throughput_per_s": 1.0, "floor_rtt_ns": figures,
        "p50_floors": null, "p50_floors_rounds": floors, "cpu_ns_per_request": {"client": 1.0, "server": 1.0},
        "histogram": ""
    }]);
    let path = dir.join(name);
    std::fs::write(&path, report.to_string()).unwrap();
    path
}

#[test]
fn stored_reports_show_large_differences_only_and_never_fail() {
    let dir = tempfile::tempdir().unwrap();
    let around = |middle: f64| -> Vec<f64> { (0..10).map(|i| middle * (1.0 + 0.002 * f64::from(i))).collect() };
    let base = stored(dir.path(), "base.json", Some("monday"), &around(2.0));
    for (name, floors, verdict) in [
        ("slower.json", around(2.6), ComparisonVerdict::Worse),
        ("faster.json", around(1.5), ComparisonVerdict::Better),
        ("like.json", around(2.01), ComparisonVerdict::Same),
        // What two runs of one build differ by.
        ("near.json", around(2.2), ComparisonVerdict::TooNoisy),
        ("few.json", vec![2.6; 3], ComparisonVerdict::TooNoisy),
    ] {
        let new = stored(dir.path(), name, None, &floors);
        let (code, said, report) = compare(dir.path(), &[base.to_str().unwrap(), new.to_str().unwrap()]);
        assert_eq!(code, Some(0), "{name}: {said}");
        let [found] = report.comparisons.as_slice() else { panic!("{name}: {:?}", report.comparisons) };
        assert_eq!(
            (found.verdict, found.fails, found.method),
            (verdict, false, ComparisonMethod::Stored),
            "{name}: {said}"
        );
        assert_eq!(found.base, "reference (monday)", "the report's own label");
        assert!(found.new.contains(name), "{}", found.new);
        assert!(said.contains("These reports are of different runs"), "{said}");
        assert_eq!(said.contains("reports never fail a run"), verdict == ComparisonVerdict::Worse, "{name}: {said}");
    }
}

#[test]
fn inputs_that_cannot_be_compared_are_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let report = stored(dir.path(), "a.json", None, &[1.0; 10]);
    let refused = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_shmark")).arg("compare").args(words).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" "))
    };
    for (words, part) in [
        (&[report.to_str().unwrap(), "reference"][..], "give report.json files alone"),
        (&["reference", "nobody"], "no subject `nobody`"),
        (&["reference", "pipe", "--scenario", "rttt"], "did you mean `rtt`?"),
        (&["reference", "pipe", "--fail-on", "five"], "such as 5%"),
        (&["reference", "pipe", "--label", "a", "--label", "a"], "`a` is there twice"),
        (&["reference", "pipe", "--label", "a", "--label", "b", "--label", "c"], "3 labels for 2 inputs"),
        (&["reference", "pipe", "--rounds-max", "19"], "a number from 20"),
        (&["reference", "pipe", "--label", "a\nb"], "one line"),
        (&["reference"], "<NEW>"),
    ] {
        let (code, said) = refused(words);
        assert!(code == Some(2) && said.contains(part), "{words:?}: {code:?} {said}");
    }
}
