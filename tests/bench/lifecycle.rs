//! Questions about the lifecycle: with a peer whose times are made up, and with the reference's real processes.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use shmark::bench::BenchOutcome;
use shmark::harness::subject::Subject;
use shmark::results::events::Event;
use shmark::results::model::LifecycleResult;
use shmark::scenario::Library;
use shmark::scenario::lifecycle::LifecycleScenario;
use shmark_peer::kit::payload::seeded_crc32;

use super::{DIARY, Options, options, run, subject};

/// Times of a made-up peer, ns: less than any answer takes.
const TIMES: [(&str, u64); 9] = [
    ("node.create", 10),
    ("service.create", 20),
    ("service.open", 30),
    ("server.create", 40),
    ("client.create", 50),
    ("client.send", 1),
    ("server.receive", 2),
    ("active.send", 3),
    ("pending.receive", 4),
];

/// What the made-up peer answers; what is sent has a length, which is received again.
pub fn answer(op: &str, says_times: bool, command: &Value) -> Value {
    let mut ok = json!({});
    let known = TIMES.iter().find(|(name, _)| *name == op).map(|(_, took_ns)| *took_ns);
    if op.ends_with(".receive") {
        let seed = if op == "server.receive" { 1 } else { 2 };
        ok = json!({ "received": true, "len": 8, "crc32": seeded_crc32(seed, 8) });
    } else if op == "is_connected" {
        return json!({ "ok": { "connected": false } });
    } else if op == "client.send" {
        ok = json!({ "delivered": 1 });
    } else if known.is_none() && op != "drop" {
        return json!({ "unsupported": "made up" });
    }
    if says_times && command["timed"] == true {
        ok["took_ns"] = known.unwrap().into();
    }
    if let Some(lies) = lie().get(op).and_then(Value::as_object) {
        ok.as_object_mut().unwrap().extend(lies.clone());
    }
    json!({ "ok": ok })
}

/// What a peer says besides the truth, by operation: from the file beside its diary.
fn lie() -> Value {
    let path = std::env::var(DIARY).unwrap_or_default() + ".lie";
    fs::read(path).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap())
}

fn question(name: &str, replaced: &[(&str, &str)]) -> LifecycleScenario {
    let dir = tempfile::tempdir().unwrap();
    let mut text = fs::read_to_string(format!("{}/scenarios/bench/{name}.toml", env!("CARGO_MANIFEST_DIR"))).unwrap();
    for (old, new) in replaced {
        assert!(text.contains(old), "{old} is not in {name}.toml");
        text = text.replacen(old, new, 1);
    }
    fs::create_dir(dir.path().join("bench")).unwrap();
    fs::write(dir.path().join(format!("bench/{name}.toml")), text).unwrap();
    let library = Library::builtin().unwrap().with_dir(dir.path()).unwrap();
    let mut question = library.lifecycle().iter().find(|question| question.name == name).unwrap().clone();
    question.width_percent = None;
    question
}

fn asked(
    subjects: Vec<Subject>,
    lifecycle: Vec<LifecycleScenario>,
    rounds: usize,
) -> Option<(BenchOutcome, Vec<Event>)> {
    run(&Options { scenarios: vec![], lifecycle, rounds: Some(rounds), ..options(subjects, rounds) })
}

/// The reference in processes of its own.
fn reference(dir: &Path) -> Subject {
    let shmark = env!("CARGO_BIN_EXE_shmark");
    let manifest = format!("name = \"reference\"\ndescription = \"d\"\npeer = [\"{shmark}\", \"peer\"]\n");
    fs::write(dir.join("subject.toml"), manifest).unwrap();
    Subject::find(dir.to_str().unwrap()).unwrap()
}

fn median(result: &LifecycleResult, name: &str) -> f64 {
    let figure = result.figures.iter().find(|figure| figure.name == name);
    figure.unwrap_or_else(|| panic!("{name} is missing in {result:?}")).median
}

