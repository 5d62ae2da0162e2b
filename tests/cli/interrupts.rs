//! An interrupt at moments in which nothing is waited for.

use std::fs;
use std::time::Instant;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{DEADLINE, assert_nothing_left, finish, start};

/// Starts a command, interrupts it once `events.jsonl` has the given text, and expects the end that an interrupt has.
fn interrupted_at(dir: &std::path::Path, words: &[&str], text: &str) {
    let out = dir.join("out");
    let child = start(&[words, &["--out", out.to_str().unwrap()]].concat());
    let (pid, since) = (child.id(), Instant::now());
    while !fs::read_to_string(out.join("events.jsonl")).unwrap_or_default().contains(text) {
        assert!(since.elapsed() < DEADLINE, "{text} does not come");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGINT).unwrap();
    let ended = finish(child, DEADLINE);
    assert_eq!(ended.code, Some(130), "{words:?}: {ended:?}");
    assert_nothing_left(pid);
}

#[test]
fn a_build_that_never_stops_talking_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let manifest = "name = \"loud\"\ndescription = \"d\"\nbuild = [[\"sh\", \"-c\", \"while :; do echo x; sleep 0.01; done\"]]\n\
                    peer = [\"/bin/true\"]\n";
    fs::write(dir.path().join("subject.toml"), manifest).unwrap();
    let subject = dir.path().to_str().unwrap();
    // With one processor nothing is built, as nothing can be measured.
    let commands: &[&str] =
        if shmark::bench::pin::allowed().unwrap().len() < 2 { &["conform"] } else { &["conform", "bench"] };
    for command in commands {
        let scratch = tempfile::tempdir().unwrap();
        interrupted_at(scratch.path(), &[command, "--subject", subject], "\"building\"");
    }
}

#[test]
fn a_scenario_that_is_repeated_is_interrupted() {
    let dir = tempfile::tempdir().unwrap();
    let words = ["conform", "--run", "svc/*", "--repeat", "1000000", "--jobs", "1"];
    interrupted_at(dir.path(), &words, "\"scenario-started\"");
}
