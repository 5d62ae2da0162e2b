//! The loop, the arguments and the handles.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Value, json};
use shmark_peer::kit::Session;
use shmark_peer::kit::payload::{crc32, fill, seeded_crc32};
use shmark_peer::protocol::{ArgKind, OPS, PROTOCOL_VERSION, op};

use super::fake::{self, LOANS_MAX, Model, REQUESTS_MAX};
use super::{answers_of, document, fault, talk, talk_without_hello};

/// Node, service, server and client of a byte-slice service with headers.
fn ports() -> Vec<Value> {
    vec![
        json!({ "op": "node.create", "as": "node" }),
        json!({
            "op": "service.create", "node": "node", "as": "service", "name": "s",
            "request": { "type": "bytes", "kind": "slice" }, "response": { "type": "u64", "kind": "slice" },
            "request_header": { "type": "u64" },
        }),
        json!({ "op": "server.create", "service": "service", "as": "server" }),
        json!({ "op": "client.create", "service": "service", "as": "client" }),
    ]
}

/// Answers to some commands behind [`ports`].
fn with_ports(commands: &[Value]) -> Vec<Value> {
    let mut all = ports();
    all.extend_from_slice(commands);
    let answers = talk(&all);
    for answer in &answers[..4] {
        assert!(answer.get("ok").is_some(), "{answer}");
    }
    answers[4..].to_vec()
}

/// Since version 5; to an older one it is an argument that no operation has.
#[test]
fn an_operation_says_how_long_it_took_if_it_is_asked() {
    let answers = |version: u32| {
        talk_without_hello(&[
            json!({ "op": "hello", "protocol": version, "root": "/nonexistent" }),
            json!({ "op": "node.create", "as": "node", "timed": true }),
            json!({ "op": "node.list", "timed": false }),
            json!({ "op": "node.list", "timed": 1 }),
            json!({ "op": "node.create", "as": "node", "timed": true }),
        ])
    };
    let newest = answers(5);
    assert!(newest[1]["ok"]["took_ns"].is_u64(), "{}", newest[1]);
    assert!(newest[2]["ok"].get("took_ns").is_none(), "{}", newest[2]);
    assert!(fault(&newest[3]).contains("timed has to be true or false"));
    assert!(fault(&newest[4]).contains("in use"));
    assert!(fault(&answers(4)[1]).contains("no argument timed"));
}

#[test]
fn hello_comes_first_and_once() {
    let hello = json!({ "op": "hello", "protocol": 2, "root": "/nonexistent" });
    let answers = talk_without_hello(&[
        json!({ "op": "node.create", "as": "node" }),
        json!({ "op": "made.up" }),
        json!({ "op": "hello", "protocol": PROTOCOL_VERSION + 1, "root": "/nonexistent" }),
        json!({ "op": "hello", "protocol": 2, "root": "/forbidden" }),
        json!({ "op": "hello", "protocol": 2 }),
        hello.clone(),
        hello,
    ]);
    assert!(fault(&answers[0]).contains("node.create came before a successful hello"));
    assert!(fault(&answers[1]).contains("hello"));
    let newer = format!("protocol {}", PROTOCOL_VERSION + 1);
    assert!(answers[2]["unsupported"].as_str().unwrap().contains(&newer));
    assert_eq!(answers[3]["err"], json!({ "class": "permission", "native": "Model::RootDenied" }));
    assert!(fault(&answers[4]).contains("root"));
    assert_eq!(answers[5]["ok"]["protocol"], 2);
    assert_eq!(answers[5]["ok"]["implementation"], "model");
    assert_eq!(answers[5]["ok"]["wire"], "model-1");
    assert!(fault(&answers[6]).contains("already"));
}

#[test]
fn an_operation_that_does_not_exist_is_unsupported_whatever_it_carries() {
    let answers =
        talk(&[json!({ "op": "node.xqzvap" }), json!({ "op": "", "as": 3 }), json!({ "op": "bench.collect" })]);
    for answer in answers {
        assert!(answer["unsupported"].is_string(), "{answer}");
    }
}

