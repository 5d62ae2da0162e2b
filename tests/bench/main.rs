//! A benchmark run with real processes whose answers are made up, so that nothing depends on the speed of the machine.
//!
//! The peers are this test binary itself: `sh` moves its standard output to descriptor 3, out of the way of what the test
//! runner prints, and [`made_up_peer`] speaks the protocol there.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod compare;
mod lifecycle;
mod placing;
mod rows;
mod slices;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};
use shmark::bench::{self, BenchError, BenchOutcome, Options};
use shmark::harness::error::HarnessError;
use shmark::harness::subject::Subject;
use shmark::results::events::{Event, Observer};
use shmark::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::kit::implementation::Timing;

/// How the made-up peer behaves.
const MODE: &str = "SHMARK_TEST_PEER";
/// Where it writes down what it was told.
const DIARY: &str = "SHMARK_TEST_DIARY";
const INTERVALS: u64 = 25;

/// Not a test: the peer, when this binary is started as one.
#[test]
fn made_up_peer() {
    let Ok(mode) = std::env::var(MODE) else { return };
    let mut out = OpenOptions::new().write(true).open("/dev/fd/3").unwrap();
    let mut role = String::new();
    for line in io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if command["op"] == "bench.prepare" {
            command["role"].as_str().unwrap().clone_into(&mut role);
        }
        write_down(&command);
        let mut answer = answer(&mode, &role, &command);
        answer["id"] = command["id"].clone();
        writeln!(out, "{answer}").unwrap();
    }
    std::process::exit(if mode == "ends-badly" && role == "server" { 7 } else { 0 });
}

fn answer(mode: &str, role: &str, command: &Value) -> Value {
    match (command["op"].as_str().unwrap(), mode, role) {
        ("hello", ..) => {
            let features = match mode {
                "no-bench" => json!([]),
                "timed" | "untimed" => json!(["bench", "slice", "growth"]),
                "timed-no-bench" => json!(["slice"]),
                _ => json!(["bench"]),
            };
            let wire = "made-up";
            json!({"ok": {"implementation": mode, "version": "1", "language": "Rust", "features": features, "wire": wire}})
        }
        ("bench.prepare", "cannot", "server") => json!({"unsupported": "no such payload"}),
        ("bench.prepare", "refuses", "client") => json!({"err": {"class": "out-of-memory", "native": "Full"}}),
        ("bench.prepare" | "bench.start", ..) => json!({"ok": {}}),
        ("bench.collect", "dies", "server") => std::process::abort(),
        ("bench.collect", "babbles", "client") => json!({"ok": {"sent": "many"}}),
        ("bench.collect", ..) => json!({"ok": collected(mode, role)}),
        (op, "timed" | "timed-no-bench" | "untimed", _) => lifecycle::answer(op, mode != "untimed", command),
        _ => json!({"unsupported": "made up"}),
    }
}

/// Round trips of 2 floors, or as many as the mode says.
fn collected(mode: &str, role: &str) -> Value {
    let floors: f64 = match mode.strip_prefix("floors-") {
        Some(floors) => floors.parse().unwrap(),
        None if mode == "restless" && role == "client" => [1.0, 4.0][turn() % 2],
        None => 2.0,
    };
    let (floor, load) = (100.0, 100.0 * floors);
    let interval = json!({"at_ns": 0, "floor_p50_ns": floor, "load_p50_ns": load, "load_count": 2, "load_ns": 1000});
    let client = role == "client";
    // Behind the short trial before the first round: the first one that counts, as often as it is tried.
    let is_disturbed = mode == "disturbed-once" && client && (2..=6).contains(&turn());
    let intervals = if is_disturbed { 3 } else { INTERVALS };
    let histogram = |value: f64, count: u64| {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        histogram.record_n(value as u64, count).unwrap();
        bench::histogram::encode(&histogram).unwrap()
    };
    let count = 2 * INTERVALS + 5;
    json!({
        "sent": count, "received": count, "verified": count,
        "checksum": if mode == "checksum" && !client { 1 } else { 2 },
        "error": if mode == "complains" && client { json!("no response for 10 s") } else { Value::Null },
        "histogram": if client { histogram(load, 2 * intervals) } else { String::new() },
        "floor_histogram": if client { histogram(floor, 2 * intervals) } else { String::new() },
        "intervals": if client { vec![interval; intervals as usize] } else { vec![] },
        "resources": {
            "user_ns": 1, "system_ns": 1, "load_cpu_ns": 5000, "context_switches_voluntary": 0,
            "context_switches_involuntary": 0, "page_faults_minor": 0, "page_faults_major": 0, "rss_bytes_peak": 1
        },
    })
}

