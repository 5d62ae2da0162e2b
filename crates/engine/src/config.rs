//! What users set once for all their services and ports, in a file or in code (RR-SVC-15).
//!
//! A builder wins over the configuration, the configuration over the built-in value. `docs/CONFIGURATION.md` has every key.

mod file;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use super::strategy::{AllocationStrategy, BackpressureStrategy};

pub use file::CONFIG_VARIABLE;

/// Defaults of a node and everything made from it.
///
/// A file may leave out any key; what it leaves out is as in [`Config::default`], the built-in values.
///
/// ```
/// use shmark_engine::{AllocationStrategy, ClientConfig, Config, Node, ServiceName, Settings};
///
/// let config = Config {
///     service: Settings { max_clients: 2, ..Settings::default() },
///     client: ClientConfig { allocation_strategy: AllocationStrategy::BestFit, ..ClientConfig::default() },
///     ..Config::default()
/// };
/// # let folder = tempfile::tempdir()?;
/// # let config = Config { root: Some(folder.path().to_owned()), ..config };
/// // Without `config`, the node reads the file.
/// let node = Node::builder().config(config).create()?;
/// # let name = ServiceName::new("My/Funk/ServiceName")?;
/// let service = node.service_builder(&name).request_response::<u64, u64>().open_or_create()?;
/// assert_eq!(service.settings().max_clients, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Namespace of nodes that are given none, unless the environment names one: an absolute path.
    #[serde(deserialize_with = "file::absolute")]
    pub root: Option<PathBuf>,
    /// What memory is spent for.
    pub profile: DeploymentProfile,
    /// Settings of services that are created. Opening a service asks for none of them.
    #[serde(deserialize_with = "file::service")]
    pub service: Settings,
    /// Clients.
    pub client: ClientConfig,
    /// Servers.
    pub server: ServerConfig,
}

/// What memory is spent for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeploymentProfile {
    /// As little memory as possible: payload segments grow if their ports may, and pages are there when they are used.
    #[default]
    Desktop,
    /// Nothing may be missing later: everything is allocated, touched and locked into memory when it is created, and
    /// nothing grows afterwards.
    SafetyCritical,
}

/// Defaults of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClientConfig {
    /// How the request segment gets room for longer slices.
    pub allocation_strategy: AllocationStrategy,
    /// Elements that a loaned slice may have before the segment grows. 0 is taken as 1.
    #[serde(deserialize_with = "file::at_least_one")]
    pub initial_max_slice_len: usize,
    /// What to do when a server's buffer without overflow is full.
    pub backpressure_strategy: BackpressureStrategy,
    /// Chunks of the first segment, if fewer than can be needed at once. 0 is taken as 1.
    #[serde(deserialize_with = "file::at_least_one_if_any")]
    pub preallocate: Option<usize>,
}

/// Defaults of servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ServerConfig {
    /// How the response segment gets room for longer slices.
    pub allocation_strategy: AllocationStrategy,
    /// Elements that a loaned slice may have before the segment grows. 0 is taken as 1.
    #[serde(deserialize_with = "file::at_least_one")]
    pub initial_max_slice_len: usize,
    /// What to do when a client's buffer without overflow is full.
    pub backpressure_strategy: BackpressureStrategy,
    /// Chunks of the first segment, if fewer than can be needed at once. 0 is taken as 1.
    #[serde(deserialize_with = "file::at_least_one_if_any")]
    pub preallocate: Option<usize>,
    /// Responses that each active request may have loaned at once. 0 is taken as 1.
    #[serde(deserialize_with = "file::at_least_one")]
    pub max_loaned_responses: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        let (allocation_strategy, backpressure_strategy) = Default::default();
        Self { allocation_strategy, initial_max_slice_len: 1, backpressure_strategy, preallocate: None }
    }
}

impl Default for ServerConfig {
    fn default() -> Self {
        let ClientConfig { allocation_strategy, initial_max_slice_len, backpressure_strategy, preallocate } =
            ClientConfig::default();
        let max_loaned_responses = 2;
        Self { allocation_strategy, initial_max_slice_len, backpressure_strategy, preallocate, max_loaned_responses }
    }
}
