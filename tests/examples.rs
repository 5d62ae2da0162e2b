//! The examples, run as a reader runs them: both talk, both end, and nothing is left in shared memory. The same of how
//! benchmarks end early, in a process that is this binary itself.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../benches/common/mod.rs"]
mod common;
#[path = "../benches/common/interrupt.rs"]
mod interrupt;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Cycles of a client, one second each: the first responses are there after one.
const CLIENT_CYCLES: &str = "2";
/// Cycles of a server, 100 ms each. It is told to end long before; the bound is for a test that dies.
const SERVER_CYCLES: &str = "600";
/// No example takes so long, however busy the machine is.
const DEADLINE: Duration = Duration::from_mins(1);

/// A running example; killed when the test fails.
struct Example {
    name: String,
    child: Child,
    /// Nothing once it is closed.
    output: Option<BufReader<ChildStdout>>,
}

impl Example {
    fn start(name: &str, root: &Path, cycles: &str) -> Self {
        let mut child = Command::new(executable(name))
            .arg(cycles)
            .env("SHMARK_ROOT", root)
            .env("SHMARK_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = child.stdout.take().map(BufReader::new);
        Self { name: name.to_owned(), child, output }
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(
            self.output.as_mut().unwrap().read_line(&mut line).unwrap() > 0,
            "{} has ended without a word",
            self.name
        );
        line
    }

    /// Waits for a clean end and returns what was printed since.
    fn finish(mut self) -> String {
        // A pipe holds what an example prints in these cycles, so nothing has to be read meanwhile.
        let status = self.end();
        let mut text = String::new();
        self.output.as_mut().unwrap().read_to_string(&mut text).unwrap();
        let said = self.complaints();
        assert!(status.success(), "{} ended with {status}:\n{text}{said}", self.name);
        assert!(text.ends_with("exit\n"), "{} did not get to its end:\n{text}", self.name);
        text
    }

    fn end(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "{} is still running after {DEADLINE:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it wrote to standard error, once it has ended.
    fn complaints(&mut self) -> String {
        let mut text = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
        text
    }

    /// Reads no more, as `| head -1` does, and waits for the end: with an error, and without a panic.
    fn close(mut self) {
        self.output = None;
        let (status, said) = (self.end(), self.complaints());
        assert!(!status.success() && said.contains("Broken pipe"), "{} ended with {status}:\n{said}", self.name);
        assert!(!said.contains("panicked"), "{}:\n{said}", self.name);
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Examples lie beside the folder of the test executables, built by the same `cargo test`.
fn executable(name: &str) -> PathBuf {
    let path = env::current_exe().unwrap().parent().unwrap().with_file_name("examples").join(name);
    assert!(path.is_file(), "{name} is not built: run the whole `cargo test`, or first `cargo build --examples`");
    path
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// Runs a pair of examples and returns what the client printed.
fn converse(example: &str) -> String {
    let root = tempfile::tempdir().unwrap();
    let mut server = Example::start(&format!("{example}_server"), root.path(), SERVER_CYCLES);
    assert_eq!(server.line(), "ready to receive requests\n");
    let client = Example::start(&format!("{example}_client"), root.path(), CLIENT_CYCLES);
    let said = client.finish();
    kill(Pid::from_raw(server.child.id().cast_signed()), Signal::SIGINT).unwrap();
    let heard = server.finish();
    assert!(heard.contains("received request"), "the server received nothing:\n{heard}");
    assert_eq!(files(root.path()), Vec::<PathBuf>::new(), "files are left after both have ended");
    said
}

#[test]
fn request_and_response() {
    let said = converse("request_response");
    assert!(said.contains("received response 0: TransmissionData { x: "), "{said}");
}

#[test]
fn request_and_response_with_dynamic_data() {
    let said = converse("request_response_dynamic_data");
    assert!(said.contains("received response "), "{said}");
}

#[test]
fn waiting_for_two_services_at_once() {
    let said = converse("waiting");
    for answer in ["My/Squares: 2 becomes 4,", "My/Cubes: 2 becomes 8,", "My/Cubes: nothing more comes"] {
        assert!(said.contains(answer), "{said}");
    }
}

#[test]
fn waiting_in_an_async_runtime() {
    let said = converse("tokio");
    for number in 1..=6 {
        assert!(said.contains(&format!("{number} squared is {}, received response", number * number)), "{said}");
    }
}

#[test]
fn without_a_reader_both_end_and_leave_nothing() {
    for example in ["request_response", "request_response_dynamic_data", "tokio", "waiting"] {
        let root = tempfile::tempdir().unwrap();
        let start = |side, cycles| Example::start(&format!("{example}_{side}"), root.path(), cycles);
        let mut server = start("server", SERVER_CYCLES);
        assert_eq!(server.line(), "ready to receive requests\n");
        let mut client = start("client", SERVER_CYCLES);
        client.line();
        client.close();
        // Somebody who makes the server print.
        let mut client = start("client", CLIENT_CYCLES);
        server.close();
        client.end();
        assert_eq!(files(root.path()), Vec::<PathBuf>::new(), "{example} has left files");
    }
}

/// How the made-up benchmark ends, unless by a signal.
const BENCHMARK: &str = "SHMARK_TEST_BENCHMARK";

/// Not a test: a benchmark with a folder and a server, when this binary is started as one.
#[test]
fn made_up_benchmark() {
    let Ok(end) = env::var(BENCHMARK) else { return };
    interrupt::install().unwrap();
    let folder = interrupt::scratch().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    {
        // As in a benchmark: an end that comes meanwhile waits until the server is known.
        let mut live = interrupt::live();
        let server = Command::new("sleep").arg("600").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        eprintln!("server {}", live.server.insert(server).id());
    }
    if end == "panic" {
        // As in a release, nothing is dropped after the panic.
        std::mem::forget(folder);
        panic!("for the test");
    }
    loop {
        std::thread::park();
    }
}

/// Starts the made-up benchmark, sends it a signal, and returns how it ended; nothing may be left then.
fn end_benchmark(end: &str, signal: Option<Signal>) -> ExitStatus {
    let root = tempfile::tempdir().unwrap();
    let child = Command::new(env::current_exe().unwrap())
        .args(["made_up_benchmark", "--exact", "--nocapture"])
        .env(BENCHMARK, end)
        .env(common::SCRATCH, root.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut benchmark = Example { name: "the benchmark".to_owned(), child, output: None };
    let mut said = BufReader::new(benchmark.child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let server = line.trim().strip_prefix("server ").unwrap().parse().unwrap();
    if let Some(signal) = signal {
        kill(Pid::from_raw(benchmark.child.id().cast_signed()), signal).unwrap();
    }
    let status = benchmark.end();
    assert_eq!(kill(Pid::from_raw(server), None), Err(nix::errno::Errno::ESRCH), "{end}, {signal:?}: its server lives");
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0, "{end}, {signal:?}: its folder is left");
    status
}

#[test]
fn a_benchmark_that_is_interrupted_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        assert_eq!(end_benchmark("signal", Some(signal)).code(), Some(130), "{signal}");
    }
}

#[test]
fn a_benchmark_that_panics_leaves_nothing() {
    assert!(!end_benchmark("panic", None).success());
}
