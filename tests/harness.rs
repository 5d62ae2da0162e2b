//! The harness against peers that are broken on purpose: what it says, how long it takes, what is left.
#![allow(clippy::unwrap_used, reason = "a test ends with what it cannot go on from")]

#[path = "broken_peers/mod.rs"]
mod broken_peers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use broken_peers::{Broken, args, eventually};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use shmark::harness::Args;
use shmark::harness::error::HarnessError;
use shmark::harness::namespace::Leak;
use shmark::harness::peer::Peer;
use shmark::harness::reply::{Exit, Reply};
use shmark::harness::run_folder::RunFolder;

/// More than anything here takes, and less than a hang.
const BOUND: Duration = Duration::from_secs(20);
const LONG: Duration = Duration::from_secs(10);

fn root() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn spawn(broken: &Broken, root: &Path) -> Peer {
    Peer::spawn(&broken.subject, "p", root, 1).unwrap().0
}

fn receive(peer: &mut Peer, timeout: Duration) -> Reply {
    peer.call("server.receive", &args(&json!({"on": "srv", "as": "a"})), timeout)
}

fn refusal(broken: &Broken) -> HarnessError {
    let (root, began) = (root(), Instant::now());
    let error = Peer::spawn(&broken.subject, "p", root.path(), 1).map(|_| ()).unwrap_err();
    assert!(began.elapsed() < BOUND);
    broken.assert_nothing_left();
    error
}

