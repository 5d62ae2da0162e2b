//! What is in the folder for results after a run that could not do what it was to do, and which subjects a run answers for.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shmark::report::json;

use super::{DEADLINE, finish, shmark, start, subject};

const OURS: [&str; 6] =
    ["report.json", "junit.xml", "summary.md", "report.html", "benchmarks.csv", "plots/rtt-u64-floors.svg"];
const OTHERS: [&str; 2] = ["notes.md", "plots/holiday.png"];

/// A folder as an earlier run has left it, with files of somebody else.
fn yesterday(dir: &Path) -> String {
    fs::create_dir_all(dir.join("plots")).unwrap();
    for name in OURS.iter().chain(&OTHERS) {
        fs::write(dir.join(name), "of yesterday").unwrap();
    }
    dir.to_str().unwrap().to_owned()
}

fn of_yesterday(dir: &Path) -> Vec<&'static str> {
    let is_old = |name: &&&str| fs::read_to_string(dir.join(name)).is_ok_and(|text| text == "of yesterday");
    OURS.iter().chain(&OTHERS).filter(is_old).copied().collect()
}

#[test]
fn a_run_that_fails_leaves_a_report_that_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let missing = subject(dir.path(), "missing", "[\"/no/such/program\"]");
    let missing = missing.to_str().unwrap();
    for (words, code, why) in [
        (&["conform", "--run", "no/such/scenario"][..], 3, "no scenario was selected"),
        (&["conform", "--subject", missing, "--run", "svc/*"], 4, "/no/such/program"),
        (&["conform", "--subject", "nobody"], 2, "no subject `nobody`"),
        (&["conform", "--requirement", "RR-NO-01"], 2, "RR-NO-01"),
        (&["bench", "nowhere"], 2, "no benchmark scenario `nowhere`"),
        (&["run", "--scenarios", "/no/such/folder"], 2, "/no/such/folder"),
    ] {
        let out = dir.path().join("out");
        let out_words = yesterday(&out);
        let ended = shmark(&[words, &["--out", &out_words]].concat());
        assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
        assert_eq!(of_yesterday(&out), OTHERS, "{words:?}");
        let footer = json::read(&out.join("report.json")).unwrap().footer.unwrap();
        let failure = footer.failure.unwrap_or_default();
        assert!(!footer.complete && failure.contains(why), "{words:?}: {failure}");
        let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
        assert!(read("summary.md").contains("❌ **Failed, there are no results: "), "{}", read("summary.md"));
        assert!(read("junit.xml").contains("errors=\"1\""), "{}", read("junit.xml"));
        assert!(read("report.html").contains("Not as expected") && read("report.html").contains("Failed, there"));
        assert!(read("events.jsonl").lines().last().unwrap().contains("\"failure\""), "{}", read("events.jsonl"));
    }
}

#[test]
fn results_of_yesterday_are_gone_before_there_are_new_ones() {
    let dir = tempfile::tempdir().unwrap();
    let out_words = yesterday(dir.path());
    let child = start(&["conform", "--run", "svc/*", "--repeat", "1000000", "--jobs", "1", "--out", &out_words]);
    let (pid, since) = (child.id(), Instant::now());
    while !fs::read_to_string(dir.path().join("events.jsonl")).unwrap_or_default().contains("\"scenario-started\"") {
        assert!(since.elapsed() < DEADLINE, "no scenario has started");
        std::thread::sleep(Duration::from_millis(5));
    }
    let left = of_yesterday(dir.path());
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGINT).unwrap();
    assert_eq!(finish(child, DEADLINE).code, Some(130));
    assert_eq!(left, OTHERS);
}

#[test]
fn a_subject_of_which_nothing_was_judged_is_not_green_beside_one_that_passes() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let words = ["conform", "--run", "svc/*", "--requirement", "RR-SVC-01", "--out", out, "--subject", "reference"];
    assert_eq!(shmark(&words).code, Some(0));
    let ended = shmark(&[&words[..], &["--subject", "pipe"]].concat());
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let said = ended.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("Subject `pipe` was asked for, and no scenario was carried out"), "{said}");
    let footer = json::read(&dir.path().join("report.json")).unwrap().footer.unwrap();
    assert!(footer.complete && footer.without_result.len() == 1, "{footer:?}");
    assert!(fs::read_to_string(dir.path().join("junit.xml")).unwrap().contains("every subject that was asked for"));
}

#[test]
fn two_subjects_of_one_name_are_judged_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    // Never started.
    let [one, two] = ["a", "b"].map(|folder| subject(&dir.path().join(folder), "twin", "[\"/no/such/program\"]"));
    let (one, two) = (one.to_str().unwrap(), two.to_str().unwrap());
    let both = format!("{one},{two}");
    for words in [
        &["conform", "--subject", &both][..],
        &["conform", "--client", one, "--server", two],
        &["bench", "rtt", "--subject", &both],
    ] {
        let ended = shmark(words);
        let one_processor = words[0] == "bench" && shmark::bench::pin::allowed().unwrap().len() < 2;
        assert_eq!(ended.code, Some(if one_processor { 3 } else { 2 }), "{words:?}: {ended:?}");
        assert!(one_processor || ended.err.contains("two different subjects are called `twin`"), "{}", ended.err);
    }
}
