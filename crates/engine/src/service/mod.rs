//! Services: created by rename when complete, opened, left and cleaned under their lock, gone with the last that has it open.

mod builder;
pub(crate) mod cleanup;
pub(crate) mod files;
mod inner;
mod listing;
mod opening;
pub(crate) mod registry;
mod static_config;
pub(crate) mod sweep;

pub(crate) use builder::layouts;
pub use builder::{RequestResponseBuilder, Service};
pub(crate) use inner::{ServiceInner, ServiceLock};
pub(crate) use listing::info;
pub use listing::{PortInfo, ServiceInfo};
pub use opening::ServiceBuilder;
pub use static_config::{LAYOUT_VERSION, StaticConfig};
