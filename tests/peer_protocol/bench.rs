//! Whole trials: two sessions in two threads over a built-in transport.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write, pipe};
use std::path::Path;
use std::thread::{JoinHandle, spawn};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use serde_json::{Value, json};
use shmark::subjects::{Pipe, TcpLoopback, UnixSocket};
use shmark_peer::bench_protocol::BenchCollected;
use shmark_peer::kit::Session;
use shmark_peer::kit::bench::load::{LOADS, Load, LoadSetting};
use shmark_peer::kit::implementation::{BenchSubject, Hello};

use super::{checked, fault};

/// A session in a thread of its own, and the runner's ends of its pipes.
struct Peer {
    commands: Option<PipeWriter>,
    answers: BufReader<PipeReader>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Peer {
    fn start<B: BenchSubject>() -> Self {
        let (input, commands) = pipe().unwrap();
        let (answers, output) = pipe().unwrap();
        let thread = spawn(move || {
            let hello = Hello {
                implementation: "transport".to_owned(),
                version: "1".to_owned(),
                language: "Rust".to_owned(),
                features: vec!["bench".to_owned()],
                wire: "transport".to_owned(),
            };
            Session::bench_only::<B>(hello).run(BufReader::new(input), output)
        });
        let mut peer = Self { commands: Some(commands), answers: BufReader::new(answers), thread: Some(thread) };
        peer.ok(json!({ "op": "hello", "protocol": 2, "root": "/nonexistent" }));
        peer
    }

    fn send(&mut self, mut command: Value) {
        command["id"] = json!(1);
        writeln!(self.commands.as_mut().unwrap(), "{command}").unwrap();
    }

    fn call(&mut self, command: Value) -> Value {
        self.send(command);
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        checked(&line)
    }

    fn ok(&mut self, command: Value) -> Value {
        let mut answer = self.call(command);
        assert!(answer.get("ok").is_some(), "{answer}");
        answer["ok"].take()
    }

    fn start_and_collect(&mut self) {
        self.ok(json!({ "op": "bench.start", "at_ns": 0 }));
        self.send(json!({ "op": "bench.collect" }));
    }

    fn collected(&mut self) -> BenchCollected {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_value(checked(&line)["ok"].take()).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.commands.take());
        let ended = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

/// A new calibration file in a folder.
pub fn calibration(root: &Path, name: &str) -> String {
    let path = root.join(name);
    std::fs::write(&path, [0; 4096]).unwrap();
    path.to_str().unwrap().to_owned()
}

pub fn prepare(root: &Path, role: &str, waiting: &str, payload: &str, len: usize, calibration: &str) -> Value {
    json!({
        "op": "bench.prepare", "role": role, "calibration": calibration, "warmup_ms": 2, "duration_ms": 20,
        "slice_requests": 8, "slice_floors": 16,
        "setup": {
            "root": root.to_str(), "service": "bench", "waiting": waiting, "len": len,
            "payload": { "type": payload, "kind": "slice" },
        },
    })
}

fn histogram(base64: &str) -> Histogram<u64> {
    use base64::Engine;
    let bytes = base64::prelude::BASE64_STANDARD.decode(base64).unwrap();
    Deserializer::new().deserialize(&mut &bytes[..]).unwrap()
}

fn whole_trial<B: BenchSubject>(waiting: &str, payload: &str, len: usize) {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let (mut server, mut client) = (Peer::start::<B>(), Peer::start::<B>());
    server.ok(prepare(root.path(), "server", waiting, payload, len, &floor));
    client.ok(prepare(root.path(), "client", waiting, payload, len, &floor));
    server.start_and_collect();
    client.start_and_collect();
    let (client_result, server_result) = (client.collected(), server.collected());

    assert_eq!((&client_result.error, &server_result.error), (&None, &None));
    assert_eq!(
        [client_result.received, client_result.verified, server_result.received, server_result.sent],
        [client_result.sent; 4]
    );
    assert_eq!(client_result.checksum, server_result.checksum);
    let pairs = client_result.intervals.len() as u64;
    assert!(pairs > 0, "something was counted");
    // The second half of each slice is timed one by one, the first one as a whole.
    assert_eq!(histogram(&client_result.histogram).len(), pairs * 4);
    assert_eq!(histogram(&client_result.floor_histogram).len(), pairs * 8);
    for interval in &client_result.intervals {
        assert_eq!((interval.load_count, interval.whole_loads, interval.whole_floors), (4, 4, 8), "{interval:?}");
        assert!(interval.whole_loads_ns > 0 && interval.whole_floors_ns > 0, "{interval:?}");
    }
    assert_eq!(server_result.histogram, "");
    for resources in [client_result.resources, server_result.resources] {
        assert!(resources.rss_bytes_peak > 0 && resources.load_cpu_ns > 0, "{resources:?}");
    }

    drop((client, server));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "only the calibration file is left");
}

/// A request each 50 µs on average, at most four under way.
fn prepare_open_loop(root: &Path, role: &str, waiting: &str, calibration: &str) -> Value {
    let mut prepare = prepare(root, role, waiting, "u64", 1, calibration);
    prepare["setup"]["load"] = json!({ "timing": "open-loop", "rate_per_s": 20_000, "outstanding": 4 });
    prepare["seed"] = json!(7);
    prepare
}

#[test]
fn an_open_loop_over_unix_sockets() {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let (mut server, mut client) = (Peer::start::<UnixSocket>(), Peer::start::<UnixSocket>());
    server.ok(prepare_open_loop(root.path(), "server", "spin", &floor));
    client.ok(prepare_open_loop(root.path(), "client", "spin", &floor));
    server.start_and_collect();
    client.start_and_collect();
    let (client, server) = (client.collected(), server.collected());
    assert_eq!((&client.error, &server.error), (&None, &None));
    assert_eq!([client.received, client.verified, server.received, server.sent], [client.sent; 4]);
    assert_eq!(client.checksum, server.checksum);
    assert_eq!(histogram(&client.histogram).len(), 8 * client.intervals.len() as u64, "each request has a latency");
    for interval in &client.intervals {
        assert_eq!((interval.load_count, interval.whole_loads), (8, 0), "{interval:?}");
        assert!(interval.offered_ns > 0 && interval.load_ns >= interval.offered_ns, "{interval:?}");
    }
}

#[test]
fn an_open_loop_that_would_sleep_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let answer = Peer::start::<UnixSocket>().call(prepare_open_loop(root.path(), "server", "block", &floor));
    assert!(answer["fault"].as_str().unwrap().contains("cannot wait by sleeping"), "{answer}");
}

