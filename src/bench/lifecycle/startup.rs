//! From nothing to the first response, with other services present.

use serde_json::json;

use super::actor::{Stage, Stop};
use super::measured::Measured;
use super::pair::{SERVICE, answered_ns, slices, with_node};
use crate::scenario::lifecycle::LifecycleCase;

/// Bytes of a message.
const LEN: u64 = 8;

/// One round.
pub(super) fn run(stage: &Stage<'_>, case: &LifecycleCase) -> Result<Vec<Measured>, Stop> {
    let others = case.count("services").saturating_sub(1);
    let mut holder = with_node(stage.actor("holder")?)?;
    holder.needs(&["slice"])?;
    for number in 0..others {
        let mut service = slices(&format!("shmark/other/{number}"), &json!({}));
        service["as"] = format!("service {number}").into();
        holder.call("service.create", service)?;
    }
    let (mut server, mut client) = (stage.actor("server")?, stage.actor("client")?);
    let node = json!({ "as": "node" });
    let port = |name| json!({ "service": "service", "as": name, "initial_max_slice_len": LEN });
    let (server_node_ns, client_node_ns);
    server_node_ns = server.time("node.create", node.clone())?;
    let create_ns = server.time("service.create", slices(SERVICE, &json!({})))?;
    let server_ns = server.time("server.create", port("server"))?;
    client_node_ns = client.time("node.create", node)?;
    let open_ns = client.time("service.open", slices(SERVICE, &json!({})))?;
    let client_ns = client.time("client.create", port("client"))?;
    let first_ns = answered_ns(&mut client, &mut server, LEN, stage)?;
    let next_ns = answered_ns(&mut client, &mut server, LEN, stage)?;
    for actor in [client, server, holder] {
        actor.leave()?;
    }
    let node_ns = server_node_ns + client_node_ns;
    let total_ns = node_ns + create_ns + server_ns + open_ns + client_ns + first_ns;
    Ok(vec![
        Measured::new("total_ns", total_ns),
        Measured::new("first_round_trip_ns", first_ns),
        Measured::new("second_round_trip_ns", next_ns),
        Measured::new("both_nodes_ns", node_ns),
        Measured::new("service_create_ns", create_ns),
        Measured::new("server_create_ns", server_ns),
        Measured::new("service_open_ns", open_ns),
        Measured::new("client_create_ns", client_ns),
    ])
}
