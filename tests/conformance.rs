//! Verdicts on peers that are broken on purpose: a check that cannot fail is none.
#![allow(clippy::unwrap_used, reason = "a test ends with what it cannot go on from")]

#[path = "broken_peers/mod.rs"]
mod broken_peers;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use broken_peers::{
    Broken, StepExt, ask, begin, collect, eventually, kill, ok, receive, refused, round_trip, scenario, step,
};
use nix::sys::signal::Signal as Native;
use nix::unistd::Pid;
use serde_json::json;
use shmark::conformance::run::{ConformanceOutcome, Options, run};
use shmark::harness::interrupt;
use shmark::harness::manifest::{DeviationOutcome, ExpectedDeviation};
use shmark::results::events::{Event, Observer};
use shmark::results::model::{ConformanceResult, CoverageVerdict, Level, Verdict};
use shmark::scenario::model::{Action, Damage, Matcher, Reference, Scenario, Signal, Step};

#[derive(Default)]
struct Log(Vec<Event>);

impl Observer for Log {
    fn event(&mut self, event: &Event) {
        self.0.push(event.clone());
    }
}

fn options(broken: &Broken, scenarios: Vec<Scenario>) -> Options {
    let pairings = vec![(broken.subject.clone(), broken.subject.clone())];
    Options { pairings, scenarios, jobs: 2, repeat: 1, seed: 42, trace: false, again: Vec::new() }
}

/// Runs scenarios; nothing may be left of them.
fn outcome(options: &Options, broken: &Broken) -> ConformanceOutcome {
    let began = Instant::now();
    let outcome = run(options, &mut Log::default()).unwrap();
    broken.assert_nothing_left();
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    outcome
}

fn one(script: &str, steps: Vec<Step>) -> (ConformanceResult, ConformanceOutcome) {
    let broken = Broken::new(script);
    let outcome = outcome(&options(&broken, vec![scenario(steps)]), &broken);
    (outcome.results[0].clone(), outcome)
}

fn verdict_on(outcome: &ConformanceOutcome, requirement: &str) -> CoverageVerdict {
    outcome.coverage.iter().find(|entry| entry.requirement == requirement).unwrap().verdict
}

fn server() -> Step {
    ask("s", "server.create", &json!({"service": "service", "as": "srv"}))
}

#[test]
fn a_correct_peer_passes_and_its_checks_count() {
    let (result, outcome) = one("good", round_trip());
    assert_eq!((result.outcome, result.message.as_str()), (Verdict::Pass, ""), "{result:#?}");
    assert!(result.transcripts.is_empty());
    assert_eq!(outcome.exit_code(), 0);
    assert!(outcome.complete);
    for requirement in ["RR-SND-01", "RR-RCL-01"] {
        let coverage = outcome.coverage.iter().find(|entry| entry.requirement == requirement).unwrap();
        assert_eq!((coverage.verdict, coverage.checks, coverage.executed), (CoverageVerdict::Held, 1, 1));
    }
    let untested = outcome.coverage.iter().find(|entry| entry.requirement == "RR-SVC-01").unwrap();
    assert_eq!(untested.verdict, CoverageVerdict::Untested);
    assert_eq!(untested.reason, "no selected scenario has a check for it");
    assert_eq!(outcome.subjects[0].implementation, "fake");
}