#[test]
fn several_ports_are_refused_with_what_is_lacking() {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let refused = |waiting: &str, load: Value| {
        let mut command = prepare(root.path(), "server", waiting, "u64", 1, &floor);
        command["setup"]["load"] = load;
        Peer::start::<UnixSocket>().call(command)
    };
    let answer = refused("spin", json!({ "servers": 2 }));
    assert!(answer["unsupported"].as_str().unwrap().contains("has one client and one server"), "{answer}");
    for (waiting, load, part) in [
        ("block", json!({ "servers": 2 }), "cannot wait by sleeping"),
        (
            "spin",
            json!({ "clients": 2 }),
            "several requests, responses or clients at a time need the timing throughput",
        ),
        ("spin", json!({ "timing": "throughput", "clients": 0 }), "clients is 0; it has to be from 1 to 65536"),
        ("spin", json!({ "timing": "open-loop", "rate_per_s": 9, "servers": 2 }), "one client and one server"),
        (
            "spin",
            json!({ "timing": "throughput", "clients": 65536, "outstanding": 2 }),
            "clients and outstanding come to 131072 messages",
        ),
    ] {
        let answer = refused(waiting, load);
        assert!(fault(&answer).contains(part), "{part}: {answer}");
    }
}

#[test]
fn a_trial_over_unix_sockets() {
    whole_trial::<UnixSocket>("spin", "u64", 1);
    whole_trial::<UnixSocket>("block", "bytes", 1000);
}

#[test]
fn a_trial_over_tcp() {
    whole_trial::<TcpLoopback>("spin", "bytes", 9);
    whole_trial::<TcpLoopback>("block", "bytes", 300_000);
}

