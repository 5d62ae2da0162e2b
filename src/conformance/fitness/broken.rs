//! Broken commands of every kind, made from the protocol's own tables. Each gets a `fault`, and changes nothing.

use serde_json::{Map, Value, json};

use crate::harness::error::HarnessError;
use shmark_peer::protocol::{ArgKind, HandleKind, OPS, OpSpec};

use super::correct::{FRESH, NOBODY, handle, right};
use super::exam::Exam;
use super::undeclared;

/// Operations before `hello`, and calls of `hello` that are broken.
pub(super) fn before_hello(exam: &mut Exam<'_>, protocol: u32) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    exam.told("an operation before `hello`", "node.create", &json!({ "as": FRESH }), "fault")?;
    for (what, args) in [
        ("`hello` without `root`", json!({ "protocol": protocol })),
        ("`hello` with a wrong type", json!({ "protocol": protocol, "root": 17 })),
        ("`hello` with an unknown argument", json!({ "protocol": protocol, "root": "/", "colour": 1 })),
    ] {
        exam.told(what, "hello", &args, "fault")?;
    }
    exam.told("another version of the protocol", "hello", &json!({ "protocol": 99, "root": "/" }), "unsupported")?;
    if exam.findings.broken.len() == complaints {
        exam.findings.proved.push("before `hello`: nothing is done, and broken ones are refused".to_owned());
    }
    Ok(())
}

/// What needs no operation of the implementation. How many lines it was.
fn lines(exam: &mut Exam<'_>) -> Result<usize, HarnessError> {
    let broken = [
        ("a line that is no JSON", "hello, peer"),
        ("a line that is cut off", "{\"id\":1,\"op\":\"node."),
        ("a line that is no object", "[1,2]"),
        ("a command without an id", "{\"op\":\"node.list\"}"),
    ];
    for (what, line) in broken {
        exam.no_command(what, line)?;
    }
    exam.told("a second `hello`", "hello", &json!({ "protocol": 1, "root": "/" }), "fault")?;
    Ok(broken.len() + 1)
}

/// For a peer without payloads.
pub(super) fn of_every_peer(exam: &mut Exam<'_>) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    let sent = lines(exam)?;
    exam.told("an operation that does not exist", "node.xqzvap", &json!({}), "unsupported")?;
    done(exam, complaints, sent);
    Ok(())
}

/// For every operation that the peer has: arguments that are missing, unknown or of the wrong type, handles that do not
/// exist, are in use, or are something else.
pub(super) fn of_every_operation(exam: &mut Exam<'_>) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    let Some(request) = exam.request_type() else { return Ok(()) };
    prepare(exam, &request)?;
    if exam.findings.broken.len() > complaints {
        return Ok(());
    }
    let mut sent = lines(exam)?;
    for op in OPS {
        if op.feature.is_some_and(|feature| !exam.has(feature)) {
            continue;
        }
        for (what, args) in broken(exam, op, &request) {
            exam.told(&what, op.name, &Value::Object(args), "fault")?;
            sent += 1;
            if exam.is_over {
                return Ok(());
            }
        }
    }
    undeclared::of_each_feature(exam, &request, FRESH)?;
    // A command that got a fault changed nothing: every handle is what it was.
    for (op, args) in [
        ("request.write", json!({ "on": "loan", "seed": 1 })),
        ("response.write", json!({ "on": "answer", "seed": 1 })),
        ("read", json!({ "on": "response" })),
        ("read", json!({ "on": "active" })),
        ("is_connected", json!({ "on": "pending" })),
    ] {
        exam.ok(op, args)?;
    }
    exam.told("a handle that a broken command would have made", "drop", &json!({ "on": FRESH }), "fault")?;
    done(exam, complaints, sent + 1);
    Ok(())
}

fn done(exam: &mut Exam<'_>, complaints: usize, sent: usize) {
    if exam.findings.broken.len() == complaints {
        let text = format!("broken commands: {sent} of every kind got a `fault`, and changed nothing");
        exam.findings.proved.push(text);
    }
}