#[test]
fn a_line_that_is_no_command_gets_a_fault_and_the_next_one_works() {
    let input = b"\n{\"id\":1\n[]\n\xff\xfe\n{\"op\":\"hello\"}\n{\"id\":-1,\"op\":\"hello\"}\n{\"id\":5}\n{\"id\":6,\"op\":7}\n\
                  {\"id\":7,\"op\":\"hello\",\"protocol\":1,\"root\":\"/nonexistent\"}";
    let answers = answers_of(Session::new::<Model>(), input);
    assert_eq!(answers.len(), 9);
    for answer in &answers[..6] {
        assert_eq!(answer["id"], Value::Null, "{answer}");
        fault(answer);
    }
    assert!(fault(&answers[6]).contains("needs an op"));
    assert!(fault(&answers[7]).contains("has to be a text"));
    assert_eq!(answers[6]["id"], 5);
    assert!(answers[8]["ok"].is_object(), "the last line needs no line end: {}", answers[8]);
}

#[test]
fn arguments_that_are_missing_unknown_or_of_the_wrong_type_are_named() {
    let service = |key: &str, value: Value| {
        let mut command = ports()[1].clone();
        command[key] = value;
        command
    };
    for (command, part) in [
        (json!({ "op": "node.create" }), "needs the argument as"),
        (json!({ "op": "node.create", "as": "n", "nmae": "x" }), "has no argument nmae; it has: as, name"),
        (json!({ "op": "node.create", "as": "" }), "name of a handle"),
        (json!({ "op": "node.create", "as": 1 }), "name of a handle"),
        (json!({ "op": "node.create", "as": "n", "name": null }), "a text"),
        (json!({ "op": "request.loan", "on": "c", "as": "r", "len": -1 }), "integer from 0"),
        (json!({ "op": "request.loan", "on": "c", "as": "r", "len": 9_223_372_036_854_775_808_u64 }), "integer from 0"),
        (json!({ "op": "request.loan", "on": "c", "as": "r", "len": 1.5 }), "integer from 0"),
        (json!({ "op": "request.loan", "on": "c", "as": "r", "init": "zero" }), "one of default, uninit"),
        (service("request", json!({ "type": "u64" })), "payload type"),
        (service("request", json!({ "type": "u64", "kind": "fixed", "align": 3 })), "power of two"),
        (service("request", json!({ "type": "u64", "kind": "fixed", "align": 0 })), "power of two"),
        (service("response_header", json!({ "type": "u8" })), "header type"),
        (service("qos", json!({ "max_things": 3 })), "max_things"),
        (service("qos", json!({ "max_clients": true })), "qos has to be"),
        (service("attributes", json!({ "a": 1 })), "table of texts"),
        (json!({ "op": "client.create", "service": "s", "as": "c", "allocation": "best" }), "static, best-fit"),
    ] {
        let answer = &talk(std::slice::from_ref(&command))[0];
        assert!(fault(answer).contains(part), "{command}: {answer}");
    }
}

#[test]
fn handles_that_are_unknown_used_or_of_the_wrong_kind_are_named() {
    let answers = with_ports(&[
        json!({ "op": "drop", "on": "ghost" }),
        json!({ "op": "node.create", "as": "client" }),
        json!({ "op": "request.send", "on": "server", "as": "p" }),
        json!({ "op": "server.has_requests", "on": "server" }),
        json!({ "op": "server.receive", "on": "client", "as": "a" }),
        json!({ "op": "read", "on": "node" }),
        json!({ "op": "is_connected", "on": "service" }),
        json!({ "op": "response.send", "on": "client" }),
        json!({ "op": "request.write", "on": "client", "seed": 1 }),
    ]);
    assert!(fault(&answers[0]).contains("there is no handle ghost"));
    assert!(fault(&answers[1]).contains("handle client is in use: it is a client"));
    assert!(fault(&answers[2]).contains("handle server is a server, not a loaned request"));
    assert_eq!(answers[3]["ok"], json!({ "has": false }), "a misused handle is still there");
    assert!(fault(&answers[4]).contains("handle client is a client, not a server"));
    assert!(fault(&answers[5]).contains("handle node is a node"));
    assert!(fault(&answers[6]).contains("not a pending response or an active request"));
    assert!(fault(&answers[7]).contains("not a loaned response"));
    assert!(fault(&answers[8]).contains("not a loaned request"));
}

