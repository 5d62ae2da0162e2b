//! The walk-through of docs/PEER-PROTOCOL.md: one request and one response, and what each answer has to hold.

use serde_json::{Value, json};

use crate::harness::error::HarnessError;
use shmark_peer::protocol::{SETTINGS, SettingKind, SettingSpec};

use super::exam::Exam;

/// Sends it, in the payload types that the peer has.
pub(super) fn through(exam: &mut Exam<'_>) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    let Some(request) = exam.request_type() else { return Ok(()) };
    let response = json!({ "type": "u64", "kind": if exam.has("fixed") { "fixed" } else { "slice" } });
    let len = if request["kind"] == "slice" { 64 } else { 1 };
    let bytes = if request["kind"] == "slice" { len } else { 4096 };
    let named = |handle: &str| {
        json!({
            "node": "node", "as": handle, "name": "greeting", "request": request, "response": response,
            "qos": { "max_clients": 2 },
        })
    };
    let mut client = json!({ "service": "service", "as": "client" });
    if request["kind"] == "slice" {
        client["initial_max_slice_len"] = len.into();
    }
    exam.ok("node.create", json!({ "as": "node" }))?;
    if let Some(created) = exam.ok("service.create", named("service"))? {
        settings(exam, &created.get("qos").cloned().unwrap_or_default());
    }
    let server = exam.ok("server.create", json!({ "service": "service", "as": "server" }))?.unwrap_or_default();
    let client = exam.ok("client.create", client)?.unwrap_or_default();
    let (asked, answered) = (crc32(7, bytes), crc32(9, 8));
    let origin = |port: &serde_json::Map<String, Value>| port.get("port_id").cloned().unwrap_or_default();
    let request_read = json!({
        "received": true, "len": if request["kind"] == "slice" { len } else { 1 }, "bytes": bytes, "crc32": asked,
        "origin": origin(&client), "align_ok": true,
    });
    let response_read = json!({
        "received": true, "len": 1, "bytes": 8, "crc32": answered, "origin": origin(&server), "align_ok": true,
    });
    for (op, args, wanted) in [
        (
            "request.loan",
            json!({ "on": "client", "as": "request", "len": len, "init": "uninit" }),
            json!({ "addr_mod_align": 0 }),
        ),
        ("request.write", json!({ "on": "request", "seed": 7 }), json!({})),
        ("request.send", json!({ "on": "request", "as": "pending" }), json!({ "delivered": 1 })),
        ("server.receive", json!({ "on": "server", "as": "active" }), request_read),
        ("server.receive", json!({ "on": "server", "as": "another" }), json!({ "received": false })),
        ("active.send", json!({ "on": "active", "seed": 9 }), json!({})),
        ("pending.receive", json!({ "on": "pending", "as": "response" }), response_read),
        ("drop", json!({ "on": "active" }), json!({})),
        ("is_connected", json!({ "on": "pending" }), json!({ "connected": false })),
        ("read", json!({ "on": "response" }), json!({ "len": 1, "bytes": 8, "crc32": answered })),
    ] {
        exam.ok_with(op, args, &wanted)?;
    }
    exam.told("a loan that was sent", "request.write", &json!({ "on": "request", "seed": 7 }), "fault")?;
    exam.refused("service.create", &named("again"), "already-exists")?;
    exam.told("an operation that does not exist", "node.xqzvap", &json!({}), "unsupported")?;
    for handle in ["response", "pending", "client", "server", "service", "node"] {
        exam.ok("drop", json!({ "on": handle }))?;
    }
    if exam.findings.broken.len() == complaints {
        exam.findings.proved.push("walk-through: every answer is as in docs/PEER-PROTOCOL.md".to_owned());
    }
    Ok(())
}

/// An answer has all settings as they are in force.
fn settings(exam: &mut Exam<'_>, qos: &Value) {
    let holds = |setting: &SettingSpec| match setting.kind {
        SettingKind::Flag => qos[setting.name].is_boolean(),
        SettingKind::Count => qos[setting.name].is_u64(),
    };
    let wrong: Vec<&str> = SETTINGS.iter().filter(|setting| !holds(setting)).map(|setting| setting.name).collect();
    if !wrong.is_empty() {
        let text = format!(
            "service.create: `qos` of the answer has to hold every setting; missing or wrong: {}",
            wrong.join(", ")
        );
        exam.complain(text);
    }
}

fn crc32(seed: u64, bytes: u64) -> u32 {
    crate::conformance::matching::crc32_of(seed, bytes)
}