#[test]
fn a_startup_is_the_sum_of_what_its_operations_say() {
    let dir = tempfile::tempdir().unwrap();
    let timed = subject(dir.path(), "made-up", "timed");
    let Some((outcome, events)) = asked(vec![timed], vec![question("startup", &[("[1, 10, 100]", "[3]")])], 2) else {
        return;
    };
    let [result] = outcome.lifecycle.as_slice() else { panic!("{outcome:?}") };
    assert!(result.valid && result.rounds == 2, "{result:?}");
    let expected = [
        ("both_nodes_ns", 20.0),
        ("service_create_ns", 20.0),
        ("service_open_ns", 30.0),
        ("server_create_ns", 40.0),
        ("client_create_ns", 50.0),
        ("first_round_trip_ns", 10.0),
        ("second_round_trip_ns", 10.0),
        ("total_ns", 170.0),
    ];
    for (name, ns) in expected {
        assert!((median(result, name) - ns).abs() < 1e-9, "{name}: {} and not {ns}", median(result, name));
    }
    assert_eq!(result.figures[0].rounds, [170.0; 2]);
    let rounds = events.iter().filter(|event| matches!(event, Event::LifecycleRound { invalid: None, .. })).count();
    assert_eq!(rounds, 2);
    // The two others are there before the server and the client come: the holder has created them.
    let diary = fs::read_to_string(dir.path().join("diary")).unwrap();
    let creates = diary.lines().filter(|line| line.contains("service.create")).count();
    assert_eq!(creates, 2 * 3, "its own service and two others in each of two rounds");
}

#[test]
fn a_peer_that_says_no_times_is_invalid_and_one_that_has_no_operations_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let subjects = vec![subject(dir.path(), "untimed", "untimed"), subject(dir.path(), "loads-only", "good")];
    let Some((outcome, _)) =
        asked(subjects, vec![question("growth", &[("[64, 1024, 16384, 262144, 4194304]", "[8]")])], 1)
    else {
        return;
    };
    assert!(outcome.lifecycle.iter().all(|result| result.subject == "untimed" && !result.valid), "{outcome:?}");
    let why = outcome.lifecycle[0].why_invalid.clone().unwrap();
    assert!(why.contains("did not say how long client.send took"), "{why}");
    assert!(outcome.skipped.iter().any(|text| text.contains("loads-only is left out")), "{:?}", outcome.skipped);
    assert!(outcome.without_result.iter().any(|text| text.contains("loads-only")), "{:?}", outcome.without_result);
}

/// A made-up peer answers each receive with 8 bytes, whatever was sent.
#[test]
fn a_message_of_another_length_makes_a_round_invalid() {
    let dir = tempfile::tempdir().unwrap();
    let timed = subject(dir.path(), "made-up", "timed");
    let growth = question(
        "growth",
        &[
            ("[64, 1024, 16384, 262144, 4194304]", "[16]"),
            ("\"static\", \"best-fit\", \"power-of-two\"", "\"best-fit\""),
        ],
    );
    let Some((outcome, _)) = asked(vec![timed], vec![growth], 1) else { return };
    let why = outcome.lifecycle[0].why_invalid.clone().unwrap();
    assert!(why.contains("received a message of another length than 16"), "{why}");
}

/// What a peer claims is held against what the runner sees, and against what was sent.
#[test]
fn a_peer_that_claims_what_cannot_be_is_invalid() {
    let dir = tempfile::tempdir().unwrap();
    for (mode, op, field, value, wrong) in [
        ("timed", "server.create", "took_ns", json!(u64::MAX >> 1), "and has answered after"),
        ("timed", "server.receive", "crc32", json!(0), "another content than was sent"),
        ("timed", "client.send", "delivered", json!(0), "reached no server"),
    ] {
        let peer = subject(&dir.path().join(op), "made-up", mode);
        fs::write(dir.path().join(op).join("diary.lie"), json!({ op: { field: value } }).to_string()).unwrap();
        let Some((outcome, _)) = asked(vec![peer], vec![question("startup", &[("[1, 10, 100]", "[1]")])], 1) else {
            return;
        };
        let why = outcome.lifecycle[0].why_invalid.clone().unwrap_or_default();
        assert!(why.contains(wrong), "{op}: {why}");
    }
}

