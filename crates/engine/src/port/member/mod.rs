//! Membership of a service, written once for both kinds of port: getting a place in the registry, following who comes and goes,
//! attaching the connections that the other side has made, and leaving.
//!
//! How a message travels is not decided here.

pub(super) mod attaching;
mod builder;
mod client;
mod entering;
mod server;
pub(super) mod sync_state;

pub use builder::{ClientBuilder, ServerBuilder};
