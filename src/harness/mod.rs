//! Peers as processes: spawn, speak, time out, kill; a namespace for each scenario; the leak check.
//!
//! A [`Subject`](subject::Subject) says how a peer is built and started, a [`Peer`](peer::Peer) is one running process
//! of it, a [`Namespace`](namespace::Namespace) is the folder that its shared memory lives in. Nothing in here judges an
//! answer: what an answer means is for `conformance` and `bench`.
//!
//! Invariant: whatever happens to the runner or to a peer, no process and no file stays behind. A peer leads a process
//! group of its own, which is killed before its leader is reaped; groups and namespaces are registered in
//! `live`, so that a second Ctrl-C finds them all.

pub mod build;
pub mod error;
pub mod interrupt;
pub mod manifest;
pub mod namespace;
pub mod overload;
pub mod peer;
pub mod reply;
pub mod run_folder;
pub mod scheduling;
pub mod shell;
pub mod space;
pub mod subject;
pub mod subject_error;
pub mod timeout;

mod conversation;
mod hello;
mod leftovers;
mod live;
mod pipes;
mod process;
mod raw;
mod removal;
mod signalling;
mod signals;
mod source;
mod start;
mod transcript;

use std::collections::BTreeMap;

/// Arguments of an operation by name, as they go on the wire.
pub type Args = BTreeMap<String, serde_json::Value>;