#[test]
fn a_name_is_free_again_after_a_refusal_an_empty_receive_and_a_drop() {
    let answers = with_ports(&[
        json!({ "op": "node.create", "as": "x", "name": "" }),
        json!({ "op": "server.receive", "on": "server", "as": "x" }),
        json!({ "op": "node.create", "as": "x" }),
        json!({ "op": "drop", "on": "x" }),
        json!({ "op": "node.create", "as": "x" }),
    ]);
    assert_eq!(answers[0]["err"]["class"], "invalid-name");
    assert_eq!(answers[1]["ok"], json!({ "received": false }));
    for answer in &answers[2..] {
        assert_eq!(answer["ok"], json!({}));
    }
}

#[test]
fn sending_consumes_the_loan_also_when_it_is_refused() {
    let mut commands = Vec::new();
    for round in 0..REQUESTS_MAX {
        commands.push(json!({ "op": "client.send", "on": "client", "as": format!("p{round}"), "seed": 1 }));
    }
    commands.extend([
        json!({ "op": "request.loan", "on": "client", "as": "r" }),
        json!({ "op": "request.send", "on": "r", "as": "p0" }),
        json!({ "op": "request.send", "on": "r", "as": "late" }),
        json!({ "op": "request.send", "on": "r", "as": "late" }),
        json!({ "op": "client.send", "on": "client", "as": "late", "seed": 1 }),
    ]);
    // Refused sends give their loans back, or these could not all be made.
    for loan in 0..LOANS_MAX {
        commands.push(json!({ "op": "request.loan", "on": "client", "as": format!("r{loan}") }));
    }
    commands.push(json!({ "op": "client.send", "on": "client", "as": "late", "seed": 1 }));
    let answers = with_ports(&commands);
    let answers = &answers[REQUESTS_MAX..];
    assert!(answers[0]["ok"].is_object());
    assert!(fault(&answers[1]).contains("p0 is in use"), "a fault changes nothing");
    assert_eq!(answers[2]["err"]["class"], "unable-to-deliver");
    assert!(fault(&answers[3]).contains("consumed by a send"));
    assert_eq!(answers[4]["err"]["class"], "unable-to-deliver", "the send's error is the answer");
    for answer in &answers[5..5 + LOANS_MAX] {
        assert!(answer["ok"].is_object(), "{answer}");
    }
    assert_eq!(answers[5 + LOANS_MAX]["err"]["class"], "exceeds-max-loans", "the loan's error is the answer");
}

