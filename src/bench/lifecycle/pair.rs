//! What the procedures have in common: a service, its ports, and a request that is answered.

use std::time::Instant;

use serde_json::{Value, json};

use super::actor::{Actor, Fields, Stage, Stop};

/// Name of the service that a procedure is about.
pub(super) const SERVICE: &str = "shmark/lifecycle";

/// Arguments of an operation that creates or opens a service of byte slices.
pub(super) fn slices(name: &str, qos: &Value) -> Value {
    let payload = json!({ "type": "bytes", "kind": "slice" });
    json!({ "node": "node", "as": "service", "name": name, "request": payload, "response": payload, "qos": qos })
}

/// The times of a request that is answered, operation by operation, ns: no time between two of them counts.
pub(super) fn answered_ns(client: &mut Actor, server: &mut Actor, len: u64, stage: &Stage<'_>) -> Result<f64, Stop> {
    let send_ns = client.time("client.send", json!({ "on": "client", "as": "pending", "seed": 1, "len": len }))?;
    let (request, receive_ns) = received(server, "server.receive", &json!({ "on": "server", "as": "active" }), stage)?;
    let respond_ns = server.time("active.send", json!({ "on": "active", "seed": 2, "len": len }))?;
    let response = json!({ "on": "pending", "as": "response" });
    let (response, collect_ns) = received(client, "pending.receive", &response, stage)?;
    for (message, actor) in [(&request, &*server), (&response, &*client)] {
        if message.get("len").and_then(Value::as_u64) != Some(len) {
            return Err(actor.broken(&format!("received a message of another length than {len}")));
        }
    }
    client.call("drop", json!({ "on": "response" }))?;
    client.call("drop", json!({ "on": "pending" }))?;
    server.call("drop", json!({ "on": "active" }))?;
    Ok(send_ns + receive_ns + respond_ns + collect_ns)
}

/// Receives until there is something; the time is that of the receive that found it, ns.
pub(super) fn received(actor: &mut Actor, op: &str, args: &Value, stage: &Stage<'_>) -> Result<(Fields, f64), Stop> {
    let since = Instant::now();
    loop {
        let (fields, took_ns) = actor.timed(op, args.clone())?;
        if fields.get("received").and_then(Value::as_bool) == Some(true) {
            return Ok((fields, took_ns));
        }
        if since.elapsed() > stage.patience() {
            return Err(actor.broken(&format!("has received nothing by {op} for {} s", stage.patience().as_secs())));
        }
    }
}

/// A node of the process's own.
pub(super) fn with_node(mut actor: Actor) -> Result<Actor, Stop> {
    actor.call("node.create", json!({ "as": "node" }))?;
    Ok(actor)
}