/// One handle of each kind, named as [`handle`] names them.
fn prepare(exam: &mut Exam<'_>, request: &Value) -> Result<(), HarnessError> {
    for (op, args) in [
        ("node.create", json!({ "as": "node" })),
        (
            "service.create",
            json!({ "node": "node", "as": "service", "name": "broken", "request": request, "response": request }),
        ),
        ("server.create", json!({ "service": "service", "as": "server" })),
        ("client.create", json!({ "service": "service", "as": "client" })),
        ("client.send", json!({ "on": "client", "as": "pending", "seed": 1 })),
        ("server.receive", json!({ "on": "server", "as": "active" })),
        ("active.send", json!({ "on": "active", "seed": 2 })),
        ("pending.receive", json!({ "on": "pending", "as": "response" })),
        ("response.loan", json!({ "on": "active", "as": "answer" })),
        ("request.loan", json!({ "on": "client", "as": "loan" })),
    ] {
        exam.ok(op, args)?;
    }
    Ok(())
}

/// Every way to break a command, one at a time, with what it is.
fn broken(exam: &Exam<'_>, op: &OpSpec, request: &Value) -> Vec<(String, Map<String, Value>)> {
    let right = right(op, request);
    let with = |arg: &str, value: Value| {
        let mut args = right.clone();
        args.insert(arg.to_owned(), value);
        args
    };
    let name = op.name;
    let mut all = vec![(format!("{name} with an unknown argument"), with("colour", 1.into()))];
    for arg in op.args.iter().filter(|arg| arg.feature.is_none_or(|feature| exam.has(feature))) {
        let key = arg.name;
        if arg.required {
            let mut without = right.clone();
            without.remove(key);
            all.push((format!("{name} without `{key}`"), without));
        }
        let wrong: Value = match arg.kind {
            ArgKind::Handle(_) | ArgKind::NewHandle(_) | ArgKind::Text | ArgKind::Word(_) => 17.into(),
            _ => "many".into(),
        };
        all.push((format!("{name} with `{key}` of a wrong type"), with(key, wrong)));
        match arg.kind {
            ArgKind::Count => all.push((format!("{name} with `{key}` below 0"), with(key, (-1).into()))),
            ArgKind::Word(_) => {
                all.push((format!("{name} with an unknown word as `{key}`"), with(key, "xqzvap".into())));
            }
            ArgKind::Header => {
                all.push((format!("{name} with an unknown type in `{key}`"), with(key, json!({ "type": "xqzvap" }))));
            }
            ArgKind::Qos => {
                all.push((format!("{name} with an unknown key in `{key}`"), with(key, json!({ "colour": 1 }))));
            }
            ArgKind::Attributes => {
                all.push((format!("{name} with a number in `{key}`"), with(key, json!({ "colour": 1 }))));
            }
            ArgKind::Payload => {
                let payloads = broken_payloads(request).into_iter();
                all.extend(payloads.map(|(what, value)| (format!("{name} with {what} in `{key}`"), with(key, value))));
            }
            ArgKind::Words(_) => {
                all.push((format!("{name} with an unknown word in `{key}`"), with(key, json!(["xqzvap"]))));
                all.push((format!("{name} with nothing in `{key}`"), with(key, json!([]))));
            }
            ArgKind::NewHandle(_) => {
                all.push((format!("{name} with a name in use as `{key}`"), with(key, "server".into())));
            }
            ArgKind::Handle(kinds) => {
                all.push((format!("{name} with a handle that does not exist as `{key}`"), with(key, NOBODY.into())));
                // Everything can be dropped.
                if let Some(other) = other_than(kinds) {
                    all.push((format!("{name} with another kind of handle as `{key}`"), with(key, other.into())));
                }
            }
            ArgKind::Handles(kinds) => {
                let list = |name: &str| json!([name]);
                all.push((format!("{name} with a handle that does not exist in `{key}`"), with(key, list(NOBODY))));
                all.push((format!("{name} with nothing in `{key}`"), with(key, json!([]))));
                if let Some(other) = other_than(kinds) {
                    all.push((format!("{name} with another kind of handle in `{key}`"), with(key, list(other))));
                }
            }
            _ => {}
        }
    }
    all
}

/// A handle of none of these kinds.
fn other_than(kinds: &[HandleKind]) -> Option<&'static str> {
    HandleKind::ALL.iter().find(|kind| !kinds.contains(kind)).map(|kind| handle(*kind))
}

/// Wrong in themselves, so a `fault` also where the peer has no such feature.
fn broken_payloads(right: &Value) -> Vec<(&'static str, Value)> {
    let with = |key: &str, value: Value| {
        let mut payload = right.clone();
        payload[key] = value;
        payload
    };
    vec![
        ("an unknown type", with("type", "xqzvap".into())),
        ("an unknown kind", with("kind", "xqzvap".into())),
        ("an unknown key", with("colour", 1.into())),
        ("an `align` of 0", with("align", 0.into())),
        ("an `align` of 3", with("align", 3.into())),
    ]
}
