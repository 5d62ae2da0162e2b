//! Lines that are printed to be run again are run again.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::selecting::scenarios;
use super::{DEADLINE, Ended, finish, shmark};

/// A line as a shell takes it, in a folder that is not the one of the first run.
fn typed(line: &str, folder: &Path) -> Ended {
    let program = Path::new(env!("CARGO_BIN_EXE_shmark"));
    let own = program.parent().unwrap().to_str().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder).env("PATH", format!("{own}:{path}"));
    for name in ["SHMARK_ROOT", "SHMARK_CONFIG"] {
        command.env_remove(name);
    }
    finish(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(), DEADLINE)
}

/// The report, and the repeat lines that are shown: one a cause.
fn conform(folder: &Path, words: &[&str]) -> (shmark::results::model::Report, Vec<String>) {
    let json = folder.join("r.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_shmark"));
    command.arg("conform").args(words).args(["--json", json.to_str().unwrap()]).current_dir(folder);
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let ended = finish(child, DEADLINE);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let shown = ended.out.lines().filter_map(|line| line.strip_prefix("  repeat: ")).map(str::to_owned).collect();
    (shmark::report::json::read(&json).unwrap(), shown)
}

/// Whatever the names of folders are like, and however subjects were named.
#[test]
fn every_repeat_line_of_a_failing_run_repeats_its_result() {
    let dir = tempfile::tempdir().unwrap();
    scenarios(&dir.path().join("it's mine, too"), "own/fails", true);
    let engine = dir.path().join("a, b");
    fs::create_dir(&engine).unwrap();
    let manifest = "name = \"mine\"\ndescription = \"d\"\npeer = [\"{shmark}\", \"peer\"]\n";
    fs::write(engine.join("subject.toml"), manifest).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mine = engine.join("subject.toml");
    let mine = mine.to_str().unwrap();
    for subjects in [
        &["--subject", "reference"][..],
        &["--client", "reference", "--server", mine],
        &["--client", mine, "--server", mine],
    ] {
        let words = ["--scenarios", "it's mine, too", "--run", "own/*", "--repeat", "2", "--seed", "7"];
        let words = [&words[..], &["--timeout-multiplier", "1.5"]].concat();
        let (report, shown) = conform(dir.path(), &[subjects, &words].concat());
        assert_eq!(shown, [report.conformance[0].repro.as_str()], "both cells fail for one cause");
        assert_eq!(report.conformance.len(), 2, "one a cell");
        for result in &report.conformance {
            let ended = typed(&format!("{} --json again.json", result.repro), elsewhere.path());
            assert_eq!(ended.code, Some(1), "{}: {ended:?}", result.repro);
            let again = shmark::report::json::read(&elsewhere.path().join("again.json")).unwrap();
            let [same] = again.conformance.as_slice() else { panic!("{}: {:?}", result.repro, again.conformance) };
            assert_eq!((&same.scenario, same.outcome, &same.cause), (&result.scenario, result.outcome, &result.cause));
            assert_eq!(same.repro, result.repro);
        }
    }
}

#[test]
fn what_explain_says_can_be_typed() {
    let dir = tempfile::tempdir().unwrap();
    let own = scenarios(&dir.path().join("my own"), "own/fails", true);
    let own = own.to_str().unwrap();
    for id in ["own/fails", "own/fails[len=2]", "RR-SND-01"] {
        let explained = shmark(&["explain", id, "--scenarios", own]);
        assert_eq!(explained.code, Some(0), "{explained:?}");
        let line = explained.out.lines().rev().find(|line| line.starts_with("shmark conform ")).unwrap();
        let ended = typed(&format!("{line} --json {}", "again.json"), dir.path());
        assert_eq!(ended.code, Some(1), "{line}: {ended:?}");
        let report = shmark::report::json::read(&dir.path().join("again.json")).unwrap();
        assert!(report.conformance.iter().any(|result| result.scenario.starts_with("own/fails")), "{line}");
    }
}