/// Every way to be broken, and what is made of it.
#[test]
fn every_broken_peer_gets_its_verdict() {
    for (script, verdict, message) in [
        (
            "damages",
            Verdict::Fail,
            "RR-RCL-01: peer s answered ok: `payload` is damaged: crc32 of its 8 bytes is 12345",
        ),
        ("refuses", Verdict::Fail, "RR-RCL-01: peer s answered err exceeds-max-borrows, required ok with payload"),
        ("lies", Verdict::Fail, "RR-RCL-01: peer s answered unsupported (no server.receive), though it declares"),
        ("faulty", Verdict::Error, "RR-RCL-01: peer s says that it is broken: handle srv is in use"),
        ("garbage", Verdict::Error, "RR-RCL-01: peer s does not keep to the protocol: a line with not JSON"),
        ("dies", Verdict::Crash, "RR-RCL-01: peer s exited with code 101 instead of answering"),
        ("aborts", Verdict::Crash, "RR-RCL-01: peer s was ended by signal 6 (SIGABRT) instead of answering"),
        ("hangs", Verdict::Timeout, "RR-RCL-01: peer s gave no answer within 5000 ms"),
        ("endless", Verdict::Error, "RR-RCL-01: peer s does not keep to the protocol: an answer to command 1"),
        ("silent-after-hello", Verdict::Timeout, "scenario: before the first step, node.create: peer s gave no answer"),
        (
            "wrong-id",
            Verdict::Error,
            "scenario: before the first step, node.create: peer s does not keep to the protocol",
        ),
        ("ignores-end", Verdict::Fail, "scenario: peer c has not exited within 5 s after its stdin was closed"),
        ("exits-with-3", Verdict::Fail, "scenario: peer c exited with code 3 when its stdin was closed, required 0"),
        ("babbles", Verdict::Error, "scenario: peer c does not keep to the protocol: a line with not JSON"),
        ("leaves-file", Verdict::Fail, "RR-SVC-04: left behind when every peer had ended: file services/a/segment"),
        ("leaves-child", Verdict::Fail, "scenario: left behind when every peer had ended: process "),
        ("leaves-daemon", Verdict::Fail, "scenario: left behind when every peer had ended: process "),
    ] {
        let (result, outcome) = one(script, round_trip());
        assert_eq!(result.outcome, verdict, "{script}: {result:#?}");
        assert!(result.message.starts_with(message), "{script}: {}", result.message);
        assert_eq!(outcome.exit_code(), if verdict == Verdict::Error { 4 } else { 1 }, "{script}");
        let decided = verdict_on(&outcome, "RR-RCL-01");
        let wanted = match (message.starts_with("RR-RCL-01"), verdict) {
            (true, Verdict::Error) => CoverageVerdict::Untested,
            (true, _) => CoverageVerdict::Broken,
            (false, _) if message.contains("before the first step") => CoverageVerdict::Untested,
            (false, _) => CoverageVerdict::Held,
        };
        assert_eq!(decided, wanted, "{script}: {:#?}", outcome.coverage);
    }
}

