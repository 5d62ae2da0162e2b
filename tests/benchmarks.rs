//! The program of `cargo bench`, run as a user runs it: what it writes, and how it ends when a pair of processes is broken.
//!
//! It starts itself for its servers, so it is this executable, which has a `main` of its own: `cargo test` does not build
//! benchmarks, and the standard harness would take their arguments.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[allow(dead_code, reason = "its main")]
#[path = "../benches/engine.rs"]
mod engine;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio, exit};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use shmark::bench::pin;
use tempfile::TempDir;

/// Makes this executable the program; its value is what is wrong with the server.
const PROGRAM: &str = "SHMARK_TEST_BENCHMARKS";
/// From this number on the server is broken: later than the first messages.
const BROKEN_FROM: u64 = 100;
/// No program of these tests takes so long, however busy the machine is.
const DEADLINE: Duration = Duration::from_mins(2);

/// All of those between two processes.
const BENCHMARKS: [&str; 7] =
    ["rtt/bare line", "rtt/round trip", "stream/64", "payload/64", "payload/4096", "payload/65536", "payload/1048576"];

const TESTS: [(&str, fn()); 6] = [
    ("every_benchmark_of_two_processes_is_in_the_report", every_benchmark_of_two_processes_is_in_the_report),
    ("a_baseline_is_kept_and_compared_with", a_baseline_is_kept_and_compared_with),
    ("a_broken_server_fails_the_program", a_broken_server_fails_the_program),
    ("a_silent_server_fails_the_program_in_time", a_silent_server_fails_the_program_in_time),
    ("an_interrupted_pair_leaves_nothing", an_interrupted_pair_leaves_nothing),
    ("without_bench_each_runs_once", without_bench_each_runs_once),
];

fn main() -> Result<(), Box<dyn Error>> {
    if let Ok(fault) = env::var(PROGRAM) {
        return engine::run(|number| said(&fault, number));
    }
    if pin::choose(None, &pin::allowed()?)?.is_none() {
        println!("SKIPPED: benchmarks between two processes need two processors");
        return Ok(());
    }
    let arguments: Vec<String> = env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let names: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let chosen = |name: &str| {
        let is = |wanted: &String| if has("--exact") { name == wanted } else { name.contains(wanted.as_str()) };
        !has("--ignored") && (names.is_empty() || names.iter().any(|wanted| is(wanted)))
    };
    for (name, test) in TESTS {
        if !chosen(name) {
            continue;
        }
        if has("--list") {
            println!("{name}: test");
        } else {
            test();
            println!("test {name} ... ok");
        }
    }
    Ok(())
}

/// What a server that is broken in this way sends instead of a number.
fn said(fault: &str, number: u64) -> Option<u64> {
    match fault {
        _ if number < BROKEN_FROM => Some(number),
        "wrong" => Some(number + 10),
        "lost" if number == BROKEN_FROM => None,
        // Until the client ends it, or would have been given up.
        "silent" => {
            thread::park_timeout(DEADLINE);
            exit(3)
        }
        "dead" => exit(3),
        _ => Some(number),
    }
}

/// Measures each benchmark for less than a second.
const QUICK: [&str; 7] = ["--bench", "--quick", "--measurement-time", "0.2", "--nresamples", "1000", "--quiet"];

/// The program, with folders of its own; killed when the test fails.
struct Program {
    child: Child,
    /// Where its folders are made, instead of in shared memory.
    scratch: TempDir,
    /// What it says.
    said: PathBuf,
}

impl Program {
    /// Writes its report, and what it says, into `home`.
    fn start(fault: &str, arguments: &[&str], home: &Path) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let said = home.join("said");
        let output = fs::File::create(&said).unwrap();
        let child = Command::new(env::current_exe().unwrap())
            .args(arguments)
            .env(PROGRAM, fault)
            .env("CRITERION_HOME", home)
            .env(engine::common::SCRATCH, scratch.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { child, scratch, said }
    }

    /// Whether a process lives that was started for a folder of the program: a server.
    fn has_server(&self) -> bool {
        let scratch = self.scratch.path().to_str().unwrap();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        // One that has ended meanwhile has no command line.
        let commands = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        commands.into_iter().any(|command| String::from_utf8_lossy(&command).contains(scratch))
    }

    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        while !done(self) {
            assert!(begin.elapsed() < DEADLINE, "not {what} after {DEADLINE:?}: {}", self.said());
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap()
    }

