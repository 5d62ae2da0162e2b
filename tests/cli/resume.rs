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

    // What cannot be gone on with is refused, and stays as it is.
    let text = fs::read_to_string(out.join("report.json")).unwrap();
    let refused = bench(&["--resume", "--rounds", "2"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("the earlier run in this folder was"), "{refused:?}");
    assert_eq!(fs::read_to_string(out.join("report.json")).unwrap(), text);

    // A run that fails keeps what it was to go on with: here a question's file has become unreadable.
    let file = dir.path().join("bench/second.toml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, "name = 1").unwrap();
    let failed = bench(&["--resume"]);
    assert_eq!(failed.code, Some(2), "{failed:?}");
    assert_eq!((rounds(&report(), "first"), rounds(&report(), "second").len()), (rounds(&before, "first"), 2));
    // Once it is good again it is another file, which is asked anew; the other question is not.
    fs::write(&file, good).unwrap();
    let old = rounds(&report(), "second");
    let mended = bench(&["--resume"]);
    assert_eq!(mended.code, Some(0), "{mended:?}");
    assert_ne!(rounds(&report(), "second"), old);

    // What did not count is asked again.
    let mut invalid = report();
    invalid.lifecycle[0].valid = false;
    let scenario = invalid.lifecycle[0].scenario.clone();
    let old = rounds(&invalid, &scenario);
    fs::write(out.join("report.json"), serde_json::to_string(&invalid).unwrap()).unwrap();
    assert_eq!(bench(&["--resume"]).code, Some(0));
    assert!(rounds(&report(), &scenario) != old && report().lifecycle.iter().all(|result| result.valid));

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

/// Results are told apart by the name of their question.
#[test]
fn two_questions_of_one_name_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let scenarios = questions(dir.path());
    let other = dir.path().join("other.toml");
    let text = fs::read_to_string(dir.path().join("bench/first.toml")).unwrap();
    fs::write(&other, text.replace("rounds = 1", "rounds = 2")).unwrap();
    let ended = shmark(&["bench", "first", other.to_str().unwrap(), "--scenarios", &scenarios]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.err.contains("two different questions are called `first`"), "{ended:?}");
}