/// Whoever calls everybody gone at all times has noticed nothing.
#[test]
fn a_notice_before_the_kill_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let recovery = question("recovery", &[("\"polling\", \"waiting\"", "\"polling\"")]);
    let Some((outcome, _)) = asked(vec![subject(dir.path(), "made-up", "timed")], vec![recovery], 1) else { return };
    assert_eq!(outcome.lifecycle.len(), 2);
    for result in &outcome.lifecycle {
        let why = result.why_invalid.clone().unwrap_or_default();
        assert!(why.contains("says that the other side is gone before it was killed"), "{result:?}");
    }
}

/// A subject needs no benchmark mode for what is made of ordinary operations.
#[test]
fn a_subject_without_a_benchmark_mode_has_a_lifecycle() {
    let dir = tempfile::tempdir().unwrap();
    let peer = subject(dir.path(), "made-up", "timed-no-bench");
    let startup = question("startup", &[("[1, 10, 100]", "[1]")]);
    let both = Options { lifecycle: vec![startup], rounds: Some(1), ..options(vec![peer], 1) };
    let Some((outcome, _)) = run(&both) else { return };
    assert!(outcome.bench.is_empty() && outcome.lifecycle.iter().all(|result| result.valid), "{outcome:?}");
    assert_eq!(outcome.lifecycle.len(), 1);
    assert!(outcome.skipped.iter().any(|text| text.contains("left out of loads")), "{:?}", outcome.skipped);
}

/// Real processes; how fast is of no interest.
#[test]
fn every_procedure_is_carried_out_by_the_reference() {
    let dir = tempfile::tempdir().unwrap();
    let questions = vec![
        question("startup", &[("[1, 10, 100]", "[1, 4]")]),
        question("growth", &[("[64, 1024, 16384, 262144, 4194304]", "[64, 4096]")]),
        question("memory", &[("[8, 4096, 1048576]", "[4096, 65536]"), ("clients = [1, 8]", "clients = [2]")]),
        question("recovery", &[]),
        question("newcomers", &[("[4294967296]", "[1048576]")]),
    ];
    let Some((outcome, _)) = asked(vec![reference(dir.path())], questions, 1) else { return };
    assert!(outcome.skipped.is_empty(), "{:?}", outcome.skipped);
    let of = |name: &str| outcome.lifecycle.iter().filter(|result| result.scenario == name).collect::<Vec<_>>();
    for result in &outcome.lifecycle {
        assert!(result.valid, "{result:?}");
        assert!(result.figures[0].median > 0.0, "{result:?}");
    }
    let counts = ["startup", "growth", "memory", "recovery", "newcomers"].map(|name| of(name).len());
    assert_eq!(counts, [2, 6, 2, 4, 3]);
    for result in of("memory") {
        // At least a request and a response of that many bytes are in it.
        let bytes: f64 = result.case["bytes"].parse().unwrap();
        assert!(median(result, "shared_mapped_bytes") >= 2.0 * bytes, "{result:?}");
        assert!(median(result, "shared_allocated_bytes") <= median(result, "shared_mapped_bytes"), "{result:?}");
    }
    for result in of("recovery") {
        assert!(median(result, "served_again_ns") >= median(result, "noticed_ns"), "{result:?}");
    }
    for result in of("newcomers") {
        assert!(median(result, "longest_ns") >= median(result, "p50_ns"), "{result:?}");
        assert_eq!(result.case["beside"] == "nothing", median(result, "servers_that_came") < 1.0, "{result:?}");
    }
}
