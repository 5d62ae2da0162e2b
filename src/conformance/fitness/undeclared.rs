//! Commands that are right in themselves, and need a feature that the peer does not declare.

use serde_json::{Value, json};

use crate::harness::error::HarnessError;
use shmark_peer::protocol::OPS;

use super::correct::right;
use super::exam::Exam;

/// What belongs to features that the peer does not declare: an operation or an argument gets `unsupported`, although it is
/// right in itself.
pub(super) fn of_each_feature(exam: &mut Exam<'_>, request: &Value, fresh: &str) -> Result<(), HarnessError> {
    let complaints = exam.findings.broken.len();
    let mut asked = Vec::new();
    let of_operations = OPS.iter().filter_map(|op| Some((op.feature?, op.name, right(op, request).into())));
    for (feature, op, args) in commands(request, fresh).into_iter().chain(of_operations) {
        if !exam.lacks(feature) {
            continue;
        }
        exam.told(&format!("{op} with what belongs to `{feature}`, which is not declared"), op, &args, "unsupported")?;
        if !asked.contains(&feature) {
            asked.push(feature);
        }
    }
    if exam.findings.broken.len() == complaints && !asked.is_empty() {
        exam.findings.proved.push(format!("undeclared features: {} are `unsupported`", asked.join(", ")));
    }
    Ok(())
}

/// A feature of an argument, and a command that needs it and nothing else beyond `request`, for handles that are named as
/// their kinds; `fresh` is the name of none.
fn commands(request: &Value, fresh: &str) -> Vec<(&'static str, &'static str, Value)> {
    let service = |key: &str, value: Value| {
        let mut args = json!({
            "node": "node", "as": fresh, "name": "undeclared", "request": request, "response": request,
        });
        args[key] = value;
        args
    };
    let port = |key: &str, value: Value| {
        let mut args = json!({ "service": "service", "as": fresh });
        args[key] = value;
        args
    };
    let payload = |key: &str, value: Value| {
        let mut payload = request.clone();
        payload[key] = value;
        payload
    };
    let header = json!({ "type": "u64" });
    vec![
        ("fixed", "service.create", service("response", payload("kind", "fixed".into()))),
        ("slice", "service.create", service("response", payload("kind", "slice".into()))),
        ("user-header", "service.create", service("request_header", header.clone())),
        ("user-header", "service.open", service("response_header", header)),
        ("alignment", "service.create", service("request", payload("align", 64.into()))),
        ("attributes", "service.create", service("attributes", json!({ "colour": "red" }))),
        ("overflow", "service.create", service("qos", json!({ "overflow_requests": true }))),
        ("overflow", "service.create", service("qos", json!({ "overflow_responses": true }))),
        ("fire-and-forget", "service.create", service("qos", json!({ "fire_and_forget": true }))),
        ("growth", "client.create", port("allocation", "best-fit".into())),
        ("growth", "server.create", port("allocation", "power-of-two".into())),
        ("backpressure", "client.create", port("backpressure", "discard".into())),
        ("backpressure", "server.create", port("backpressure", "discard".into())),
        ("backpressure-handler", "client.create", port("handler", json!(["retry"]))),
        ("backpressure-handler", "server.create", port("handler", json!(["retry"]))),
        ("preallocate", "client.create", port("preallocate", 1.into())),
        ("preallocate", "server.create", port("preallocate", 1.into())),
        ("wait", "server.receive", json!({ "on": "server", "as": fresh, "wait_ms": 1 })),
        ("wait", "pending.receive", json!({ "on": "pending", "as": fresh, "wait_ms": 1 })),
    ]
}
