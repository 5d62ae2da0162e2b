//! Kinds of handles.

/// What a handle stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is an object of docs/PEER-PROTOCOL.md")]
pub enum HandleKind {
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

impl HandleKind {
    /// Every kind.
    pub const ALL: &'static [Self] =
        &[H::Node, H::Service, H::Client, H::Server, H::Request, H::Pending, H::Active, H::ResponseLoan, H::Response];

    /// For messages and tables.
    pub const fn words(self) -> &'static str {
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

    /// Several kinds in one message: `a pending response or an active request`.
    pub fn any_of(kinds: &[Self]) -> String {
        kinds.iter().map(|kind| kind.words()).collect::<Vec<_>>().join(" or ")
    }
}
