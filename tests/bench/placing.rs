//! Where the peers of a trial run: on every pair of processors, and under `SCHED_FIFO`.

use std::fs;

use serde_json::Value;
use shmark::bench::pin::{Pin, allowed};
use shmark::bench::{self, BenchError};
use shmark::harness::scheduling::may_be_real_time;

use super::{Options, Seen, options, run, subject};

#[test]
fn every_pair_of_processors_is_a_case_and_peers_are_told_theirs() {
    let dir = tempfile::tempdir().unwrap();
    let good = subject(dir.path(), "made-up", "good");
    let Some((outcome, _)) = run(&Options { pin: Some(Pin::All), ..options(vec![good], 2) }) else { return };
    let cpus = allowed().unwrap();
    let pairs = cpus.len() * (cpus.len() - 1) / 2;
    assert_eq!(outcome.bench.len(), pairs, "{outcome:?}");
    let first = &outcome.bench[0];
    assert!(first.valid && first.rounds == 2, "{first:?}");
    assert_eq!(first.case["processors"], format!("{}-{}", cpus[0], cpus[1]));

    let diary = fs::read_to_string(dir.path().join("diary")).unwrap();
    let commands = diary.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["command"].take());
    let prepares: Vec<Value> = commands.filter(|command| command["op"] == "bench.prepare").collect();
    // A short trial and two rounds for each pair, two peers each.
    assert_eq!(prepares.len(), pairs * 3 * 2);
    for prepare in prepares {
        let is_client = prepare["role"] == "client";
        let pin = prepare["pin"].as_u64().unwrap() as usize;
        assert!(cpus.contains(&pin) && pin != if is_client { cpus[cpus.len() - 1] } else { cpus[0] }, "{prepare}");
        assert!(prepare["setup"].get("load").is_none(), "a place is no load: {prepare}");
    }
}

#[test]
fn peers_are_real_time_where_they_may_be_and_otherwise_nothing_is_measured() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { real_time: true, ..options(vec![subject(dir.path(), "made-up", "good")], 1) };
    match bench::run(&options, &mut Seen(vec![])) {
        Ok(outcome) => assert!(may_be_real_time().is_ok() && outcome.bench[0].valid, "{outcome:?}"),
        Err(BenchError::OneProcessor) => assert_eq!(allowed().unwrap().len(), 1),
        Err(error) => {
            assert!(may_be_real_time().is_err() && error.to_string().contains("ulimit -r"), "{error}");
        }
    }
}
