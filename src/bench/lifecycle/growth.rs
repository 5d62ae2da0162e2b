//! A message that is longer than any before it, and the one after it.

use serde_json::json;

use super::actor::{Stage, Stop};
use super::measured::Measured;
use super::pair::{SERVICE, answered_ns, slices, with_node};
use crate::scenario::lifecycle::LifecycleCase;

/// Bytes that both sides have room for at first; with a static segment they have room for everything.
const FIRST_LEN: u64 = 64;

/// One round.
pub(super) fn run(stage: &Stage<'_>, case: &LifecycleCase) -> Result<Vec<Measured>, Stop> {
    let (allocation, len) = (case.word("allocation"), case.count("bytes"));
    let room = if allocation == "static" { len.max(FIRST_LEN) } else { FIRST_LEN.min(len) };
    let (mut server, mut client) = (stage.actor("server")?, stage.actor("client")?);
    client.needs(if allocation == "static" { &["slice"] } else { &["slice", "growth"] })?;
    (server, client) = (with_node(server)?, with_node(client)?);
    let port =
        |name| json!({ "service": "service", "as": name, "allocation": allocation, "initial_max_slice_len": room });
    server.call("service.create", slices(SERVICE, &json!({})))?;
    server.call("server.create", port("server"))?;
    client.call("service.open", slices(SERVICE, &json!({})))?;
    client.call("client.create", port("client"))?;
    // Connects the two, which is not what is asked about.
    answered_ns(&mut client, &mut server, FIRST_LEN.min(len), stage)?;
    let first_ns = answered_ns(&mut client, &mut server, len, stage)?;
    let next_ns = answered_ns(&mut client, &mut server, len, stage)?;
    client.leave()?;
    server.leave()?;
    Ok(vec![Measured::new("first_ns", first_ns), Measured::new("second_ns", next_ns)])
}
