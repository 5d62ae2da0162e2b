//! Shared memory that is too small: a scenario is judged or says what it needs, and no requirement is broken.

use std::process::{Command, Stdio};

use shmark::report::json;
use shmark::results::model::{CoverageVerdict, Report, Verdict};

use super::{DEADLINE, Ended, finish};

/// The mount is private to the command and ends with it.
const SMALL: &str = "mount -t tmpfs -o size=64m tmpfs /dev/shm && exec \"$@\"";

/// A command in a mount namespace of its own.
fn unshared(words: &[&str]) -> Ended {
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", SMALL, "sh"]).args(words);
    command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // `unshare` and the shell become the command, so that a deadline ends it.
    finish(command.spawn().unwrap(), DEADLINE)
}

/// Runs shmark with 64 MiB, where mounts are permitted.
fn with_64_mib(words: &[&str]) -> Option<(Ended, Report)> {
    if Command::new("unshare").arg("--version").output().is_err() {
        eprintln!("not tested: there is no `unshare` here");
        return None;
    }
    let probe = unshared(&["true"]);
    if probe.code != Some(0) {
        eprintln!("not tested: mount namespaces are not permitted here: {}", probe.err);
        return None;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("report.json");
    let all = [&[env!("CARGO_BIN_EXE_shmark")], words, &["--json", file.to_str().unwrap()]].concat();
    let ended = unshared(&all);
    let report = json::read(&file).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    Some((ended, report))
}

#[test]
fn a_scenario_that_needs_more_shared_memory_than_there_is_breaks_nothing() {
    let run = ["conform", "--run", "typ/a-request-of-64-mib-arrives", "--run", "snd/no-server", "--jobs", "2"];
    let Some((ended, report)) = with_64_mib(&run) else { return };
    let of = |id: &str| report.conformance.iter().find(|result| result.scenario == id).unwrap();
    let large = of("typ/a-request-of-64-mib-arrives");
    assert_eq!((of("snd/no-server").outcome, large.outcome), (Verdict::Pass, Verdict::Error), "{ended:?}");
    for part in ["needs 288 MiB", "/dev/shm has", "--shm-size=1g", "remount,size=1g"] {
        assert!(large.message.contains(part), "{part}: {}", large.message);
    }
    assert!(ended.out.contains("--shm-size=1g"), "{}", ended.out);
    assert!(report.coverage.iter().all(|entry| entry.verdict != CoverageVerdict::Broken));
    assert_eq!(ended.code, Some(4), "{ended:?}");
}

/// The file understates what the engine takes, as a file does for an engine that takes more than others.
#[test]
fn an_engine_that_runs_out_of_shared_memory_breaks_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("conformance/typ");
    std::fs::create_dir_all(&folder).unwrap();
    let file = "typ/a-request-of-64-mib-arrives.toml";
    let text = std::fs::read_to_string(format!("scenarios/conformance/{file}")).unwrap();
    // Memory is the setup of this scenario; here its decision.
    let greedy = text
        .replace("memory_mib = 288", "memory_mib = 40")
        .replace("requirements = [", "requirements = [\"RR-PRT-01\", ")
        .replace(
            "initial_max_slice_len = 67108864 }",
            "initial_max_slice_len = 67108864, check = \"RR-PRT-01\", expect = { ok = {} } }",
        );
    std::fs::write(dir.path().join("conformance").join(file), greedy).unwrap();
    let words = ["conform", "--scenarios", dir.path().to_str().unwrap(), "--run", "typ/a-request-of-64-mib-arrives"];
    let Some((ended, report)) = with_64_mib(&words) else { return };
    let result = &report.conformance[0];
    assert_eq!(result.outcome, Verdict::Error, "{ended:?}");
    assert!(result.message.contains("ran out") && result.message.contains("--shm-size=1g"), "{}", result.message);
    assert!(report.coverage.iter().all(|entry| entry.verdict != CoverageVerdict::Broken));
    assert_eq!(ended.code, Some(4), "{ended:?}");
}
