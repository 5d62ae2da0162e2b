//! Which services are there, and who takes part (RR-SVC-13).

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt;

use super::cleanup;
use super::files::{self, FileName};
use super::registry::{PortEntry, Registry};
use super::static_config::StaticConfig;
use crate::connection::{ConnectionLayout, Side};
use crate::error::{ServiceError, SystemContext, found};
use crate::id::Id;
use crate::name::ServiceName;
use crate::node::Node;
use crate::payload::TypeDetail;
use crate::settings::Settings;

/// Unit of a file's blocks.
const BLOCK_BYTES: u64 = 512;

/// A port of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortInfo {
    /// Identity.
    pub id: Id,
    /// Node that it belongs to.
    pub node: Id,
    /// Name, empty unless one was given.
    pub name: String,
    /// Of a server: [requests of departed clients that were given up](crate::Server::requests_given_up).
    pub requests_given_up: u64,
}

/// A service of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceInfo {
    /// Name.
    pub name: String,
    /// All settings.
    pub settings: Settings,
    /// Request payload.
    pub request: TypeDetail,
    /// Response payload.
    pub response: TypeDetail,
    /// Request user header.
    pub request_header: TypeDetail,
    /// Response user header.
    pub response_header: TypeDetail,
    /// Attributes that the creator defined.
    pub attributes: BTreeMap<String, String>,
    /// Nodes that have it open.
    pub nodes: Vec<Id>,
    /// Clients.
    pub clients: Vec<PortInfo>,
    /// Servers.
    pub servers: Vec<PortInfo>,
    /// Shared memory that its files and connections take, bytes. Segments that are outgrown but still read do not count:
    /// only their readers can see them.
    pub memory_bytes: u64,
}

/// What a service's files say.
///
/// # Errors
/// What the system says if its folder cannot be read.
pub(crate) fn info(config: &StaticConfig, registry: &Registry) -> io::Result<ServiceInfo> {
    let mut info = info_without_memory(config, registry);
    info.memory_bytes = memory_bytes(registry, [&info.clients, &info.servers])?;
    Ok(info)
}

/// The same with 0 for the memory, which takes no descriptor.
pub(super) fn info_without_memory(config: &StaticConfig, registry: &Registry) -> ServiceInfo {
    let info_of = |PortEntry { id, node, name }| PortInfo { id, node, name, requests_given_up: registry.given_up(id) };
    let ports = |side| registry.ports(side).into_iter().map(info_of).collect();
    ServiceInfo {
        name: config.name.clone(),
        settings: config.settings,
        request: config.request.clone(),
        response: config.response.clone(),
        nodes: registry.node_ids(),
        request_header: config.request_header.clone(),
        response_header: config.response_header.clone(),
        attributes: config.attributes.clone(),
        clients: ports(Side::Client),
        servers: ports(Side::Server),
        memory_bytes: 0,
    }
}

/// Blocks of all files, and of the connections that have no file any more because both their ports have mapped it.
fn memory_bytes(registry: &Registry, [clients, servers]: [&[PortInfo]; 2]) -> io::Result<u64> {
    let mut files_bytes = 0;
    let mut unmapped = 0;
    // It may be being left at this moment.
    let Some(entries) = found(std::fs::read_dir(&registry.folder))? else { return Ok(0) };
    for entry in entries {
        let entry = entry?;
        files_bytes += found(entry.metadata())?.map_or(0, |meta| meta.blocks() * BLOCK_BYTES);
        if let Some(FileName::Connection(_, [client, server])) = entry.file_name().to_str().and_then(FileName::of) {
            let is_in = |ports: &[PortInfo], id| ports.iter().any(|port| port.id == id);
            unmapped += u64::from(is_in(clients, client) && is_in(servers, server));
        }
    }
    let pairs = clients.len() as u64 * servers.len() as u64;
    Ok(files_bytes + pairs.saturating_sub(unmapped) * ConnectionLayout::new(&registry.settings).file_bytes())
}

impl Node {
    /// All live services of the namespace, by name. Damaged ones are left out: opening them says what is wrong.
    ///
    /// # Errors
    /// [`ServiceError::NamespaceGone`]; [`ServiceError::System`] if the namespace or a service in it cannot be read,
    /// for instance for lack of descriptors.
    pub fn services(&self) -> Result<Vec<ServiceInfo>, ServiceError> {
        self.inner.check_linked()?;
        let folder = self.inner.root.services();
        let what = "listing services";
        // Dead nodes' services are not live; what cannot be cleaned now is listed.
        let _ = cleanup::clean_dead_nodes(&self.inner.root);
        let mut services = Vec::new();
        for entry in std::fs::read_dir(&folder).at(what, &folder)? {
            let path = entry.at(what, &folder)?.path();
            if files::name_of(&path).parse::<Id>().is_ok()
                && !files::is_link(&path)
                && let Some((config, registry)) = Registry::open_undamaged(&path)?
                && !registry.is_removed()
            {
                services.push(info(&config, &registry).at(what, &folder)?);
            }
        }
        services.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(services)
    }

    /// Whether a service of this name exists.
    ///
    /// # Errors
    /// [`ServiceError`] as [`Node::services`].
    pub fn service_exists(&self, name: &ServiceName) -> Result<bool, ServiceError> {
        Ok(self.services()?.iter().any(|service| service.name == name.as_str()))
    }
}
