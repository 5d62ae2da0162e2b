//! What the procedures have in common: a service, its ports, and a request that is answered.

use std::time::Instant;

use serde_json::{Value, json};

use super::actor::{Actor, Fields, Stage, Stop};
use shmark_peer::kit::payload::seeded_crc32;

/// Name of the service that a procedure is about.
pub(super) const SERVICE: &str = "shmark/lifecycle";

/// Arguments of an operation that creates or opens a service of byte slices.
pub(super) fn slices(name: &str, qos: &Value) -> Value {
    let payload = json!({ "type": "bytes", "kind": "slice" });
    json!({ "node": "node", "as": "service", "name": name, "request": payload, "response": payload, "qos": qos })
}

/// Seeds of what requests and responses are filled with.
const REQUEST_SEED: u64 = 1;
const RESPONSE_SEED: u64 = 2;

/// The times of a request that is answered, operation by operation, ns: no time between two of them counts.
pub(super) fn answered_ns(client: &mut Actor, server: &mut Actor, len: u64, stage: &Stage<'_>) -> Result<f64, Stop> {
    let send_ns = send(client, "pending", len)?;
    let receive_ns = receive_request(server, "active", len, stage)?;
    let respond_ns = respond(server, "active", len)?;
    let collect_ns = receive_response(client, "pending", len, stage)?;
    client.call("drop", json!({ "on": "response" }))?;
    client.call("drop", json!({ "on": "pending" }))?;
    server.call("drop", json!({ "on": "active" }))?;
    Ok(send_ns + receive_ns + respond_ns + collect_ns)
}

/// Sends a request, which has to reach a server; the time, ns.
pub(super) fn send(client: &mut Actor, pending: &str, len: u64) -> Result<f64, Stop> {
    let (sent, took_ns) =
        client.timed("client.send", json!({ "on": "client", "as": pending, "seed": REQUEST_SEED, "len": len }))?;
    if sent.get("delivered").and_then(Value::as_u64).is_none_or(|servers| servers == 0) {
        return Err(client.broken("has sent a request that reached no server"));
    }
    Ok(took_ns)
}

/// Receives a request; the time, ns.
pub(super) fn receive_request(server: &mut Actor, active: &str, len: u64, stage: &Stage<'_>) -> Result<f64, Stop> {
    let (message, took_ns) = received(server, "server.receive", &json!({ "on": "server", "as": active }), stage)?;
    verified(server, &message, REQUEST_SEED, len)?;
    Ok(took_ns)
}

/// Answers a request; the time, ns.
pub(super) fn respond(server: &mut Actor, active: &str, len: u64) -> Result<f64, Stop> {
    server.time("active.send", json!({ "on": active, "seed": RESPONSE_SEED, "len": len }))
}

/// Receives a response as `response`; the time, ns.
pub(super) fn receive_response(client: &mut Actor, pending: &str, len: u64, stage: &Stage<'_>) -> Result<f64, Stop> {
    let (message, took_ns) = received(client, "pending.receive", &json!({ "on": pending, "as": "response" }), stage)?;
    verified(client, &message, RESPONSE_SEED, len)?;
    Ok(took_ns)
}

/// Whether a message is the one that was sent.
fn verified(actor: &Actor, message: &Fields, seed: u64, len: u64) -> Result<(), Stop> {
    if message.get("len").and_then(Value::as_u64) != Some(len) {
        return Err(actor.broken(&format!("received a message of another length than {len}")));
    }
    let crc32 = seeded_crc32(seed, len);
    if message.get("crc32").and_then(Value::as_u64) != Some(u64::from(crc32)) {
        return Err(actor.broken("received a message with another content than was sent"));
    }
    Ok(())
}

/// Receives until there is something; the time is that of the receive that found it, ns.
fn received(actor: &mut Actor, op: &str, args: &Value, stage: &Stage<'_>) -> Result<(Fields, f64), Stop> {
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
