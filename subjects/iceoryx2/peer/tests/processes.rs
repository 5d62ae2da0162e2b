//! The peer as the harness runs it: processes that speak the protocol.

#![allow(clippy::unwrap_used, reason = "a helper outside a test function fails the test all the same")]

use std::time::Duration;

use serde_json::{Map, Value, json};
use shmark::harness::namespace::{Leak, Namespace};
use shmark::harness::peer::Peer;
use shmark::harness::reply::{Exit, Reply};
use shmark::harness::run_folder::RunFolder;
use shmark::harness::subject::Subject;
use shmark_peer::kit::payload::seeded_crc32;

/// Generous: a machine under load answers late, and nothing here is about speed.
const PATIENCE: Duration = Duration::from_secs(30);

fn subject() -> Subject {
    let mut subject = Subject::find("iceoryx2").unwrap();
    subject.peer = vec![env!("CARGO_BIN_EXE_shmark-subject-iceoryx2").to_owned()];
    subject
}

fn spawn(name: &str, namespace: &Namespace) -> Peer {
    let (mut peer, hello) = Peer::spawn(&subject(), name, namespace.path(), 1).unwrap();
    assert_eq!(hello.warnings(&subject()), Vec::<String>::new());
    ok(&mut peer, "node.create", json!({ "as": "node" }));
    peer
}

#[track_caller]
fn ok(peer: &mut Peer, op: &str, args: Value) -> Map<String, Value> {
    let Value::Object(args) = args else { panic!("arguments are an object") };
    let reply = peer.call(op, &args.into_iter().collect(), PATIENCE);
    let Reply::Ok(fields) = reply else { panic!("{op}: {reply}\n{}", peer.transcript().join("\n")) };
    fields
}

fn service(kind: &str) -> Value {
    json!({
        "node": "node", "as": "service", "name": "two/processes",
        "request": { "type": "bytes", "kind": kind }, "response": { "type": "bytes", "kind": kind },
        "request_header": { "type": "u64" },
    })
}

/// What is left but for the files that the manifest says are kept.
fn leaks(namespace: &Namespace) -> Vec<Leak> {
    let subject = subject();
    namespace.leaks().into_iter().filter(|leak| !leak.is_kept_by(&subject)).collect()
}

#[test]
fn two_processes_exchange_a_request_and_a_response_and_leave_nothing() {
    let run = RunFolder::create().unwrap();
    for (kind, bytes) in [("fixed", 4096), ("slice", 100)] {
        let namespace = run.namespace().unwrap();
        let (mut server, mut client) = (spawn("server", &namespace), spawn("client", &namespace));
        ok(&mut server, "service.create", service(kind));
        let effective = ok(&mut client, "service.open", service(kind));
        assert_eq!(effective["qos"]["max_active_requests"], 4);

        let port = json!({ "service": "service", "as": "port", "initial_max_slice_len": 100 });
        ok(&mut server, "server.create", port.clone());
        let client_id = ok(&mut client, "client.create", port)["port_id"].clone();
        let sent = ok(
            &mut client,
            "client.send",
            json!({ "on": "port", "as": "pending", "seed": 5, "len": 100, "header_seed": 9 }),
        );
        assert_eq!(sent["delivered"], 1);

        let request = ok(&mut server, "server.receive", json!({ "on": "port", "as": "active" }));
        assert_eq!((&request["received"], &request["bytes"]), (&json!(true), &json!(bytes)));
        assert_eq!(request["crc32"], seeded_crc32(5, bytes));
        assert_eq!(request["header_crc32"], seeded_crc32(9, 8));
        assert_eq!(request["origin"], client_id);
        ok(&mut server, "active.send", json!({ "on": "active", "seed": 6, "len": 100 }));
        let response = ok(&mut client, "pending.receive", json!({ "on": "pending", "as": "response" }));
        assert_eq!(response["crc32"], seeded_crc32(6, bytes));
        ok(&mut client, "resources", json!({}));

        for mut peer in [server, client] {
            assert_eq!(peer.finish(PATIENCE).unwrap(), Exit::Code(0));
        }
        assert_eq!(leaks(&namespace), []);
    }
}

#[test]
fn a_killed_process_is_seen_as_dead_and_cleaned_up() {
    let run = RunFolder::create().unwrap();
    let namespace = run.namespace().unwrap();
    let (mut server, mut client) = (spawn("server", &namespace), spawn("client", &namespace));
    ok(&mut server, "service.create", service("fixed"));
    ok(&mut client, "service.open", service("fixed"));
    server.kill();
    let nodes = ok(&mut client, "node.list", json!({}))["nodes"].clone();
    let mut states: Vec<_> = nodes.as_array().unwrap().iter().map(|node| node["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["alive", "dead"]);
    let report = ok(&mut client, "node.cleanup", json!({}));
    assert_eq!((&report["cleaned"], &report["failed"]), (&json!(1), &json!(0)));
    assert_eq!(ok(&mut client, "service.ports", json!({ "on": "service" }))["nodes"], 1);
    assert_eq!(client.finish(PATIENCE).unwrap(), Exit::Code(0));
    assert_eq!(leaks(&namespace), []);
}
