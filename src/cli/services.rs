//! `shmark services`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args;
use super::columns::{columns, fitted};
use super::failure::CommandError;
use super::memory::{Holders, Place};
use crate::report::figures::{bytes, counted};
use crate::report::sanitise::visible;
use crate::report::streams::{print, width_out};
use shmark_engine::{
    Id, Inventory, Kind, NodeInfo, NodeState, PortInfo, Remains, RemainsKind, Root, ServiceInfo, TypeDetail,
};

pub(super) fn run(args: &args::Services) -> Result<u8, CommandError> {
    let place = Place::find(args.root.as_deref())?;
    let inventory = place.root.as_ref().map(Inventory::of).transpose()?;
    let text = match (&place.root, &inventory) {
        _ if args.json => json_text(&place, inventory.as_ref()),
        (Some(root), Some(inventory)) if !inventory.is_empty() => shown(root, inventory, args.settings),
        _ => fitted(
            &format!(
                "There is nothing in {}: no service and no node.\nAnother namespace is looked at with --root DIR; \
             SHMARK_ROOT and the configuration file say which one is the default.\n",
                visible(&place.path.display().to_string())
            ),
            width_out(),
        ),
    };
    print(&text);
    Ok(0)
}

fn shown(root: &Root, inventory: &Inventory, with_settings: bool) -> String {
    let Inventory { nodes, services, remains } = inventory;
    let mut text = format!(
        "{}: {}, {}, {} of shared memory\n",
        visible(&root.path().display().to_string()),
        counted(services.len(), "service"),
        counted(nodes.len(), "node"),
        bytes(services.iter().map(|service| service.memory_bytes).sum()),
    );
    if !services.is_empty() {
        let _ = write!(text, "\n{}", columns(&service_rows(services)));
    }
    if with_settings {
        for service in services {
            let _ = write!(text, "\n{}", details(service));
        }
    }
    if !nodes.is_empty() {
        let _ = write!(text, "\n{}", columns(&node_rows(root, inventory)));
    }
    let _ = write!(text, "{}", fitted(&advice(remains), width_out()));
    text
}

/// What is left, and the command that removes it.
fn advice(remains: &[Remains]) -> String {
    let foreign = remains.iter().filter(|remains| remains.kind == RemainsKind::Foreign).count();
    let left = remains.len() - foreign;
    let mut text = String::new();
    if left > 0 {
        let what = counted(left, "remnant");
        let _ = write!(text, "\n{what} of dead processes or damaged services: `shmark clean --dry-run` shows what, ");
        text.push_str("`shmark clean` removes what nobody can be using.\n");
    }
    if foreign > 0 {
        let _ = writeln!(
            text,
            "\n{} that this engine has not made: `shmark clean --dry-run` shows where.",
            counted(foreign, "file")
        );
    }
    text
}

fn service_rows(services: &[ServiceInfo]) -> Vec<Vec<String>> {
    let heading = ["service", "request", "response", "clients", "servers", "nodes", "memory"].map(str::to_owned);
    let rows = services.iter().map(|service| {
        vec![
            service.name.clone(),
            type_word(&service.request),
            type_word(&service.response),
            service.clients.len().to_string(),
            service.servers.len().to_string(),
            service.nodes.len().to_string(),
            bytes(service.memory_bytes),
        ]
    });
    std::iter::once(heading.to_vec()).chain(rows).collect()
}

fn type_word(detail: &TypeDetail) -> String {
    if detail.kind == Kind::Slice { format!("[{}]", detail.name) } else { detail.name.clone() }
}

fn node_rows(root: &Root, inventory: &Inventory) -> Vec<Vec<String>> {
    let holders = Holders::now();
    let heading = ["node", "state", "process", "services", "name"].map(str::to_owned);
    let rows = inventory.nodes.iter().map(|node| {
        let process = holders.of(root, node).map(|(pid, name)| format!("{pid} ({name})"));
        let services = services_of(inventory, node.id).count().to_string();
        let state = state_word(node.state).to_owned();
        vec![node.id.to_string(), state, process.unwrap_or_default(), services, node.name.clone()]
    });
    std::iter::once(heading.to_vec()).chain(rows).collect()
}

