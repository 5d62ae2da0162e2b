//! Peers that are broken on purpose, one script each, and what the tests of the harness and of the verdicts share.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shmark::harness::Args;
use shmark::harness::subject::Subject;
use shmark::harness::timeout::TimeoutMultiplier;
use shmark::results::model::Level;
use shmark::scenario::model::{Action, Expectation, Matcher, PeerPlan, Role, Scenario, Signal, Step};

const MARK: &str = "SHMARK_TEST_MARK";

/// A subject made of one of the scripts, whose processes can be told from all others.
pub struct Broken {
    pub subject: Subject,
    mark: String,
}

impl Broken {
    pub fn new(script: &str) -> Self {
        let script = format!("{{here}}/{script}.sh");
        Self::command(&["sh", &script])
    }

    pub fn command(command: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mark = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut peer = vec!["env".to_owned(), format!("{MARK}={mark}")];
        peer.extend(command.iter().map(|word| (*word).to_owned()));
        let subject = Subject {
            name: "fake".to_owned(),
            description: "A peer for tests".to_owned(),
            home: String::new(),
            build: Vec::new(),
            peer,
            signal: Vec::new(),
            features: vec!["fixed".to_owned()],
            pin: "1.2".to_owned(),
            start_within_ms: 5000,
            timeout_multiplier: TimeoutMultiplier::default(),
            keeps: Vec::new(),
            expected: Vec::new(),
            manifest: Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/broken_peers/subject.toml")),
        };
        Self { subject, mark }
    }

    /// Its processes that are there now.
    pub fn processes(&self) -> Vec<String> {
        let wanted = format!("{MARK}={}", self.mark);
        let alive = |pid: &str| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
        };
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
            .filter(|pid| {
                let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|entry| entry == wanted.as_bytes()) && alive(pid)
            })
            .collect()
    }

    /// Fails if one of its processes is still there, after those that were just killed have had time to go.
    pub fn assert_nothing_left(&self) {
        eventually("no process is left", || self.processes().is_empty());
    }
}

/// Waits for a condition.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 20 s: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

pub fn args(value: &Value) -> Args {
    value.as_object().unwrap().clone().into_iter().collect()
}

/// A scenario with the peers `s` (server) and `c` (client), both of which open a service.
pub fn scenario(steps: Vec<Step>) -> Scenario {
    let peer = |name: &str, role| PeerPlan { name: name.to_owned(), role, start_later: false, opens_service: true };
    let steps = steps.into_iter().enumerate().map(|(index, step)| Step { line: 10 + index, ..step }).collect();
    Scenario {
        id: "tst/example".to_owned(),
        cell: vec![("len".to_owned(), "1".to_owned())],
        title: "An example".to_owned(),
        requirements: vec!["RR-RCL-01".to_owned()],
        level: Level::Must,
        features: vec!["fixed".to_owned()],
        memory_mib: 1,
        peers: vec![peer("s", Role::Server), peer("c", Role::Client)],
        service: Some(args(&json!({
            "request": {"type": "u64", "kind": "fixed"},
            "response": {"type": "u64", "kind": "fixed"},
        }))),
        steps,
        file: "scenarios/conformance/tst/example.toml".to_owned(),
    }
}

pub fn step(action: Action) -> Step {
    let text = format!("{action:?}");
    Step { line: 0, text, action, tag: None, check: None, expect: Vec::new(), within_ms: None }
}

pub fn ask(peer: &str, op: &str, value: &Value) -> Step {
    let tag = value.get("as").and_then(Value::as_str).map(|name| format!("{peer}/{name}"));
    let action = Action::Do { peer: peer.to_owned(), op: op.to_owned(), args: args(value) };
    Step { tag, ..step(action) }
}

pub fn begin(peer: &str, op: &str, tag: &str, value: &Value) -> Step {
    step(Action::Begin { peer: peer.to_owned(), op: op.to_owned(), args: args(value), tag: tag.to_owned() })
}

pub fn collect(peer: &str, tag: &str) -> Step {
    step(Action::Await { peer: peer.to_owned(), tag: tag.to_owned() })
}

pub fn kill(peer: &str, signal: Signal) -> Step {
    step(Action::Kill { peer: peer.to_owned(), signal })
}

pub trait StepExt {
    fn check(self, requirement: &str, expect: Expectation) -> Step;
    fn within(self, ms: u64) -> Step;
}

impl StepExt for Step {
    fn check(self, requirement: &str, expect: Expectation) -> Step {
        Step { check: Some(requirement.to_owned()), expect: vec![expect], ..self }
    }
    fn within(self, ms: u64) -> Step {
        Step { within_ms: Some(ms), ..self }
    }
}

pub fn ok<const N: usize>(fields: [(&str, Matcher); N]) -> Expectation {
    Expectation::Ok(fields.into_iter().map(|(path, matcher)| (path.to_owned(), matcher)).collect())
}

pub fn refused(class: &str) -> Expectation {
    Expectation::Err { class: Some(class.to_owned()), setting: None }
}

/// The server receives once.
pub fn receive() -> Step {
    ask("s", "server.receive", &json!({"on": "srv", "as": "a1"}))
}

/// A request is sent, received and verified; what a correct peer passes.
pub fn round_trip() -> Vec<Step> {
    vec![
        ask("s", "server.create", &json!({"service": "service", "as": "srv"})),
        ask("c", "client.create", &json!({"service": "service", "as": "cli"})),
        ask("c", "client.send", &json!({"on": "cli", "as": "p1", "seed": 7}))
            .check("RR-SND-01", ok([("delivered", Matcher::Equal(json!(1)))])),
        receive().check("RR-RCL-01", ok([("received", Matcher::Equal(json!(true))), ("payload", Matcher::Seed(7))])),
    ]
}