/// How often this was asked by processes with one diary.
fn turn() -> usize {
    let path = std::env::var(DIARY).unwrap() + ".turns";
    let mut turns = File::options().append(true).create(true).open(path).unwrap();
    turns.write_all(b".").unwrap();
    turns.metadata().unwrap().len() as usize
}

fn write_down(command: &Value) {
    let Ok(path) = std::env::var(DIARY) else { return };
    let calibration = command["calibration"].as_str().map(|path| fs::read(path).unwrap());
    let zeros = calibration.filter(|bytes| bytes.iter().all(|byte| *byte == 0)).map(|bytes| bytes.len());
    let entry = json!({"pid": std::process::id(), "zeros": zeros, "command": command});
    let mut diary = File::options().append(true).create(true).open(path).unwrap();
    // One write, because two peers may append at the same time.
    diary.write_all(format!("{entry}\n").as_bytes()).unwrap();
}

struct Seen(Vec<Event>);

impl Observer for Seen {
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

fn subject(dir: &Path, name: &str, mode: &str) -> Subject {
    let folder = dir.join(name);
    fs::create_dir_all(&folder).unwrap();
    let exe = std::env::current_exe().unwrap();
    let diary = dir.join("diary");
    let script = format!(
        "{MODE}={mode} {DIARY}='{}' exec '{}' made_up_peer --exact --nocapture 3>&1 >/dev/null 2>&1",
        diary.display(),
        exe.display()
    );
    let manifest = format!("name = \"{name}\"\ndescription = \"d\"\npeer = ['sh', '-c', \"{script}\"]\n");
    fs::write(folder.join("subject.toml"), manifest).unwrap();
    Subject::find(folder.to_str().unwrap()).unwrap()
}

fn scenario(rounds: usize) -> BenchScenario {
    let case = BenchCase {
        payload: "u64".into(),
        kind: "fixed".into(),
        len: 1,
        waiting: "spin".into(),
        ..BenchCase::default()
    };
    BenchScenario {
        name: "rtt".into(),
        title: "t".into(),
        timing: Timing::RoundTrip,
        cases: vec![case],
        rounds,
        duration_ms: 100,
        warmup_ms: 10,
        slice_requests: 300,
        slice_floors: 200,
        width_percent: None,
        baselines: vec![],
        file: "rtt.toml".into(),
    }
}

fn options(subjects: Vec<Subject>, rounds: usize) -> Options {
    Options {
        scenarios: vec![scenario(rounds)],
        lifecycle: vec![],
        subjects,
        rounds: None,
        quick: false,
        pin: None,
        real_time: false,
        placement_wait: Duration::ZERO,
        skips_disturbed: false,
        seed: 1,
    }
}

/// `None` on a machine with one processor, where the run has to say so.
fn run(options: &Options) -> Option<(BenchOutcome, Vec<Event>)> {
    let mut seen = Seen(vec![]);
    match bench::run(options, &mut seen) {
        Ok(outcome) => Some((outcome, seen.0)),
        Err(BenchError::OneProcessor) => {
            assert_eq!(bench::pin::allowed().unwrap().len(), 1);
            None
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn two_subjects_are_measured_in_turns_by_fresh_processes() {
    let dir = tempfile::tempdir().unwrap();
    let subjects = vec![subject(dir.path(), "two", "floors-2"), subject(dir.path(), "three", "floors-3")];
    let again = subjects[0].clone();
    let Some((outcome, events)) = run(&options([subjects, vec![again]].concat(), 3)) else { return };
    assert!(outcome.skipped.is_empty() && !outcome.interrupted, "{:?}", outcome.skipped);
    let results: Vec<_> =
        outcome.bench.iter().map(|r| (&*r.subject, r.valid, r.rounds, r.p50_floors_rounds.clone())).collect();
    assert_eq!(results, [("two", true, 3, vec![2.0; 3]), ("three", true, 3, vec![3.0; 3])]);
    assert_eq!((outcome.bench[0].samples, outcome.bench[0].intervals), (150, 72));
    let [relative] = outcome.relative.as_slice() else { panic!("{:?}", outcome.relative) };
    assert_eq!((&*relative.subject, &*relative.baseline, relative.rounds), ("two", "three", 3));
    assert!((relative.ratio.ratio - 2.0 / 3.0).abs() < 1e-12);
    assert_eq!(outcome.subjects.iter().map(|info| &*info.name).collect::<Vec<_>>(), ["two", "three"]);

    let turns: Vec<String> = events
        .iter()
        .filter_map(|event| match event {
            Event::TrialStarted { subject, round, .. } => Some(format!("{round} {subject}")),
            _ => None,
        })
        .collect();
    assert_eq!(turns.len(), 6);
    assert!(turns[1][2..] == turns[2][2..] && turns[3][2..] == turns[4][2..], "rounds rotate: {turns:?}");
    check_diary(&dir.path().join("diary"));
}

/// Each trial: two processes that were in no other one, the server prepared first, both started at the same moment, on
/// two processors, with a calibration file of zeros that no other trial had.
fn check_diary(diary: &Path) {
    let mut trials: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in fs::read_to_string(diary).unwrap().lines() {
        let entry: Value = serde_json::from_str(line).unwrap();
        // The short trials before the first round are of no interest here.
        let counts = entry["command"]["duration_ms"] == 100;
        if let Some(path) = entry["command"]["calibration"].as_str().filter(|_| counts) {
            trials.entry(path.to_owned()).or_default().push(entry);
        }
    }
    assert_eq!(trials.len(), 6, "one calibration file a trial");
    let mut pids = Vec::new();
    for prepared in trials.values() {
        let [server, client] = prepared.as_slice() else { panic!("{prepared:?}") };
        assert_eq!((&server["command"]["role"], &client["command"]["role"]), (&json!("server"), &json!("client")));
        assert_eq!((&server["zeros"], &client["zeros"]), (&json!(4096), &json!(4096)));
        assert!(server["command"]["pin"].is_u64() && server["command"]["pin"] != client["command"]["pin"]);
        assert_eq!(server["command"]["setup"], client["command"]["setup"]);
        pids.extend([server["pid"].as_u64(), client["pid"].as_u64()]);
    }
    pids.sort_unstable();
    pids.dedup();
    assert_eq!(pids.len(), 12, "each process takes part in one trial");
    let starts: Vec<u64> = fs::read_to_string(diary)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).unwrap()["command"]["at_ns"].as_u64())
        .collect();
    assert!(starts.len() == 16 && starts.chunks(2).all(|pair| pair[0] == pair[1]), "{starts:?}");
}

#[test]
fn trials_that_go_wrong_are_invalid_with_a_reason() {
    for (mode, part) in [
        ("checksum", "sequences that client and server received differ"),
        ("complains", "the client reported: no response for 10 s"),
        ("dies", "the server did not finish the trial: "),
        ("babbles", "the client answered bench.collect with something else"),
        ("refuses", "the client did not carry out bench.prepare: err out-of-memory"),
        ("ends-badly", "the server exited with code 7 after the trial"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let Some((outcome, _)) = run(&options(vec![subject(dir.path(), "s", mode)], 2)) else { return };
        let [result] = outcome.bench.as_slice() else { panic!("{mode}: {outcome:?}") };
        let why = result.why_invalid.as_deref().unwrap_or_default();
        assert!(!result.valid && why.contains("round 1: ") && why.contains(part), "{mode}: {why}");
        assert_eq!(result.rounds, 0, "{mode}");
    }
}

#[test]
fn what_a_subject_does_not_have_is_skipped_visibly() {
    let dir = tempfile::tempdir().unwrap();
    let subjects = vec![
        subject(dir.path(), "fine", "floors-2"),
        subject(dir.path(), "mute", "no-bench"),
        subject(dir.path(), "narrow", "cannot"),
    ];
    let mut options = options(subjects, 2);
    options.scenarios[0].baselines = vec!["nobody".to_owned()];
    let Some((outcome, events)) = run(&options) else { return };
    assert_eq!(outcome.bench.iter().map(|result| &*result.subject).collect::<Vec<_>>(), ["fine"]);
    let without = |name: &str| format!("subject `{name}` was asked for and has no result; the warnings say why");
    assert_eq!(outcome.without_result, [without("mute"), without("narrow")]);
    for part in [
        "mute is left out: its peer does not declare the feature `bench`",
        "the baseline `nobody` is left out: no subject `nobody`",
        "narrow is left out (unsupported: no such payload)",
    ] {
        assert!(outcome.skipped.iter().any(|text| text.contains(part)), "{part} in {:?}", outcome.skipped);
        assert!(events.iter().any(|event| matches!(event, Event::Warning { text } if text.contains(part))), "{part}");
    }
}

#[test]
fn a_subject_without_any_result_is_not_green_beside_one_with_results() {
    if bench::pin::allowed().unwrap().len() < 2 {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for (name, mode) in [("fine", "floors-2"), ("narrow", "cannot")] {
        subject(dir.path(), name, mode);
    }
    let file = dir.path().join("own.toml");
    fs::write(
        &file,
        "name = \"own\"\ntitle = \"t\"\npayload = [\"u64\"]\nkind = [\"fixed\"]\nlen = [1]\nwaiting = [\"spin\"]\n\
         rounds = 2\nduration_ms = 100\nwarmup_ms = 10\nslice_requests = 300\nslice_floors = 200\n",
    )
    .unwrap();
    for (names, code, part) in [
        (&["fine"][..], 0, "1 benchmark result, all valid."),
        (&["fine", "narrow"], 3, "Subject `narrow` was asked for and has no result"),
    ] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_shmark"))
            .args(["bench", file.to_str().unwrap(), "--any-placement"])
            .args(names.iter().map(|name| format!("--subject={}", dir.path().join(name).display())))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(code), "{names:?}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn two_subjects_of_one_name_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (subject(&dir.path().join("a"), "s", "good"), subject(&dir.path().join("b"), "s", "good"));
    let mut seen = Seen(vec![]);
    match bench::run(&options(vec![one, two], 1), &mut seen) {
        Err(BenchError::Harness(HarnessError::SameName { name })) => assert_eq!(name, "s"),
        Err(BenchError::OneProcessor) => {}
        other => panic!("{other:?}"),
    }
}

/// Real loops over a real transport. How fast is of no interest, and a machine too busy for a plausible floor is not
/// this code's fault; every message has to arrive in any case.
#[test]
fn a_real_transport_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let shmark = env!("CARGO_BIN_EXE_shmark");
    let manifest = format!(
        "name = \"socket\"\ndescription = \"d\"\npeer = [\"{shmark}\", \"peer\", \"--transport\", \"unix-socket\"]\n\
         features = [\"bench\"]\n"
    );
    fs::write(dir.path().join("subject.toml"), manifest).unwrap();
    let socket = Subject::find(dir.path().to_str().unwrap()).unwrap();
    let Some((outcome, _)) = run(&options(vec![socket], 2)) else { return };
    let [result] = outcome.bench.as_slice() else { panic!("{outcome:?}") };
    match &result.why_invalid {
        None => {
            assert!(result.samples > 0 && result.rtt_ns.p50 > 0.0 && result.throughput_per_s > 0.0);
            assert!(result.cpu_ns_per_request.client > 0.0 && result.cpu_ns_per_request.server > 0.0);
        }
        Some(why) => {
            assert!(why.contains("the bare cache line took") || why.contains("leave fewer than"), "{why}");
        }
    }
}