#[test]
fn payloads_are_filled_from_the_seed_and_summed_where_they_arrive() {
    let answers = with_ports(&[
        json!({ "op": "request.loan", "on": "client", "as": "r", "len": 100 }),
        json!({ "op": "read", "on": "r" }),
        json!({ "op": "request.write", "on": "r", "seed": 5, "header_seed": 6 }),
        json!({ "op": "read", "on": "r" }),
        json!({ "op": "request.send", "on": "r", "as": "p" }),
        json!({ "op": "server.receive", "on": "server", "as": "a" }),
        json!({ "op": "active.send", "on": "a", "seed": 8, "len": 3 }),
        json!({ "op": "pending.receive", "on": "p", "as": "answer" }),
        json!({ "op": "read", "on": "a" }),
        json!({ "op": "client.send", "on": "client", "as": "p2", "seed": 9, "len": 0 }),
        json!({ "op": "server.receive", "on": "server", "as": "a2" }),
    ]);
    assert_eq!(answers[1]["ok"], json!({ "len": 100, "bytes": 100, "crc32": crc32(&[0; 100]) }), "default values");
    assert_eq!(answers[3]["ok"]["crc32"], seeded_crc32(5, 100));
    let mut header = [0; 8];
    fill(&mut header, 6);
    assert_eq!(
        answers[5]["ok"],
        json!({
            "received": true, "len": 100, "bytes": 100, "crc32": seeded_crc32(5, 100), "header_crc32": crc32(&header),
            "origin": "client-2", "align_ok": true,
        })
    );
    assert_eq!(
        answers[7]["ok"],
        json!({
            "received": true, "len": 3, "bytes": 24, "crc32": seeded_crc32(8, 24), "origin": "server-1",
            "align_ok": true,
        })
    );
    assert_eq!(answers[8]["ok"], json!({ "len": 100, "bytes": 100, "crc32": seeded_crc32(5, 100) }));
    let empty = &answers[10]["ok"];
    assert_eq!((&empty["len"], &empty["crc32"]), (&json!(0), &json!(0)));
    assert_eq!(empty["header_crc32"], crc32(&[0; 8]), "a header that was not written has its default value");
}

#[test]
fn a_header_seed_without_a_header_is_a_fault_and_nothing_stays_loaned() {
    let mut commands = vec![
        json!({ "op": "client.send", "on": "client", "as": "p", "seed": 1 }),
        json!({ "op": "server.receive", "on": "server", "as": "a" }),
    ];
    for _ in 0..=LOANS_MAX {
        commands.push(json!({ "op": "active.send", "on": "a", "seed": 1, "header_seed": 2 }));
    }
    commands.push(json!({ "op": "active.send", "on": "a", "seed": 1 }));
    let answers = with_ports(&commands);
    for answer in &answers[2..LOANS_MAX + 3] {
        assert!(fault(answer).contains("no such user header"));
    }
    assert_eq!(answers[LOANS_MAX + 3]["ok"], json!({}));
}

#[test]
fn what_the_implementation_lacks_is_unsupported() {
    let answers = with_ports(&[
        json!({ "op": "client.create", "service": "service", "as": "c", "backpressure": "retry" }),
        json!({ "op": "server.receive", "on": "server", "as": "a", "wait_ms": 1 }),
    ]);
    assert!(answers[0]["unsupported"].as_str().unwrap().contains("backpressure"), "{}", answers[0]);
    assert!(answers[1]["unsupported"].as_str().unwrap().contains("wait"), "{}", answers[1]);
}

#[test]
fn a_handler_decides_by_the_number_of_retries_and_its_calls_are_counted() {
    let mut commands = Vec::new();
    for (name, handler) in [("gives-up", json!(["retry", "retry", "fail"])), ("leaves-out", json!(["discard"]))] {
        commands.push(json!({ "op": "client.create", "service": "service", "as": name, "handler": handler }));
    }
    for round in 0..REQUESTS_MAX {
        let pending = format!("p{round}");
        commands.push(json!({ "op": "client.send", "on": "gives-up", "as": pending, "seed": 1 }));
    }
    let asked = [
        json!({ "op": "backpressure_calls", "on": "gives-up" }),
        json!({ "op": "client.send", "on": "gives-up", "as": "p", "seed": 1 }),
        json!({ "op": "backpressure_calls", "on": "gives-up" }),
        json!({ "op": "client.send", "on": "leaves-out", "as": "p", "seed": 1 }),
        json!({ "op": "backpressure_calls", "on": "leaves-out" }),
        json!({ "op": "backpressure_calls", "on": "client" }),
        json!({ "op": "client.create", "service": "service", "as": "c", "handler": [] }),
        json!({ "op": "client.create", "service": "service", "as": "c", "handler": ["wait"] }),
    ];
    commands.extend_from_slice(&asked);
    let answers = with_ports(&commands);
    let answers = &answers[answers.len() - asked.len()..];
    assert_eq!(answers[0]["ok"], json!({ "calls": 0 }), "there was room");
    assert_eq!(answers[1]["err"]["class"], "unable-to-deliver");
    assert_eq!(answers[2]["ok"], json!({ "calls": 3, "retries": 2 }));
    assert_eq!(answers[3]["ok"], json!({ "delivered": 0 }));
    assert_eq!(answers[4]["ok"], json!({ "calls": 1, "retries": 0 }));
    assert!(fault(&answers[5]).contains("without a backpressure handler"));
    assert!(fault(&answers[6]).contains("at least one"));
    assert!(fault(&answers[7]).contains("retry, discard, fail, strategy"));
}

