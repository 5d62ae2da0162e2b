//! `shmark bench --resume`: what an earlier run has answered is not asked again.

use std::fs;
use std::path::Path;

use shmark::report::json;
use shmark::results::model::Report;

use super::shmark;

/// Two questions that take a moment each.
fn questions(dir: &Path) -> String {
    fs::create_dir(dir.join("bench")).unwrap();
    for name in ["first", "second"] {
        let text = format!(
            "name = \"{name}\"\ntitle = \"How long does {name} take?\"\nlifecycle = \"growth\"\nallocation = [\"static\"]\n\
             bytes = [64, 128]\nrounds = 1\n"
        );
        fs::write(dir.join(format!("bench/{name}.toml")), text).unwrap();
    }
    dir.to_str().unwrap().to_owned()
}

fn rounds(report: &Report, scenario: &str) -> Vec<Vec<f64>> {
    let results = report.lifecycle.iter().filter(|result| result.scenario == scenario);
    results.map(|result| result.figures[0].rounds.clone()).collect()
}

#[test]
fn only_what_is_missing_is_measured() {
    if shmark::bench::pin::allowed().unwrap().len() < 2 {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let scenarios = questions(dir.path());
    let out = dir.path().join("out");
    let folder = out.to_str().unwrap();
    let bench = |more: &[&str]| {
        let words = ["bench", "first", "second", "--scenarios", &scenarios, "--out", folder, "--any-placement"];
        shmark(&[&words, more].concat())
    };
    let report = || json::read(&out.join("report.json")).unwrap();
    // Nothing to go on with is no error.
    let whole = bench(&["--resume"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let before = report();
    assert_eq!((rounds(&before, "first").len(), rounds(&before, "second").len()), (2, 2));

    // A run that was interrupted in the second question: its last question is asked again, whatever it has.
    let mut cut = before.clone();
    cut.footer.as_mut().unwrap().complete = false;
    cut.lifecycle.pop();
    fs::write(out.join("report.json"), serde_json::to_string(&cut).unwrap()).unwrap();
    let resumed = bench(&["--resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.err.contains("taken over from an earlier run") && resumed.err.contains(": first"), "{resumed:?}");
    let after = report();
    assert_eq!(rounds(&after, "first"), rounds(&before, "first"), "the very figures of the earlier run");
    assert_eq!(rounds(&after, "second").len(), 2);
    assert_ne!(rounds(&after, "second"), rounds(&before, "second"), "measured anew");
    assert!(after.footer.unwrap().complete);

    // Of a run that got nowhere near a report there are the events.
    fs::remove_file(out.join("report.json")).unwrap();
    let again = bench(&["--resume"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!((rounds(&report(), "first"), rounds(&report(), "second").len()), (rounds(&before, "first"), 2));

    // More rounds than the earlier run has had.
    let longer = bench(&["--resume", "--rounds", "2"]);
    assert_eq!(longer.code, Some(0), "{longer:?}");
    assert!(rounds(&report(), "first").iter().all(|rounds| rounds.len() == 2), "{:?}", report().lifecycle);

    let mut elsewhere = report();
    elsewhere.machine.cpu = "another processor".to_owned();
    fs::write(out.join("report.json"), serde_json::to_string(&elsewhere).unwrap()).unwrap();
    let refused = bench(&["--resume"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the earlier run was on another machine"), "{refused:?}");
}

#[test]
fn a_run_says_beforehand_how_long_it_takes() {
    if shmark::bench::pin::allowed().unwrap().len() < 2 {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let scenarios = questions(dir.path());
    let ended = shmark(&["bench", "first", "--scenarios", &scenarios, "--any-placement"]);
    assert!(ended.err.contains("this takes about 1.0 s"), "{ended:?}");
}
