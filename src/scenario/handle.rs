//! What is known of a handle before anything runs.

use super::service::{Shape, Shapes};
use shmark_peer::protocol::HandleKind;

/// A handle of a peer.
#[derive(Debug, Clone)]
pub(super) struct Handle {
    pub kind: HandleKind,
    /// Payloads of its service.
    pub shapes: Shapes,
    /// Where it was made; 0 for the ones that a peer starts with.
    pub line: usize,
    /// Of a loan: what has been written to it.
    pub sent: Option<Sent>,
}

/// What a step sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub shape: Shape,
    /// Elements.
    pub len: u64,
    pub payload: Filling,
    /// Seed of the user header; absent for the default one.
    pub header_seed: Option<u64>,
}

/// What a payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filling {
    /// The default value: zeros.
    Default,
    /// Whatever was there.
    Unknown,
    Seed(u64),
}