#[test]
fn a_trial_over_pipes() {
    whole_trial::<Pipe>("spin", "bytes", 100_000);
    whole_trial::<Pipe>("block", "u64", 1);
}

#[test]
fn the_stages_of_a_trial_come_in_order() {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let mut server = Peer::start::<UnixSocket>();
    let start = json!({ "op": "bench.start", "at_ns": 0 });
    let collect = json!({ "op": "bench.collect" });
    let command = prepare(root.path(), "server", "spin", "u64", 1, &floor);
    assert!(fault(&server.call(start.clone())).contains("bench.prepare comes first"));
    assert!(fault(&server.call(collect.clone())).contains("bench.prepare comes first"));
    server.ok(command.clone());
    assert!(fault(&server.call(command.clone())).contains("prepared already"));
    assert!(fault(&server.call(json!({ "op": "bench.start", "at_ns": i64::MAX }))).contains("ahead"));
    assert!(fault(&server.call(collect)).contains("never started"));
    assert!(fault(&server.call(start)).contains("bench.prepare comes first"));
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "the socket went with the trial");
    server.ok(command);
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_a_fault_that_says_why() {
    let root = tempfile::tempdir().unwrap();
    let fresh = calibration(root.path(), "floor");
    let used = calibration(root.path(), "used");
    std::fs::write(&used, [1; 4096]).unwrap();
    let short = calibration(root.path(), "short");
    std::fs::write(&short, [0; 64]).unwrap();
    let good = prepare(root.path(), "server", "spin", "bytes", 8, &fresh);
    let mut server = Peer::start::<UnixSocket>();
    for (pointer, value, part) in [
        ("/slice_requests", json!(0), "slice_requests is 0"),
        ("/slice_floors", json!(1 << 30), "slice_floors is 1073741824"),
        ("/duration_ms", json!(0), "duration_ms is 0"),
        ("/warmup_ms", json!(1_000_000_000), "warmup_ms is 1000000000"),
        ("/setup/len", json!(7), "no room for its sequence number"),
        ("/setup/waiting", json!("sleep"), "sleep"),
        ("/role", json!("judge"), "judge"),
        ("/calibration", json!(used), "used before"),
        ("/calibration", json!(short), "shorter"),
        ("/calibration", json!("/nonexistent/floor"), "cannot be mapped"),
    ] {
        let mut command = good.clone();
        *command.pointer_mut(pointer).unwrap() = value;
        let answer = server.call(command);
        assert!(fault(&answer).contains(part), "{pointer}: {answer}");
    }
    let mut command = good.clone();
    command["pin"] = json!(100_000);
    assert!(fault(&server.call(command)).contains("processor 100000"));
    server.ok(good);
}

#[test]
fn a_client_without_a_server_is_refused_by_the_transport() {
    let root = tempfile::tempdir().unwrap();
    let floor = calibration(root.path(), "floor");
    let answer = Peer::start::<UnixSocket>().call(prepare(root.path(), "client", "spin", "u64", 1, &floor));
    assert_eq!(answer["err"]["class"], "does-not-exist", "{answer}");
}

#[test]
fn the_other_operations_are_unsupported() {
    let answer = Peer::start::<Pipe>().call(json!({ "op": "node.create", "as": "node" }));
    assert!(answer["unsupported"].as_str().unwrap().contains("benchmark mode only"), "{answer}");
}

/// The reference has a row for each setting of a load, as the code describes it.
#[test]
fn settings_of_loads_are_described_as_they_are() {
    let document = include_str!("../../docs/PEER-PROTOCOL.md");
    let defaults = serde_json::to_value(Load::default()).unwrap();
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), |word| format!("`{word}`"));
    let row = |setting: &LoadSetting| {
        format!("| `{}` | {} | {} |\n", setting.name, shown(&defaults[setting.name]), setting.in_protocol)
    };
    let rows = LOADS.iter().map(row).collect::<Vec<_>>().concat();
    assert!(document.contains(&rows), "docs/PEER-PROTOCOL.md lacks these rows, which follow from the loads:\n{rows}");
}
