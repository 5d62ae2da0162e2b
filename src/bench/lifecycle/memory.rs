//! What a connected pair holds: shared memory, descriptors, resident memory.

use serde_json::json;

use super::actor::{Stage, Stop};
use super::held::Held;
use super::measured::Measured;
use super::pair::{SERVICE, answered_ns, slices, with_node};
use crate::scenario::lifecycle::LifecycleCase;

/// One round.
pub(super) fn run(stage: &Stage<'_>, case: &LifecycleCase) -> Result<Vec<Measured>, Stop> {
    let (len, clients) = (case.count("bytes"), case.count("clients"));
    let (mut server, mut client) = (stage.actor("server")?, stage.actor("client")?);
    client.needs(&["slice"])?;
    let before = [Held::by(server.peer.pid())?, Held::by(client.peer.pid())?];
    (server, client) = (with_node(server)?, with_node(client)?);
    let qos = json!({
        "max_clients": clients,
        "max_servers": 1,
        "max_active_requests": case.count("max_active_requests"),
        "response_buffer": case.count("response_buffer"),
    });
    let port = |name: &str| json!({ "service": "service", "as": name, "initial_max_slice_len": len });
    server.call("service.create", slices(SERVICE, &qos))?;
    server.call("server.create", port("server"))?;
    client.call("service.open", slices(SERVICE, &qos))?;
    for number in 1..clients {
        client.call("client.create", port(&format!("client {number}")))?;
    }
    client.call("client.create", port("client"))?;
    answered_ns(&mut client, &mut server, len, stage)?;
    let after = [Held::by(server.peer.pid())?, Held::by(client.peer.pid())?];
    client.leave()?;
    server.leave()?;
    let [(server, server_before), (client, client_before)] = {
        let [server_before, client_before] = &before;
        let [server, client] = &after;
        [(server, server_before), (client, client_before)]
    };
    let more = |after: u64, before: u64| after.saturating_sub(before) as f64;
    let mappings = more(server.mappings, server_before.mappings) + more(client.mappings, client_before.mappings);
    Ok(vec![
        Measured::new("shared_allocated_bytes", Held::shared_allocated_bytes(&after) as f64),
        Measured::new("shared_mapped_bytes", Held::shared_mapped_bytes(&after) as f64),
        Measured::new("server_descriptors", more(server.descriptors, server_before.descriptors)),
        Measured::new("client_descriptors", more(client.descriptors, client_before.descriptors)),
        Measured::new("mappings", mappings),
        Measured::new("server_resident_bytes", more(server.resident_bytes, server_before.resident_bytes)),
        Measured::new("client_resident_bytes", more(client.resident_bytes, client_before.resident_bytes)),
    ])
}
