//! Kinds of handles: which operation makes which, works on which and uses which up.

use super::service::{Shape, Shapes};

/// What a handle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HandleKind {
    Node,
    Service,
    Client,
    Server,
    /// A loaned request.
    Request,
    Pending,
    Active,
    /// A loaned response.
    ResponseLoan,
    /// A received response.
    Response,
}

use HandleKind as H;

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

impl HandleKind {
    /// For messages.
    pub fn words(self) -> &'static str {
        match self {
            H::Node => "a node",
            H::Service => "a service",
            H::Client => "a client",
            H::Server => "a server",
            H::Request => "a loaned request",
            H::Pending => "a pending response",
            H::Active => "an active request",
            H::ResponseLoan => "a loaned response",
            H::Response => "a received response",
        }
    }

    /// What the answer of an operation makes.
    pub fn made_by(op: &str) -> Option<Self> {
        Some(match op {
            "node.create" => H::Node,
            "service.create" | "service.open" | "service.open_or_create" => H::Service,
            "client.create" => H::Client,
            "server.create" => H::Server,
            "request.loan" => H::Request,
            "request.send" | "client.send" => H::Pending,
            "server.receive" => H::Active,
            "response.loan" => H::ResponseLoan,
            "pending.receive" => H::Response,
            _ => return None,
        })
    }

    /// What an argument of an operation may be; empty means any.
    pub fn wanted(op: &str, argument: &str) -> &'static [Self] {
        match (argument, op) {
            ("node", _) => &[H::Node],
            ("service", _) | (_, "service.ports") => &[H::Service],
            (_, "request.loan" | "client.send") => &[H::Client],
            (_, "request.write" | "request.send") => &[H::Request],
            (_, "server.has_requests" | "server.receive") => &[H::Server],
            (_, "response.loan" | "active.send" | "active.has_hint") => &[H::Active],
            (_, "response.write" | "response.send") => &[H::ResponseLoan],
            (_, "pending.has_response" | "pending.receive" | "pending.hint_disconnect") => &[H::Pending],
            (_, "read") => &[H::Active, H::Response],
            (_, "is_connected") => &[H::Pending, H::Active],
            _ => &[],
        }
    }

    /// Whether an operation uses up the handle that it works on.
    pub fn used_up_by(op: &str) -> bool {
        matches!(op, "drop" | "request.send" | "response.send")
    }
}
