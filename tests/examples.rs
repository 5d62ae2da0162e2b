//! The examples, run as a reader runs them: both talk, both end, and nothing is left in shared memory.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
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
    output: BufReader<ChildStdout>,
}

impl Example {
    fn start(name: &str, root: &Path, cycles: &str) -> Self {
        let mut child = Command::new(executable(name))
            .arg(cycles)
            .env("SHMARK_ROOT", root)
            .env("SHMARK_CONFIG", "/dev/null")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { name: name.to_owned(), child, output }
    }

    /// The next line that it prints.
    fn line(&mut self) -> String {
        let mut line = String::new();
        assert!(self.output.read_line(&mut line).unwrap() > 0, "{} has ended without a word", self.name);
        line
    }

    /// Waits for a clean end and returns what was printed since.
    fn finish(mut self) -> String {
        let start = Instant::now();
        // A pipe holds what an example prints in these cycles, so nothing has to be read meanwhile.
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(start.elapsed() < DEADLINE, "{} is still running after {DEADLINE:?}", self.name);
            std::thread::sleep(Duration::from_millis(5));
        };
        let mut text = String::new();
        self.output.read_to_string(&mut text).unwrap();
        assert!(status.success(), "{} ended with {status}:\n{text}", self.name);
        assert!(text.ends_with("exit\n"), "{} did not get to its end:\n{text}", self.name);
        text
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