#[test]
fn a_correct_peer_is_started_asked_and_finished() {
    let (broken, root) = (Broken::new("good"), root());
    let (mut peer, hello) = Peer::spawn(&broken.subject, "p", root.path(), 1).unwrap();
    assert_eq!((hello.implementation.as_str(), hello.wire.as_str()), ("fake", "fake"));
    let warnings = hello.warnings(&broken.subject);
    assert!(warnings[0].contains("does not list: resources, nodes"), "{warnings:?}");
    assert_eq!(receive(&mut peer, LONG).ok().unwrap()["received"], json!(false));
    assert_eq!(
        peer.call("service.open", &Args::new(), LONG).to_string(),
        "err does-not-exist, natively Fake::does-not-exist"
    );
    assert!(matches!(peer.call("read", &Args::new(), LONG), Reply::Unsupported(_)));
    assert_eq!(peer.finish(LONG).unwrap(), Exit::Code(0));
    assert_eq!(peer.unsolicited(), None);
    let transcript = peer.transcript();
    assert!(transcript[0].starts_with(r#"-> {"id":1,"op":"hello","protocol":5,"root":"#), "{transcript:?}");
    assert!(transcript[1].starts_with(r#"<- {"id":1,"ok":{"implementation":"fake""#), "{transcript:?}");
    broken.assert_nothing_left();
}

/// A peer of version 1 does not know the later ones, and is asked once more for each.
#[test]
fn a_peer_of_an_older_version_is_spoken_to_in_it() {
    let (broken, root) = (Broken::new("older"), root());
    let (mut peer, hello) = Peer::spawn(&broken.subject, "p", root.path(), 1).unwrap();
    assert_eq!((hello.implementation.as_str(), hello.protocol), ("fake", 1));
    assert_eq!(receive(&mut peer, LONG).ok().unwrap()["received"], json!(false));
    assert_eq!(peer.finish(LONG).unwrap(), Exit::Code(0));
    broken.assert_nothing_left();
}

/// Answers are collected in any order, and one that was begun does not disturb the next command.
#[test]
fn answers_are_told_apart_by_their_id() {
    let (broken, root) = (Broken::new("good"), root());
    let mut peer = spawn(&broken, root.path());
    let first = peer.begin("client.create", &args(&json!({"service": "service", "as": "one"}))).unwrap();
    let second = peer.begin("client.create", &args(&json!({"service": "service", "as": "two"}))).unwrap();
    assert_eq!(peer.wait(second, LONG).ok().unwrap()["port_id"], "port-two");
    assert_eq!(peer.wait(first, LONG).ok().unwrap()["port_id"], "port-one");
    assert!(matches!(peer.wait(first, LONG), Reply::Protocol(text) if text.contains("not under way")));
}

#[test]
fn a_program_that_is_no_peer_is_recognised() {
    for (command, seen) in [
        (&["cat"][..], "it looks like the command itself, echoed"),
        (&["true"], "exited with code 0 instead of answering"),
        (&["false"], "exited with code 1 instead of answering"),
        (&["yes"], "not JSON"),
        (&["sh", "-c", "kill -KILL $$"], "ended by signal 9 (SIGKILL)"),
        (&["sh", "-c", "exec >&-; exec sleep 1000"], "closed its stdout and went on running"),
        (&["sh", "-c", r#"read x; echo '{"id":1,"ok":{}}'; cat"#], "says too little: missing field"),
    ] {
        let broken = Broken::command(command);
        let error = refusal(&broken);
        assert!(matches!(error, HarnessError::NotAPeer { .. }), "{command:?}: {error}");
        assert_eq!(error.exit_code(), 4);
        let text = error.to_string();
        assert!(text.contains(seen), "{command:?}: {text}");
        assert!(text.contains("expected: the line") && text.contains("docs/PEER-PROTOCOL.md"), "{text}");
    }
}

#[test]
fn a_start_that_takes_too_long_is_told_with_what_was_said() {
    for (command, said) in [
        (&["sleep", "1000"][..], r#"-> {"id":1,"op":"hello""#),
        (
            &["sh", "-c", r#"read x; printf '{"id":1,"ok"'; exec sleep 1000"#],
            r#"<- {"id":1,"ok" (no end of line: end each answer with one, and flush)"#,
        ),
        (&["sh", "-c", "echo loading >&2; exec sleep 1000"], "!! loading"),
    ] {
        let mut broken = Broken::command(command);
        broken.subject.start_within_ms = 1000;
        let error = refusal(&broken);
        assert!(matches!(error, HarnessError::StartTooSlow { .. }), "{command:?}: {error}");
        assert_eq!(error.exit_code(), 4);
        let text = error.to_string();
        for part in [
            said,
            "has not answered `hello` within 1 s",
            "`start_within_ms`",
            "--timeout-multiplier",
            "expected: the line",
        ] {
            assert!(text.contains(part), "{command:?}: {part}: {text}");
        }
        assert!(!text.contains("does not speak"), "{text}");
    }
}

#[test]
fn a_peer_that_is_silent_after_hello_is_not_called_dishonest() {
    let broken = Broken::new("silent-after-hello");
    let mut quiet = broken.subject.clone();
    quiet.peer.splice(0..0, ["env".to_owned(), "SILENT=all".to_owned()]);
    let text = Peer::spawn(&quiet, "peer", root().path(), 1).unwrap_err().to_string();
    assert!(
        text.contains("an operation that does not exist, within 5 s") && text.contains("--timeout-multiplier"),
        "{text}"
    );
}

#[test]
fn a_start_has_the_time_that_manifest_and_multiplier_give_it() {
    let root = root();
    for (within_ms, multiplier, is_enough) in [(200, "1", false), (200, "100", true), (20_000, "1", true)] {
        let mut broken = Broken::new("slow");
        broken.subject.start_within_ms = within_ms;
        broken.subject.timeout_multiplier = multiplier.parse().unwrap();
        let started = Peer::spawn(&broken.subject, "peer", root.path(), 1);
        assert_eq!(started.is_ok(), is_enough, "{within_ms} ms, {multiplier}: {:?}", started.err());
        drop(started);
        broken.assert_nothing_left();
    }
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let mut broken = Broken::new("good");
    broken.subject.peer = vec!["no-such-program".to_owned()];
    let error = refusal(&broken);
    assert!(matches!(error, HarnessError::Spawn { .. }), "{error}");
    assert!(error.to_string().contains("`no-such-program`"), "{error}");
}

#[test]
fn a_peer_that_claims_what_does_not_exist_is_disqualified() {
    let error = refusal(&Broken::new("dishonest"));
    assert!(matches!(error, HarnessError::Dishonest { .. }), "{error}");
    assert!(error.to_string().contains("answered `ok`"), "{error}");
}

#[test]
fn hello_is_held_against_the_manifest() {
    let mut broken = Broken::new("good");
    broken.subject.features.push("growth".to_owned());
    assert!(refusal(&broken).to_string().contains("does not declare in `hello`: growth"));
    let mut broken = Broken::new("good");
    broken.subject.pin = "1.3".to_owned();
    assert!(refusal(&broken).to_string().contains("pinned to version 1.3, and its peer announces 1.2.3"));
}

/// What is not the protocol is never taken for an answer, and stays so for every later command.
#[test]
fn what_is_not_the_protocol_is_never_an_answer() {
    for (script, seen) in [
        ("wrong-id", "an answer to command 4, and command 3 was next"),
        ("garbage", "not JSON"),
        ("long-line", "a line of more than 1048576 bytes"),
        ("endless", "an answer to command 1"),
    ] {
        let (broken, root) = (Broken::new(script), root());
        let mut peer = spawn(&broken, root.path());
        for _ in 0..2 {
            let reply = receive(&mut peer, LONG);
            assert!(matches!(&reply, Reply::Protocol(text) if text.contains(seen)), "{script}: {reply}");
        }
        drop(peer);
        broken.assert_nothing_left();
    }
    let (broken, root) = (Broken::new("two-outcomes"), root());
    let reply = spawn(&broken, root.path()).call("resources", &Args::new(), LONG);
    assert!(
        matches!(&reply, Reply::Protocol(text) if text.contains("more than one outcome: `ok`, `fault`")),
        "{reply}"
    );
}

#[test]
fn a_fault_is_the_peers_own_word() {
    let (broken, root) = (Broken::new("faulty"), root());
    assert_eq!(receive(&mut spawn(&broken, root.path()), LONG), Reply::Fault("handle srv is in use".to_owned()));
}

#[test]
fn death_in_a_command_is_told_by_code_or_signal() {
    let (broken, root) = (Broken::new("dies"), root());
    let mut peer = spawn(&broken, root.path());
    assert_eq!(receive(&mut peer, LONG), Reply::Exited(101));
    assert_eq!(peer.call("read", &Args::new(), LONG), Reply::Exited(101));
    assert_eq!(peer.ended(), Some(Exit::Code(101)));
    peer.kill();
    assert!(peer.transcript().contains(&"!! assertion failed: a == b".to_owned()), "{:?}", peer.transcript());
    let broken = Broken::new("aborts");
    let mut peer = spawn(&broken, root.path());
    assert_eq!(receive(&mut peer, LONG), Reply::Signalled(6));
    drop(peer);
    broken.assert_nothing_left();
}

#[test]
fn a_late_answer_is_not_taken_for_the_next_one() {
    let (broken, root) = (Broken::new("late"), root());
    let mut peer = spawn(&broken, root.path());
    assert_eq!(receive(&mut peer, Duration::from_millis(100)), Reply::Timeout);
    fs::write(root.path().join("go"), "").unwrap();
    assert!(peer.call("resources", &Args::new(), LONG).ok().unwrap().contains_key("fds"));
    assert_eq!(peer.finish(LONG).unwrap(), Exit::Code(0));
}

#[test]
fn a_peer_that_stays_is_killed_at_the_deadline() {
    let (broken, root) = (Broken::new("ignores-end"), root());
    let mut peer = spawn(&broken, root.path());
    assert_eq!(peer.finish(Duration::from_millis(200)).unwrap(), Exit::Killed);
    broken.assert_nothing_left();
    let broken = Broken::new("exits-with-3");
    assert_eq!(spawn(&broken, root.path()).finish(LONG).unwrap(), Exit::Code(3));
}

/// A command that does not fit into the pipe of a peer that has stopped reading must not block the runner.
#[test]
fn a_peer_that_does_not_read_does_not_block_the_runner() {
    let (broken, root) = (Broken::new("hangs"), root());
    let mut peer = spawn(&broken, root.path());
    peer.begin("server.receive", &Args::new()).unwrap();
    let large = args(&json!({"name": "x".repeat(200_000)}));
    let reply = peer.call("service.open", &large, LONG);
    assert!(matches!(&reply, Reply::Protocol(text) if text.contains("does not take commands")), "{reply}");
    drop(peer);
    broken.assert_nothing_left();
}

#[test]
fn stop_and_continue_reach_the_peer() {
    let (broken, root) = (Broken::new("good"), root());
    let mut peer = spawn(&broken, root.path());
    peer.signal(Signal::SIGSTOP).unwrap();
    let id = peer.begin("resources", &Args::new()).unwrap();
    assert_eq!(peer.wait(id, Duration::from_millis(100)), Reply::Timeout);
    peer.signal(Signal::SIGCONT).unwrap();
    assert!(peer.call("resources", &Args::new(), LONG).ok().is_some());
}

#[test]
fn processes_that_outlive_their_peer_are_found_and_killed() {
    let (broken, root) = (Broken::new("leaves-child"), root());
    let mut peer = spawn(&broken, root.path());
    assert_eq!(peer.finish(LONG).unwrap(), Exit::Code(0));
    assert!(matches!(peer.orphans(), [one] if one.starts_with("process ")), "{:?}", peer.orphans());
    broken.assert_nothing_left();

    let broken = Broken::new("leaves-daemon");
    let run = RunFolder::create_in(root.path()).unwrap();
    let namespace = run.namespace().unwrap();
    let mut peer = spawn(&broken, namespace.path());
    assert_eq!(peer.finish(LONG).unwrap(), Exit::Code(0));
    let leaks = namespace.leaks();
    assert!(matches!(leaks.as_slice(), [Leak::Process(_)]), "{leaks:?}");
    broken.assert_nothing_left();
}

/// Symptom: a survivor sometimes saw an orderly goodbye of a peer that a scenario had killed. Cause: its stdin was closed
/// before the signal, and a quick peer read the end of it first.
#[test]
fn a_killed_peer_is_ended_by_the_signal_and_not_by_the_end_of_its_stdin() {
    let (broken, root) = (Broken::new("good"), root());
    for _ in 0..20 {
        let mut peer = spawn(&broken, root.path());
        peer.kill();
        assert_eq!(peer.transcript().last().unwrap(), ".. it was ended by signal 9 (SIGKILL)");
    }
}

#[test]
fn a_dropped_peer_is_gone() {
    let (broken, root) = (Broken::new("hangs"), root());
    let mut peer = spawn(&broken, root.path());
    peer.begin("server.receive", &Args::new()).unwrap();
    assert!(!broken.processes().is_empty());
    drop(peer);
    broken.assert_nothing_left();
}

#[test]
fn a_build_runs_once_and_its_failure_shows_its_last_lines() {
    let folder = root();
    let command = |script: &str| vec![["sh", "-c", script].map(str::to_owned).to_vec()];
    let mut broken = Broken::new("good");
    broken.subject.manifest = Some(folder.path().join("subject.toml"));
    broken.subject.build = command("echo one; echo two >&2; echo x >> built");
    let mut lines = Vec::new();
    for _ in 0..2 {
        broken.subject.prepare(&mut |line| lines.push(line.to_owned())).unwrap();
    }
    assert_eq!(lines, ["one", "two"]);
    assert_eq!(fs::read_to_string(folder.path().join("built")).unwrap(), "x\n");

    broken.subject.build = command("seq 100; exit 7");
    let error = broken.subject.prepare(&mut |_| {}).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    let text = error.to_string();
    assert!(text.contains("exited with code 7") && text.ends_with("    100"), "{text}");
    assert!(text.contains("    71\n") && !text.contains("    70\n"), "{text}");

    broken.subject.build = vec![vec!["no-such-compiler".to_owned()]];
    let text = broken.subject.prepare(&mut |_| {}).unwrap_err().to_string();
    assert!(text.contains("`no-such-compiler` could not be started"), "{text}");
}

const HELPER: &str = "SHMARK_TEST_HELPER_ROOT";
const HELPER_PEER: &str = "SHMARK_TEST_HELPER_PEER";

/// Not a test of its own: the runner that the next tests kill.
#[test]
fn helper_that_starts_a_peer_and_waits() {
    let (Ok(folder), Ok(script)) = (env::var(HELPER), env::var(HELPER_PEER)) else { return };
    let run = RunFolder::create_in(Path::new(&folder)).unwrap();
    let namespace = run.namespace().unwrap();
    let mut peer = spawn(&Broken::new(&script), namespace.path());
    peer.begin("server.receive", &Args::new()).unwrap();
    fs::write(Path::new(&folder).join("new"), peer.pid().to_string()).unwrap();
    fs::rename(Path::new(&folder).join("new"), Path::new(&folder).join("peer")).unwrap();
    loop {
        std::thread::park();
    }
}

/// Starts a runner with a peer and kills the runner. The peer's process id.
fn kill_a_runner(folder: &Path, script: &str) -> Pid {
    let mut runner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "helper_that_starts_a_peer_and_waits"])
        .env(HELPER, folder)
        .env(HELPER_PEER, script)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let file = folder.join("peer");
    eventually("the peer has started", || file.exists());
    let peer = fs::read_to_string(&file).unwrap().parse().unwrap();
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_eq!(run_folders(folder), 1);
    Pid::from_raw(peer)
}

fn run_folders(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap();
    entries.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("shmark-run-")).count()
}

fn alive(peer: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{peer}/stat")).unwrap_or_default();
    kill(peer, None).is_ok() && !stat.contains(") Z")
}

/// Nobody is there to clean up after a SIGKILL: the end of stdin ends the peer, and the next runner sweeps the folder.
#[test]
fn a_killed_runner_leaves_no_peer_and_its_folder_is_swept() {
    let folder = root();
    let peer = kill_a_runner(folder.path(), "good");
    eventually("the peer has ended", || !alive(peer));
    drop(RunFolder::create_in(folder.path()).unwrap());
    assert_eq!(run_folders(folder.path()), 0);
}

/// A peer that is blocked does not see the end of its stdin.
#[test]
fn the_next_runner_ends_a_peer_that_hangs() {
    let folder = root();
    let peer = kill_a_runner(folder.path(), "hangs");
    assert!(alive(peer));
    drop(RunFolder::create_in(folder.path()).unwrap());
    eventually("the peer has ended", || !alive(peer));
    assert_eq!(run_folders(folder.path()), 0);
}
