//! Errors: one variant for each violated rule, each text with its remedy.

mod message;
mod node;
mod port;
mod service;
mod system;

pub use message::{LoanError, ReceiveError, ReceiveTimeoutError, SendError};
pub use node::{ConfigError, NamespaceGone, NodeError};
pub use port::PortError;
pub use service::ServiceError;
pub use system::SystemError;
pub(crate) use system::{SystemContext, found};
