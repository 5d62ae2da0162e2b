//! Peers as processes, which can be killed.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shmark_peer::bench_protocol::BenchCollected;

use super::{bench, checked};

/// What a busy machine may need for anything in here.
const DEADLINE: Duration = Duration::from_mins(2);

/// A peer over Unix sockets. Killed when it is dropped.
struct Peer {
    child: Child,
    commands: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shmark"))
            .args(["peer", "--transport", "unix-socket"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let commands = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut peer = Self { child, commands, answers };
        peer.ok(json!({ "op": "hello", "protocol": 2, "root": "/nonexistent" }));
        peer
    }

    fn send(&mut self, mut command: Value) {
        command["id"] = json!(1);
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        checked(&line)["ok"].take()
    }

    fn ok(&mut self, command: Value) -> Value {
        self.send(command);
        let fields = self.answer();
        assert!(fields.is_object());
        fields
    }

    fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the peer is still there");
            std::thread::yield_now();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A trial without an end, mostly load; its slices are short, because each round trip takes a turn of the scheduler where
/// others are busy.
fn prepare(root: &Path, role: &str, floor: &str) -> Value {
    let mut command = bench::prepare(root, role, "spin", "u64", 1, floor);
    command["duration_ms"] = json!(3_600_000);
    command["slice_requests"] = json!(500);
    command["slice_floors"] = json!(1);
    command
}

/// Waits until the token of a calibration file has come back a few times, so that the trial is on its way.
fn wait_for_floors(path: &str) {
    let deadline = Instant::now() + DEADLINE;
    while u64::from_ne_bytes(std::fs::read(path).unwrap()[..8].try_into().unwrap()) >> 3 < 6 {
        assert!(Instant::now() < deadline, "the trial does not begin");
        std::thread::yield_now();
    }
}

#[test]
fn the_end_of_the_input_ends_a_peer_cleanly() {
    let root = tempfile::tempdir().unwrap();
    let floor = bench::calibration(root.path(), "floor");
    let mut peer = Peer::start();
    peer.ok(prepare(root.path(), "server", &floor));
    drop(peer.commands.take());
    assert_eq!(peer.exit().code(), Some(0));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "only the calibration file is left");
}

#[test]
fn a_partner_that_is_killed_in_the_middle_ends_the_trial_with_an_error() {
    let root = tempfile::tempdir().unwrap();
    let floor = bench::calibration(root.path(), "floor");
    let (mut server, mut client) = (Peer::start(), Peer::start());
    server.ok(prepare(root.path(), "server", &floor));
    client.ok(prepare(root.path(), "client", &floor));
    server.ok(json!({ "op": "bench.start", "at_ns": 0 }));
    client.ok(json!({ "op": "bench.start", "at_ns": 0 }));
    client.send(json!({ "op": "bench.collect" }));
    wait_for_floors(&floor);
    server.child.kill().unwrap();
    let collected: BenchCollected = serde_json::from_value(client.answer()).unwrap();
    assert!(collected.error.is_some(), "{collected:?}");
    assert!(collected.received > 0, "what was measured so far is there");
    drop(client.commands.take());
    assert_eq!(client.exit().code(), Some(0), "the survivor is well");
}

/// A trial does not read commands, so a peer whose runner has died would go on for as long as the trial takes. The kernel
/// kills it instead: when the thread ends that started it, which is what a dying runner does to all its threads.
#[test]
fn a_trial_ends_with_its_runner() {
    let root = tempfile::tempdir().unwrap();
    let floor = bench::calibration(root.path(), "floor");
    let (mut server, mut client) = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                let (mut server, mut client) = (Peer::start(), Peer::start());
                server.ok(prepare(root.path(), "server", &floor));
                client.ok(prepare(root.path(), "client", &floor));
                server.ok(json!({ "op": "bench.start", "at_ns": 0 }));
                client.ok(json!({ "op": "bench.start", "at_ns": 0 }));
                wait_for_floors(&floor);
                (server, client)
            })
            .join()
            .unwrap()
    });
    let kill = Some(nix::sys::signal::Signal::SIGKILL as i32);
    assert_eq!([server.exit().signal(), client.exit().signal()], [kill, kill]);
}

#[test]
fn an_unknown_transport_is_wrong_use() {
    let output = Command::new(env!("CARGO_BIN_EXE_shmark")).args(["peer", "--transport", "pigeon"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("pigeon"));
}