    /// Waits for its end; nothing may be left then. Returns how it ended, and what it said.
    fn finish(mut self) -> (ExitStatus, String) {
        self.until("ended", |program| program.child.try_wait().unwrap().is_some());
        let said = self.said();
        assert!(!self.has_server(), "a server is left: {said}");
        assert_eq!(fs::read_dir(self.scratch.path()).unwrap().count(), 0, "a folder is left: {said}");
        (self.child.wait().unwrap(), said)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program, which has to succeed; returns what it said.
fn succeed(arguments: &[&str], home: &Path) -> String {
    let (status, said) = Program::start("", arguments, home).finish();
    assert!(status.success(), "{arguments:?} ended with {status}: {said}");
    said
}

/// Runs one benchmark with a broken server, which has to fail; returns what it said.
fn fail(fault: &str, benchmark: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let (status, said) = Program::start(fault, &[&QUICK, &["--noplot", benchmark][..]].concat(), home.path()).finish();
    assert!(!status.success(), "{fault}, {benchmark}: {said}");
    said
}

fn median_ns(home: &Path, benchmark: &str, baseline: &str) -> f64 {
    let path = home.join(benchmark).join(baseline).join("estimates.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str::<serde_json::Value>(&text).unwrap()["median"]["point_estimate"].as_f64().unwrap()
}

fn every_benchmark_of_two_processes_is_in_the_report() {
    let home = tempfile::tempdir().unwrap();
    succeed(&[&QUICK, &["^(rtt|stream|payload)/"][..]].concat(), home.path());
    let index = fs::read_to_string(home.path().join("report/index.html")).unwrap();
    for benchmark in BENCHMARKS {
        assert!(median_ns(home.path(), benchmark, "new") > 0.0, "{benchmark}");
        let page = format!("{benchmark}/report/index.html");
        assert!(home.path().join(&page).is_file(), "there is no {page}");
        assert!(index.contains(&page), "{page} is not in {index}");
    }
}

fn a_baseline_is_kept_and_compared_with() {
    let home = tempfile::tempdir().unwrap();
    let run =
        |option| succeed(&[&QUICK, &["--noplot", option, "before", "^rtt/round trip$"][..]].concat(), home.path());
    run("--save-baseline");
    assert!(median_ns(home.path(), "rtt/round trip", "before") > 0.0);
    run("--baseline");
    assert!(home.path().join("rtt/round trip/change/estimates.json").is_file(), "nothing is compared");
}

fn a_broken_server_fails_the_program() {
    let cases = [
        ("wrong", "^rtt/bare line$", "number 110 came back on the line, and not 100"),
        ("wrong", "^rtt/round trip$", "response 110 came, and not 100"),
        ("wrong", "^payload/64$", "response 110 came, and not 100"),
        ("lost", "^stream/64$", "response 101 came, and not 100"),
        ("lost", "^rtt/round trip$", "the server has dropped the request, or is gone"),
        ("dead", "^rtt/round trip$", "the server has dropped the request, or is gone"),
    ];
    for (fault, benchmark, text) in cases {
        let said = fail(fault, benchmark);
        assert!(said.contains(text), "{fault}, {benchmark}: {said}");
    }
}

fn a_silent_server_fails_the_program_in_time() {
    let said = fail("silent", "^rtt/round trip$");
    assert!(said.contains("no response for 10 s"), "{said}");
}

fn an_interrupted_pair_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let home = tempfile::tempdir().unwrap();
        let mut program = Program::start("", &["--bench", "--noplot", "^payload/64$"], home.path());
        program.until("started", |program| program.has_server());
        kill(Pid::from_raw(program.child.id().cast_signed()), signal).unwrap();
        let (status, said) = program.finish();
        assert_eq!(status.code(), Some(130), "{signal}: {said}");
    }
}

fn without_bench_each_runs_once() {
    let home = tempfile::tempdir().unwrap();
    let said = succeed(&[], home.path());
    for benchmark in BENCHMARKS {
        assert!(said.contains(&format!("Testing {benchmark}\nSuccess")), "{benchmark}: {said}");
        assert!(!home.path().join(benchmark).exists(), "{benchmark} was measured");
    }
}