#[test]
fn a_failure_tells_everything_that_is_needed_to_repeat_it() {
    let (result, outcome) = one("damages", round_trip());
    let (_, text) = result.message.split_once('\n').unwrap();
    assert!(text.starts_with("RR-RCL-01 (must): "), "{text}");
    let step = result.step.unwrap();
    assert!(step.starts_with("step 4 (scenarios/conformance/tst/example.toml:13): Do {"), "{step}");
    assert_eq!(result.expected.unwrap(), "ok with payload filled from seed 7, received = true");
    assert!(result.actual.unwrap().contains(r#""crc32":12345"#));
    let lines = &result.transcripts["s"];
    assert!(lines.iter().any(|line| line.starts_with(r#"-> {"as":"a1","id":"#)), "{lines:?}");
    assert!(lines.iter().any(|line| line.starts_with("<- ") && line.contains("12345")), "{lines:?}");
    assert!(result.transcripts.contains_key("c"));
    assert!(result.repro.starts_with("shmark conform --subject "), "{}", result.repro);
    assert!(result.repro.ends_with("/tests/broken_peers/subject.toml --run 'tst/example[len=1]' --seed 42"));
    let coverage = outcome.coverage.iter().find(|entry| entry.requirement == "RR-RCL-01").unwrap();
    assert!(coverage.reason.starts_with("tst/example[len=1]: peer s answered ok: `payload` is damaged"));
}

/// Whoever has taken a feature for something else sees what the failures of it have in common.
#[test]
fn a_failure_names_the_features_that_it_needs() {
    let broken = Broken::new("damages");
    let mut scenario = scenario(round_trip());
    let line = "\nfeatures that it needs, and every peer in it declares: ";
    for (features, named) in [(&["fixed"][..], Some("fixed")), (&[], None)] {
        scenario.features = features.iter().map(|&feature| feature.to_owned()).collect();
        let outcome = outcome(&options(&broken, vec![scenario.clone()]), &broken);
        let message = &outcome.results[0].message;
        assert_eq!(message.split_once(line).map(|(_, named)| named), named, "{message}");
    }
}

/// The same correct peer, held against something wrong.
#[test]
fn a_wrong_expectation_fails() {
    let reference = |tag: &str| Reference { tag: tag.to_owned(), field: "port_id".to_owned() };
    let second = |matcher| {
        vec![
            server(),
            ask("s", "client.create", &json!({"service": "service", "as": "cli"}))
                .check("RR-SND-01", ok([("port_id", matcher)])),
        ]
    };
    for (steps, passes) in [
        (second(Matcher::DifferentFrom(reference("s/srv"))), true),
        (second(Matcher::SameAs(reference("s/srv"))), false),
        (second(Matcher::SameAs(reference("s/nothing"))), false),
        (second(Matcher::Equal(json!("port-cli"))), true),
        (second(Matcher::Equal(json!("port-srv"))), false),
        (vec![ask("c", "service.open", &json!({})).check("RR-SVC-02", refused("does-not-exist"))], true),
        (vec![ask("c", "service.open", &json!({})).check("RR-SVC-02", refused("corrupted"))], false),
        (vec![ask("c", "service.open", &json!({})).check("RR-SVC-02", ok([]))], false),
        (vec![ask("c", "service.open", &json!({}))], false),
        (vec![ask("c", "resources", &json!({})).check("RR-SVC-02", ok([("fds", Matcher::AtMost(1))]))], false),
    ] {
        let (result, outcome) = one("good", steps.clone());
        let wanted = if passes { Verdict::Pass } else { Verdict::Fail };
        assert_eq!(result.outcome, wanted, "{steps:?}: {result:#?}");
        assert_eq!(outcome.exit_code(), u8::from(!passes));
    }
}

#[test]
fn within_asks_again_until_the_answer_is_legal_and_no_longer() {
    let received =
        |within| receive().within(within).check("RR-RCL-01", ok([("received", Matcher::Equal(json!(true)))]));
    // Nobody sends: asked again until the time is over.
    let began = Instant::now();
    let (result, _) = one("good", vec![server(), received(300)]);
    assert_eq!(result.outcome, Verdict::Fail);
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(result.message.contains("required true, and still did after 300 ms\n"), "{}", result.message);
    assert!(result.transcripts["s"].iter().filter(|line| line.contains("server.receive")).count() > 2);
    // What was received wrongly is not asked for again.
    let wrong = receive().within(10_000).check("RR-RCL-01", ok([("payload", Matcher::Seed(8))]));
    let send = ask("c", "client.send", &json!({"on": "cli", "as": "p1", "seed": 7}));
    let (result, _) = one("good", vec![server(), send, wrong]);
    assert_eq!(result.outcome, Verdict::Fail);
    assert_eq!(result.transcripts["s"].iter().filter(|line| line.contains("server.receive")).count(), 1);
    assert!(!result.message.contains("still did"));
}

#[test]
fn what_was_begun_is_collected_later() {
    let (result, _) = one(
        "good",
        vec![begin("s", "server.receive", "a1", &json!({"on": "srv", "as": "a1"})), server(), {
            collect("s", "a1").check("RR-RCL-01", ok([("received", Matcher::Equal(json!(false)))]))
        }],
    );
    assert_eq!(result.outcome, Verdict::Pass, "{result:#?}");
    let (result, _) = one(
        "hangs",
        vec![
            begin("s", "server.receive", "a1", &json!({"on": "srv", "as": "a1"})),
            collect("s", "a1").within(100).check("RR-LIV-02", ok([])),
        ],
    );
    assert_eq!(result.outcome, Verdict::Timeout);
    assert!(result.message.starts_with("RR-LIV-02: peer s gave no answer within 100 ms"), "{}", result.message);
    let (result, _) = one("good", vec![collect("s", "a1")]);
    assert_eq!(result.outcome, Verdict::Error);
}

/// A pass that is none by the scenario's own bound says so: in the result, for the requirement, and for the run.
#[test]
fn a_bound_is_stretched_visibly() {
    let steps = || {
        let receive = begin("s", "server.receive", "a1", &json!({"on": "srv", "as": "a1"}));
        vec![server(), receive, collect("s", "a1").within(100).check("RR-RCL-01", ok([]))]
    };
    let mut broken = Broken::new("slow");
    let plain = outcome(&options(&broken, vec![scenario(steps())]), &broken);
    assert_eq!(plain.results[0].outcome, Verdict::Timeout);
    let message = &plain.results[0].message;
    assert!(message.contains("no answer within 100 ms") && message.contains("--timeout-multiplier"), "{message}");

    broken.subject.timeout_multiplier = "100".parse().unwrap();
    let mut log = Log::default();
    let stretched = run(&options(&broken, vec![scenario(steps())]), &mut log).unwrap();
    let result = &stretched.results[0];
    assert_eq!(result.outcome, Verdict::Pass, "{result:#?}");
    let [text] = result.stretched.as_slice() else { panic!("{result:#?}") };
    assert!(text.starts_with("step 3 took ") && text.contains("its bound is 100 ms"), "{text}");
    assert!(text.ends_with("by --timeout-multiplier 100"), "{text}");
    let coverage = stretched.coverage.iter().find(|entry| entry.requirement == "RR-RCL-01").unwrap();
    assert_eq!(coverage.verdict, CoverageVerdict::Held);
    assert!(coverage.reason.contains("its bound is 100 ms"), "{}", coverage.reason);
    let warned =
        |event: &Event| matches!(event, Event::Warning { text } if text.contains("kept its bounds only because"));
    assert!(log.0.iter().any(warned), "{:?}", log.0);

    // Another requirement of the scenario kept its own bounds.
    let mut both = steps();
    both[0] = server().check("RR-SND-01", ok([]));
    let both = run(&options(&broken, vec![scenario(both)]), &mut log).unwrap();
    let reason = |id: &str| both.coverage.iter().find(|entry| entry.requirement == id).unwrap().reason.clone();
    assert!(
        reason("RR-RCL-01").contains("its bound is 100 ms") && reason("RR-SND-01").is_empty(),
        "{:#?}",
        both.results
    );

    // A listed time-out has not gone by that; and no later round makes one forget the first.
    let mut listed = Broken::new("slow");
    listed.subject.timeout_multiplier = broken.subject.timeout_multiplier;
    listed.subject.expected = vec![deviation("tst/example*", DeviationOutcome::Timeout, "RR-RCL-01")];
    let again = Options { repeat: 2, ..options(&listed, vec![scenario(steps())]) };
    let result = outcome(&again, &listed).results.remove(0);
    assert_eq!((result.outcome, result.stretched.len()), (Verdict::Pass, 2), "{result:#?}");

    // What keeps its bound is as it was.
    let receive = ask("s", "server.receive", &json!({"on": "srv", "as": "a1"}));
    let in_time = receive.within(60_000).check("RR-RCL-01", ok([]));
    let kept = outcome(&options(&broken, vec![scenario(vec![server(), in_time])]), &broken);
    assert_eq!((kept.results[0].outcome, kept.results[0].stretched.len()), (Verdict::Pass, 0));
    broken.assert_nothing_left();
}

#[test]
fn parallel_steps_are_judged_each_by_its_own_check() {
    let steps = |second: Step| {
        vec![step(Action::Parallel { steps: vec![server().check("RR-SND-01", ok([])), Step { line: 77, ..second }] })]
    };
    let client = || ask("c", "client.create", &json!({"service": "service", "as": "cli"}));
    let (result, outcome) = one("good", steps(client().check("RR-RCL-01", ok([]))));
    assert_eq!(result.outcome, Verdict::Pass, "{result:#?}");
    assert_eq!(verdict_on(&outcome, "RR-SND-01"), CoverageVerdict::Held);
    assert_eq!(verdict_on(&outcome, "RR-RCL-01"), CoverageVerdict::Held);
    let (result, outcome) = one("good", steps(client().check("RR-RCL-01", refused("other"))));
    assert_eq!(result.outcome, Verdict::Fail);
    assert!(result.step.unwrap().contains("example.toml:77)"));
    assert_eq!(verdict_on(&outcome, "RR-SND-01"), CoverageVerdict::Held);
    assert_eq!(verdict_on(&outcome, "RR-RCL-01"), CoverageVerdict::Broken);
}

#[test]
fn peers_are_killed_stopped_finished_and_started_anew() {
    let spawn = |peer: &str| step(Action::Spawn { peer: peer.to_owned() });
    let finish = |peer: &str| step(Action::Finish { peer: peer.to_owned() });
    let await_exit = |peer: &str| step(Action::AwaitExit { peer: peer.to_owned() });
    let used = || ask("s", "resources", &json!({}));
    for (script, steps, verdict) in [
        ("good", vec![kill("s", Signal::Kill), spawn("s"), used()], Verdict::Pass),
        ("good", vec![finish("s"), spawn("s"), used()], Verdict::Pass),
        ("good", vec![kill("s", Signal::Term), await_exit("s"), spawn("s"), used()], Verdict::Pass),
        ("good", vec![kill("s", Signal::Stop), kill("s", Signal::Continue), used()], Verdict::Pass),
        ("good", vec![kill("s", Signal::Stop)], Verdict::Pass),
        ("good", vec![kill("s", Signal::Kill), used()], Verdict::Error),
        ("good", vec![spawn("s")], Verdict::Error),
        ("good", vec![await_exit("s").within(100)], Verdict::Timeout),
        ("exits-with-3", vec![finish("s")], Verdict::Fail),
        ("crashes-quietly", vec![receive(), await_exit("s")], Verdict::Pass),
        ("crashes-quietly", vec![receive()], Verdict::Crash),
        // A file that a killed peer leaves is for the next one to remove; any other is a leak.
        ("leaves-dead-file", vec![receive(), kill("s", Signal::Kill)], Verdict::Pass),
        ("leaves-dead-file", vec![receive()], Verdict::Fail),
        ("leaves-file", vec![kill("s", Signal::Kill)], Verdict::Fail),
    ] {
        let (result, _) = one(script, steps.clone());
        assert_eq!(result.outcome, verdict, "{script} {steps:?}: {result:#?}");
    }
}

/// A peer that was started through another program, and is somewhere else than what was started.
#[test]
fn a_stimulus_that_does_not_reach_the_process_that_answers_is_an_error() {
    let used = || ask("s", "resources", &json!({}));
    for (signal, name) in [(Signal::Stop, "SIGSTOP"), (Signal::Kill, "SIGKILL")] {
        let (result, outcome) = one("wrapped", vec![kill("s", signal)]);
        assert_eq!((result.outcome, outcome.exit_code()), (Verdict::Error, 4), "{result:#?}");
        let said = format!("subject `fake`: {name} did not reach the process that answers: it goes on answering");
        assert!(result.message.contains(&said) && result.message.contains("`signal`"), "{}", result.message);
    }
    // Without a signal it is a peer like any other.
    assert_eq!(one("wrapped", round_trip()).0.outcome, Verdict::Pass);

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("{id}").to_str().unwrap().to_owned();
    let mut broken = Broken::command(&["sh", "{here}/wrapped.sh", &file]);
    let command = |words: [&str; 5]| words.map(str::to_owned).to_vec();
    broken.subject.signal = command(["sh", "-c", "kill -s \"$1\" \"$(cat \"$0\")\"", &file, "{signal}"]);
    let spawn = step(Action::Spawn { peer: "s".to_owned() });
    for steps in [
        vec![kill("s", Signal::Stop), kill("s", Signal::Continue), used()],
        vec![kill("s", Signal::Stop)],
        vec![kill("s", Signal::Kill), spawn.clone(), used()],
        vec![kill("s", Signal::Stop), kill("s", Signal::Kill), spawn, used()],
    ] {
        let outcome = outcome(&options(&broken, vec![scenario(steps.clone())]), &broken);
        assert_eq!(outcome.results[0].outcome, Verdict::Pass, "{steps:?}: {:#?}", outcome.results[0]);
    }
    // A command that does nothing, and one that fails.
    for (script, said) in
        [(": \"$0\" \"$1\"", "it goes on answering"), ("echo no such container >&2; exit 3", "no such container")]
    {
        broken.subject.signal = command(["sh", "-c", script, &file, "{signal}"]);
        let outcome = outcome(&options(&broken, vec![scenario(vec![kill("s", Signal::Stop)])]), &broken);
        let result = &outcome.results[0];
        assert_eq!(result.outcome, Verdict::Error, "{script}: {result:#?}");
        assert!(result.message.contains(said), "{script}: {}", result.message);
    }
}

#[test]
fn what_a_subject_keeps_on_purpose_is_no_leak() {
    let mut broken = Broken::new("leaves-file");
    for (pattern, verdict) in [("seg*", Verdict::Pass), ("other*", Verdict::Fail)] {
        broken.subject.keeps = vec![pattern.to_owned()];
        let outcome = outcome(&options(&broken, vec![scenario(round_trip())]), &broken);
        assert_eq!(outcome.results[0].outcome, verdict, "{pattern}");
    }
}

#[test]
fn a_peer_that_starts_later_is_not_there_before() {
    let mut late = scenario(vec![step(Action::Spawn { peer: "c".to_owned() }), ask("c", "resources", &json!({}))]);
    late.peers[1].start_later = true;
    let mut early = scenario(vec![ask("c", "resources", &json!({}))]);
    early.peers[1].start_later = true;
    let broken = Broken::new("good");
    let outcome = outcome(&options(&broken, vec![late, early]), &broken);
    assert_eq!(outcome.results[0].outcome, Verdict::Pass);
    assert!(outcome.results[1].message.contains("uses peer c, which is not running"));
}

#[test]
fn damage_has_to_hit_something() {
    let damage = |pattern: &str| step(Action::Damage { pattern: pattern.to_owned(), how: Damage::Garbage });
    let send = || ask("c", "client.send", &json!({"on": "cli", "as": "p1", "seed": 7}));
    let (result, _) = one("good", vec![send(), damage("request")]);
    assert_eq!(result.outcome, Verdict::Pass, "{result:#?}");
    let (result, _) = one("good", vec![send(), damage("nothing")]);
    assert_eq!(result.outcome, Verdict::Error);
    assert!(result.message.contains("no file matches `nothing`; there are: request"), "{}", result.message);
}

#[test]
fn what_is_not_declared_is_skipped_and_nothing_executed_is_no_success() {
    let mut needs = scenario(round_trip());
    needs.features.push("growth".to_owned());
    let broken = Broken::new("good");
    let skipped = outcome(&options(&broken, vec![needs.clone()]), &broken);
    assert_eq!(skipped.results[0].outcome, Verdict::Skipped);
    assert_eq!(skipped.results[0].message, "subject `fake` does not declare: growth");
    assert_eq!(skipped.exit_code(), 3);
    let coverage = skipped.coverage.iter().find(|entry| entry.requirement == "RR-RCL-01").unwrap();
    assert_eq!((coverage.checks, coverage.executed), (1, 0));
    assert!(coverage.reason.contains("skipped, subject `fake` does not declare"), "{}", coverage.reason);
    assert_eq!(outcome(&options(&broken, vec![needs, scenario(round_trip())]), &broken).exit_code(), 0);
    assert_eq!(outcome(&options(&broken, Vec::new()), &broken).exit_code(), 3);
}

fn deviation(scenario: &str, outcome: DeviationOutcome, message: &str) -> ExpectedDeviation {
    let (message, reason) = (message.to_owned(), "it cannot".to_owned());
    ExpectedDeviation { scenario: scenario.to_owned(), outcome, message, reason, link: Some("a link".to_owned()) }
}

#[test]
fn known_deviations_expire_loudly() {
    use DeviationOutcome::{Crash, Fail, Flaky, Timeout};
    let start = "RR-RCL-01: peer s answered ok: `payload` is damaged";
    for (script, listed, verdict, code) in [
        ("damages", deviation("tst/example", Fail, start), Verdict::ExpectedFail, 0),
        ("damages", deviation("tst/example[len=1]", Fail, ""), Verdict::ExpectedFail, 0),
        ("damages", deviation("tst/*", Flaky, ""), Verdict::ExpectedFail, 0),
        ("damages", deviation("tst/example", Fail, "RR-RCL-01: something else"), Verdict::Fail, 1),
        ("damages", deviation("tst/example", Timeout, start), Verdict::Fail, 1),
        ("damages", deviation("tst/example[len=2]", Fail, start), Verdict::Fail, 1),
        ("damages", deviation("tst/other", Fail, start), Verdict::Fail, 1),
        ("dies", deviation("tst/example", Crash, "RR-RCL-01: peer s exited"), Verdict::ExpectedFail, 0),
        ("dies", deviation("tst/example", Fail, ""), Verdict::Crash, 1),
        ("faulty", deviation("tst/example", Flaky, ""), Verdict::Error, 4),
        ("good", deviation("tst/example", Fail, start), Verdict::UnexpectedPass, 1),
        ("good", deviation("tst/example", Flaky, ""), Verdict::Pass, 0),
    ] {
        let mut broken = Broken::new(script);
        broken.subject.expected = vec![listed.clone()];
        let outcome = outcome(&options(&broken, vec![scenario(round_trip())]), &broken);
        let result = &outcome.results[0];
        assert_eq!((result.outcome, outcome.exit_code()), (verdict, code), "{script} {listed:?}: {}", result.message);
        match verdict {
            // An expected deviation is still broken.
            Verdict::ExpectedFail => {
                assert_eq!(verdict_on(&outcome, "RR-RCL-01"), CoverageVerdict::Broken);
                assert!(result.message.ends_with("known deviation of subject `fake`: it cannot, a link"));
            }
            Verdict::UnexpectedPass => assert!(result.message.ends_with("it passes: remove the entry")),
            Verdict::Fail | Verdict::Crash if listed.scenario == "tst/example" => {
                assert!(result.message.contains("lists another deviation"), "{}", result.message);
            }
            _ => {}
        }
    }
}

#[test]
fn what_is_only_observed_never_decides() {
    let observed = |expect| server().check("RR-SVC-06", expect);
    let wrong = || ok([("port_id", Matcher::Equal(json!("another")))]);
    // Beside other requirements: the scenario goes on, and their checks count.
    let mut mixed = scenario([vec![observed(wrong())], round_trip()[1..].to_vec()].concat());
    mixed.requirements.push("RR-SVC-06".to_owned());
    let mut alone = scenario(vec![observed(wrong())]);
    alone.level = Level::Observed;
    let broken = Broken::new("good");
    let outcome = outcome(&options(&broken, vec![mixed, alone]), &broken);
    assert_eq!(outcome.results[0].outcome, Verdict::Pass, "{:#?}", outcome.results[0]);
    assert_eq!(outcome.results[1].outcome, Verdict::Fail);
    assert!(outcome.results[1].message.starts_with("RR-SVC-06: "));
    assert_eq!(verdict_on(&outcome, "RR-SVC-06"), CoverageVerdict::Broken);
    assert_eq!(verdict_on(&outcome, "RR-RCL-01"), CoverageVerdict::Held);
    assert_eq!(outcome.exit_code(), 0);
}

#[test]
fn different_wires_are_not_paired() {
    let broken = Broken::new("good");
    let mut other = broken.subject.clone();
    other.name = "other".to_owned();
    other.manifest = other.manifest.map(|path| path.with_file_name("other.toml"));
    other.peer = ["env", "WIRE=other", "sh", "{here}/good.sh"].map(str::to_owned).to_vec();
    let mut options = options(&broken, vec![scenario(round_trip())]);
    options.pairings = vec![(broken.subject.clone(), other), options.pairings[0].clone()];
    let outcome = outcome(&options, &broken);
    assert_eq!(outcome.results.len(), 2);
    assert_eq!(outcome.results[0].outcome, Verdict::Skipped);
    assert!(outcome.results[0].message.contains("cannot talk to each other"), "{}", outcome.results[0].message);
    assert_eq!(outcome.results[1].outcome, Verdict::Pass);
    assert_eq!(outcome.coverage.iter().filter(|entry| entry.verdict == CoverageVerdict::Held).count(), 2);
    assert!(outcome.results[0].repro.contains("--client ") && outcome.results[0].repro.contains("/other.toml --run "));
}

#[test]
fn events_come_in_order_and_results_in_that_of_the_options() {
    let scenarios: Vec<Scenario> =
        (0..6).map(|n| Scenario { id: format!("tst/{n}"), ..scenario(vec![server()]) }).collect();
    let broken = Broken::new("good");
    let mut log = Log::default();
    let options = Options { jobs: 3, trace: true, ..options(&broken, scenarios) };
    let outcome = run(&options, &mut log).unwrap();
    let names: Vec<&str> = outcome.results.iter().map(|result| result.scenario.as_str()).collect();
    assert_eq!(names, ["tst/0[len=1]", "tst/1[len=1]", "tst/2[len=1]", "tst/3[len=1]", "tst/4[len=1]", "tst/5[len=1]"]);
    assert!(outcome.results.iter().all(|result| result.transcripts.len() == 2));
    let mut started = Vec::new();
    let mut finished = 0;
    for event in &log.0 {
        match event {
            Event::ScenarioStarted { scenario, .. } => started.push(scenario.clone()),
            Event::ScenarioFinished { result } => {
                assert!(started.contains(&result.scenario));
                finished += 1;
            }
            Event::Planned { count, .. } => assert!(*count == 6 && started.is_empty()),
            Event::SubjectReady { subject } => assert_eq!(subject.version, "1.2.3"),
            Event::Warning { text } => assert!(text.contains("does not list")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((started.len(), finished), (6, 6));
}

#[test]
fn repetition_stops_at_the_first_round_that_does_not_pass() {
    let broken = Broken::new("good");
    let three = outcome(&Options { repeat: 3, trace: true, ..options(&broken, vec![scenario(round_trip())]) }, &broken);
    assert_eq!(three.results[0].outcome, Verdict::Pass);
    assert!(three.results[0].repro.ends_with("--seed 44"), "{}", three.results[0].repro);
    let broken = Broken::new("damages");
    let failed = outcome(&Options { repeat: 3, ..options(&broken, vec![scenario(round_trip())]) }, &broken);
    assert!(failed.results[0].message.ends_with("\nround 1 of 3"), "{}", failed.results[0].message);
    assert!(failed.results[0].repro.ends_with("--seed 42"));
}

const HELPER: &str = "SHMARK_TEST_HELPER_FILE";

/// Tells by a file that a scenario has begun, and counts those that ended.
struct Touch(String, usize);

impl Observer for Touch {
    fn event(&mut self, event: &Event) {
        match event {
            Event::ScenarioFinished { .. } => self.1 += 1,
            Event::ScenarioStarted { .. } => fs::write(&self.0, "started").unwrap(),
            _ => {}
        }
    }
}

/// Not a test of its own: the run that the next tests interrupt.
#[test]
fn helper_that_hangs_in_a_scenario() {
    let Ok(file) = env::var(HELPER) else { return };
    interrupt::install().unwrap();
    let broken = Broken::new("hangs");
    let scenarios = (0..50).map(|_| scenario(vec![receive()])).collect();
    let mut touch = Touch(file.clone(), 0);
    let outcome = run(&options(&broken, scenarios), &mut touch).unwrap();
    broken.assert_nothing_left();
    fs::write(&file, format!("{} {} {}", outcome.complete, outcome.exit_code(), outcome.results.len() == touch.1))
        .unwrap();
    if env::var_os("SHMARK_TEST_LINGER").is_some() {
        std::thread::park();
    }
}

fn run_folders_of(pid: u32) -> usize {
    let parent = if Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { env::temp_dir() };
    let own = format!("shmark-run-{pid}-");
    fs::read_dir(parent)
        .unwrap()
        .filter(|e| e.as_ref().unwrap().file_name().to_string_lossy().starts_with(&own))
        .count()
}

#[test]
fn an_interrupt_ends_the_run_with_what_was_found_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut runner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "helper_that_hangs_in_a_scenario"])
        .env(HELPER, &file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = runner.id();
    eventually("a scenario has begun", || file.exists());
    assert_eq!(run_folders_of(pid), 1);
    let began = Instant::now();
    nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), Native::SIGINT).unwrap();
    assert!(runner.wait().unwrap().success());
    assert!(began.elapsed() < Duration::from_secs(10));
    let seen = fs::read_to_string(&file).unwrap();
    // How many scenarios had run into their deadline by then is a matter of luck; that it shows is not.
    assert!(["false 130 true", "false 1 true"].contains(&seen.as_str()), "{seen}");
    assert_eq!(run_folders_of(pid), 0);
}

#[test]
fn a_second_interrupt_ends_everything_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let mut runner = Command::new(env::current_exe().unwrap())
        .args(["--exact", "helper_that_hangs_in_a_scenario"])
        .env(HELPER, &file)
        .env("SHMARK_TEST_LINGER", "yes")
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let pid = runner.id();
    eventually("a scenario has begun", || file.exists());
    let mut ended = None;
    // Signals of one kind that come close together are one: sent until it is over.
    eventually("the run is over", || {
        let _ = nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), Native::SIGTERM);
        ended = runner.try_wait().unwrap();
        ended.is_some()
    });
    assert_eq!(ended.unwrap().code(), Some(130));
    assert_eq!(run_folders_of(pid), 0);
}