#[test]
fn a_wait_names_what_is_ready_and_what_has_ended_in_the_order_of_the_command() {
    let answers = with_ports(&[
        json!({ "op": "client.send", "on": "client", "as": "p", "seed": 1 }),
        json!({ "op": "wait", "for": ["p", "server"], "wait_ms": 10 }),
        json!({ "op": "server.receive", "on": "server", "as": "a" }),
        json!({ "op": "wait", "for": ["p", "server"], "wait_ms": 10 }),
        json!({ "op": "drop", "on": "a" }),
        json!({ "op": "wait", "for": ["server", "p"], "wait_ms": 10 }),
        json!({ "op": "wait", "for": ["server", "client"], "wait_ms": 10 }),
        json!({ "op": "wait", "for": ["server", "ghost"], "wait_ms": 10 }),
        json!({ "op": "wait", "for": [], "wait_ms": 10 }),
    ]);
    assert_eq!(answers[1]["ok"], json!({ "ready": ["server"], "ended": [] }));
    assert_eq!(answers[3]["ok"], json!({ "ready": [], "ended": [] }));
    assert_eq!(answers[5]["ok"], json!({ "ready": [], "ended": ["p"] }));
    assert!(fault(&answers[6]).contains("handle client is a client, not a server or a pending response"));
    assert!(fault(&answers[7]).contains("there is no handle ghost"));
    assert!(fault(&answers[8]).contains("at least one"));
}

#[test]
fn a_runner_of_version_1_sees_nothing_of_version_2() {
    let answers = talk_without_hello(&[
        json!({ "op": "hello", "protocol": 1, "root": "/nonexistent" }),
        json!({ "op": "configure", "qos": {} }),
        json!({ "op": "node.list" }),
    ]);
    assert_eq!(answers[0]["ok"]["protocol"], 1);
    let features = json!(["fixed", "slice", "user-header", "hint", "nodes", "listing", "resources"]);
    assert_eq!(answers[0]["ok"]["features"], features);
    assert!(answers[1]["unsupported"].as_str().unwrap().contains("configuration"));
    assert!(answers[2]["ok"].is_object());
}

#[test]
fn a_refusal_names_the_setting_at_fault() {
    let answers = talk(&[
        json!({ "op": "node.create", "as": "node" }),
        json!({
            "op": "service.open_or_create", "node": "node", "as": "service", "name": "s", "qos": { "max_nodes": 0 },
            "request": { "type": "u64", "kind": "fixed" }, "response": { "type": "u64", "kind": "fixed" },
        }),
    ]);
    assert_eq!(
        answers[1]["err"],
        json!({ "class": "does-not-support", "native": "Model::Nodes", "setting": "max_nodes" })
    );
}

#[test]
fn the_end_of_the_input_drops_everything_the_newest_first() {
    fake::take_dropped();
    let answers = with_ports(&[
        json!({ "op": "client.send", "on": "client", "as": "a pending response", "seed": 1 }),
        json!({ "op": "server.receive", "on": "server", "as": "an active request" }),
        json!({ "op": "request.loan", "on": "client", "as": "b" }),
        json!({ "op": "response.loan", "on": "an active request", "as": "c" }),
    ]);
    assert!(answers.iter().all(|answer| answer["ok"].is_object()), "{answers:?}");
    let dropped = fake::take_dropped();
    // The first one is the loan that client.send consumed.
    assert_eq!(
        dropped,
        ["request", "response loan", "request", "active", "pending", "client-2", "server-1", "service", "node"]
    );
}

