//! Errors: one variant for each violated rule, each text with its remedy.

mod config;
mod message;
mod node;
mod port;
mod service;
mod system;

pub use config::ConfigError;
pub use message::{LoanError, ReceiveError, ReceiveTimeoutError, SendError};
pub use node::{NamespaceGone, NodeError};
pub use port::PortError;
pub use service::ServiceError;
pub use system::SystemError;
pub(crate) use system::{SystemContext, found};
