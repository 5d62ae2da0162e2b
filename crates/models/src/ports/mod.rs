//! Whole ports: several clients and servers of one service, in one thread, against a model of the pattern that is written
//! from the catalogue of requirements.
//!
//! What the requirements leave open (which client or server comes first, when a skipped request leaves its buffer) is left
//! open here: the model goes on with every state that agrees with what was observed, and fails when none does.
#![allow(clippy::unwrap_used, reason = "the model looks up what it has itself put into its tables")]

mod acting;
mod actions;
mod carrying;
mod check;
mod ending;
mod event;
mod files;
mod interface;
mod operation;
mod port;
mod receiving;
mod records;
mod requests;
mod responses;
mod shape;
mod state;
mod system;
mod threads;
mod traits;

use super::{Config, RuleViolation};
pub use interface::{Done, HandlerAction, Ports, RequestResponse, Sent, SharedService, Threaded, Tried};
pub use shape::{
    ClientShape, PortFile, PortSettings, ReceivedRequest, ReceivedResponse, Refused, ServerShape, Shortage, Sizing,
};

/// Random sequences of operations by several clients and servers, for services of all settings, compared with the model:
/// every result, payload, count, order and connection is as required, no file is there for nothing, and nothing is left.
///
/// # Errors
/// The first requirement found broken, with the shortest sequence that breaks it.
pub fn check_operations(implementation: &impl RequestResponse, config: Config) -> Result<Tried, RuleViolation> {
    check::check(implementation, config)
}

/// Several threads with nodes and ports of their own, whose clients come and go: every request that is said to be delivered is
/// received once, in order and whole, unless a full buffer gave it up, and every response comes to its own request, once.
///
/// # Errors
/// The first requirement found broken. A second run may take another course: threads are not repeatable.
pub fn check_threads(implementation: &impl Threaded, config: Config) -> Result<Tried, RuleViolation> {
    threads::check(implementation, config)
}
