//! Commands that would be carried out, for handles that are named as their kinds.

use serde_json::{Map, Value, json};

use shmark_peer::protocol::{ArgKind, ArgSpec, HandleKind, OpSpec};

/// A name that no handle has.
pub(super) const NOBODY: &str = "nobody";
/// A name that no handle has yet.
pub(super) const FRESH: &str = "fresh";

/// A command that would be carried out.
pub(super) fn right(op: &OpSpec, request: &Value) -> Map<String, Value> {
    let value = |arg: &ArgSpec| match arg.kind {
        ArgKind::Handle(kinds) => kinds.first().map_or(NOBODY, |kind| handle(*kind)).into(),
        ArgKind::Handles(kinds) => kinds.iter().map(|kind| handle(*kind)).collect(),
        ArgKind::NewHandle(_) => FRESH.into(),
        ArgKind::Text => "broken-too".into(),
        ArgKind::Count => 1.into(),
        ArgKind::Flag => false.into(),
        ArgKind::Word(words) => words.first().copied().into(),
        ArgKind::Words(words) => words.iter().take(1).copied().collect(),
        ArgKind::Payload => request.clone(),
        ArgKind::Header => json!({ "type": "u64" }),
        ArgKind::Qos | ArgKind::Attributes => json!({}),
    };
    op.args.iter().filter(|arg| arg.required).map(|arg| (arg.name.to_owned(), value(arg))).collect()
}

/// The handle of a kind that [`prepare`] has made.
pub(super) fn handle(kind: HandleKind) -> &'static str {
    match kind {
        HandleKind::Node => "node",
        HandleKind::Service => "service",
        HandleKind::Client => "client",
        HandleKind::Server => "server",
        HandleKind::Request => "loan",
        HandleKind::Pending => "pending",
        HandleKind::Active => "active",
        HandleKind::ResponseLoan => "answer",
        HandleKind::Response => "response",
    }
}