fn services_of(inventory: &Inventory, node: Id) -> impl Iterator<Item = &ServiceInfo> {
    inventory.services.iter().filter(move |service| service.nodes.contains(&node))
}

fn state_word(state: NodeState) -> &'static str {
    match state {
        NodeState::Alive => "alive",
        NodeState::Dead => "dead",
        NodeState::Unknown => "unknown",
    }
}

/// All that is fixed about a service, and who takes part.
fn details(service: &ServiceInfo) -> String {
    let mut text = format!("{}\n", visible(&service.name));
    // Settings are plain values, which TOML can always write.
    for line in toml::to_string(&service.settings).unwrap_or_default().lines() {
        let _ = writeln!(text, "  {line}");
    }
    let types = [&service.request, &service.request_header, &service.response, &service.response_header];
    for (part, detail) in ["request", "request user header", "response", "response user header"].iter().zip(types) {
        let _ = writeln!(text, "  {part}: {}", visible(&detail.to_string()));
    }
    for (key, value) in &service.attributes {
        let _ = writeln!(text, "  attribute {key:?} = {value:?}");
    }
    for (role, ports) in [("client", &service.clients), ("server", &service.servers)] {
        for port in ports {
            let _ = write!(text, "  {role} {} of node {} {:?}", port.id, port.node, port.name);
            if port.requests_given_up > 0 {
                let _ = write!(text, ", {} requests of departed clients given up", port.requests_given_up);
            }
            text.push('\n');
        }
    }
    text
}

fn json_text(place: &Place, inventory: Option<&Inventory>) -> String {
    let holders = Holders::now();
    let (mut nodes, mut services, mut remains) = (Vec::new(), Vec::new(), Vec::new());
    if let (Some(root), Some(inventory)) = (&place.root, inventory) {
        nodes.extend(inventory.nodes.iter().map(|node| json_node(root, inventory, node, &holders)));
        services.extend(inventory.services.iter().map(json_service));
        remains.extend(inventory.remains.iter().map(json_remains));
    }
    let value = json!({ "root": place.path, "nodes": nodes, "services": services, "remains": remains });
    format!("{value:#}\n")
}

fn json_node(root: &Root, inventory: &Inventory, node: &NodeInfo, holders: &Holders) -> Value {
    let process = holders.of(root, node).map(|(pid, name)| json!({ "pid": pid, "name": name }));
    let services: Vec<&str> = services_of(inventory, node.id).map(|service| service.name.as_str()).collect();
    json!({
        "id": node.id.to_string(),
        "name": node.name,
        "state": state_word(node.state),
        "process": process,
        "services": services,
    })
}

fn json_service(service: &ServiceInfo) -> Value {
    let ports = |ports: &[PortInfo]| -> Vec<Value> {
        let port =
            |port: &PortInfo| json!({ "id": port.id.to_string(), "node": port.node.to_string(), "name": port.name });
        ports.iter().map(port).collect()
    };
    json!({
        "name": service.name,
        "request": service.request,
        "response": service.response,
        "request_header": service.request_header,
        "response_header": service.response_header,
        "settings": service.settings,
        "attributes": service.attributes,
        "nodes": service.nodes.iter().map(Id::to_string).collect::<Vec<_>>(),
        "clients": ports(&service.clients),
        "servers": ports(&service.servers),
        "requests_given_up": service.servers.iter().map(|server| server.requests_given_up).sum::<u64>(),
        "memory_bytes": service.memory_bytes,
    })
}

/// One entry of `remains`, `removed` or `kept`.
pub(super) fn json_remains(remains: &Remains) -> Value {
    json!({ "kind": kind_word(remains.kind), "path": remains.path, "detail": remains.detail })
}

/// The kind as a word for programs.
pub(super) fn kind_word(kind: RemainsKind) -> &'static str {
    match kind {
        RemainsKind::DeadNode => "dead-node",
        RemainsKind::UnfinishedNode => "unfinished-node",
        RemainsKind::AbandonedService => "abandoned-service",
        RemainsKind::UnfinishedService => "unfinished-service",
        RemainsKind::DamagedService => "damaged-service",
        RemainsKind::Foreign => "foreign",
    }
}
