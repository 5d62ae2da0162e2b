//! Questions of several clients or servers: what peers are told, and real loops over the engine.

use std::fs;

use serde_json::json;
use shmark::bench::Options;
use shmark::harness::subject::Subject;
use shmark::scenario::bench::{BenchQuestion, parse};
use shmark::scenario::model::BenchScenario;

use super::{options, run};

/// As the file says, with trials that are short.
fn short(file: &str, text: &str) -> BenchScenario {
    let BenchQuestion::Load(scenario) = parse(file, text).unwrap() else { panic!("{file} has no load") };
    BenchScenario { duration_ms: 100, warmup_ms: 5, rounds: 1, width_percent: None, ..scenario }
}

fn asked(scenarios: Vec<BenchScenario>, peer: &[&str]) -> Option<shmark::bench::BenchOutcome> {
    let dir = tempfile::tempdir().unwrap();
    let manifest = format!("name = \"own\"\ndescription = \"d\"\npeer = {}\nfeatures = [\"bench\"]\n", json!(peer));
    fs::write(dir.path().join("subject.toml"), manifest).unwrap();
    let own = Subject::find(dir.path().to_str().unwrap()).unwrap();
    run(&Options { scenarios, ..options(vec![own], 1) }).map(|(outcome, _)| outcome)
}

/// Every message of every case arrives, whatever the machine does meanwhile.
#[test]
fn the_engine_is_asked_for_rows_of_clients_and_of_servers() {
    let fan_in = short("fan-in.toml", include_str!("../../scenarios/bench/fan-in.toml"));
    let fan_out = short("fan-out.toml", include_str!("../../scenarios/bench/fan-out.toml"));
    let Some(outcome) = asked(vec![fan_in, fan_out], &[env!("CARGO_BIN_EXE_shmark"), "peer"]) else { return };
    let cases: Vec<String> = outcome
        .bench
        .iter()
        .map(|result| {
            let key = if result.scenario == "fan-in" { "clients" } else { "servers" };
            format!("{} {}", result.scenario, result.case[key])
        })
        .collect();
    let expected = ["fan-in 1", "fan-in 2", "fan-in 4", "fan-in 8", "fan-in 16", "fan-out 1", "fan-out 2", "fan-out 4"];
    assert_eq!(cases, expected);
    for result in &outcome.bench {
        if let Some(why) = &result.why_invalid {
            let is_disturbed = why.contains("the bare cache line took") || why.contains("leave fewer than");
            assert!(is_disturbed, "{} {:?}: {why}", result.scenario, result.case);
        }
    }
}

#[test]
fn a_transport_has_one_client_and_one_server() {
    let text = include_str!("../../scenarios/bench/fan-out.toml").replace("[1, 2, 4]", "[2]");
    let peer = [env!("CARGO_BIN_EXE_shmark"), "peer", "--transport", "unix-socket"];
    let Some(outcome) = asked(vec![short("fan-out.toml", &text)], &peer) else { return };
    assert!(outcome.bench.is_empty(), "{:?}", outcome.bench);
    let [skipped] = outcome.skipped.as_slice() else { panic!("{:?}", outcome.skipped) };
    assert!(format!("{skipped:?}").contains("one client and one server"), "{skipped:?}");
}