#[test]
fn resources_are_the_process_s_and_the_implementation_s_own() {
    let answers = talk(&[json!({ "op": "resources" })]);
    let fields = &answers[0]["ok"];
    assert_eq!(fields["chunks_in_use"], 3);
    assert_eq!(fields.get("segments"), None, "what the implementation does not know is left out");
    assert_eq!(fields["files"], 0);
    assert!(fields["fds"].as_u64().unwrap() >= 3, "{fields}");
    assert!(fields["rss_bytes"].as_u64().unwrap() > 0, "{fields}");
}

/// Arguments of the right types for an operation of the table; the handles are those of [`every_operation`].
fn arguments(name: &str) -> Value {
    let mut command = json!({ "op": name });
    for arg in op(name).unwrap().args.iter().filter(|arg| arg.required) {
        command[arg.name] = match (arg.name, arg.kind) {
            ("on", _) if name.starts_with("pending.") => json!("pending"),
            ("on", _) if name.starts_with("active.") => json!("active"),
            ("on", _) if name.starts_with("server.") => json!("server"),
            ("on", _) if name.starts_with("service.") => json!("service"),
            ("on", _) => json!(match name {
                "request.loan" | "client.send" => "client",
                "request.write" | "request.send" => "as request.loan",
                "response.write" | "response.send" => "as response.loan",
                "response.loan" | "is_connected" => "active",
                "backpressure_calls" => "as client.create",
                _ => "as client.send",
            }),
            ("node" | "service", _) => json!(arg.name),
            ("as", _) => json!(format!("as {name}")),
            ("name", _) => json!(format!("service of {name}")),
            (_, ArgKind::Payload) => json!({ "type": "bytes", "kind": "slice" }),
            (_, ArgKind::Count) => json!(1),
            (_, ArgKind::Qos) => json!({ "max_clients": 3 }),
            (_, ArgKind::Handles(_)) => json!(["server", "as client.send"]),
            (key, kind) => panic!("{name} needs {key}, {kind:?}"),
        };
    }
    command
}

#[test]
fn every_operation_of_the_table_is_carried_out_and_answers_only_its_fields() {
    let mut commands = vec![
        json!({ "op": "client.send", "on": "client", "as": "pending", "seed": 1 }),
        json!({ "op": "server.receive", "on": "server", "as": "active" }),
        json!({ "op": "active.send", "on": "active", "seed": 1 }),
    ];
    let order = ["service.open", "read", "drop"];
    let first: Vec<&str> = OPS.iter().map(|op| op.name).filter(|name| !order.contains(name)).collect();
    commands.extend(first.iter().chain(&order).map(|name| arguments(name)));
    // Opens what the table's first operation on services created.
    let open = commands.iter_mut().find(|command| command["op"] == "service.open").unwrap();
    open["name"] = json!("service of service.create");
    let create = commands.iter_mut().find(|command| command["op"] == "client.create").unwrap();
    create["handler"] = json!(["fail"]);
    let answers = with_ports(&commands);
    let mut seen = BTreeSet::new();
    for (command, answer) in commands.iter().zip(&answers) {
        let name = command["op"].as_str().unwrap();
        seen.insert(name);
        if name == "read" {
            assert!(fault(answer).contains("pending response"), "the one misuse: {answer}");
            continue;
        }
        let fields = answer["ok"].as_object().unwrap_or_else(|| panic!("{command}: {answer}"));
        document::fits(op(name).unwrap(), fields);
    }
    assert_eq!(seen.len(), OPS.len());
}

#[test]
fn a_runner_that_is_gone_ends_the_session_with_an_error() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let result = Session::new::<Model>().run(&b"{\"id\":1,\"op\":\"hello\"}\n{}\n"[..], Closed);
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}
