//! The service of a scenario, and what its payloads look like.

use serde_json::{Value, json};

use super::args;
use super::error::Parsed;
use super::fields::Fields;
use super::model::Args;
use super::tree::Node;
use shmark_peer::protocol::{ArgKind, ArgSpec, OpSpec, op};

/// Name of the service unless one is given.
pub(super) const NAME: &str = "shmark-test";

/// The operation by which peers get the service of their scenario.
pub(super) fn opens() -> Option<&'static OpSpec> {
    op("service.open_or_create")
}

/// What the service of a scenario can be given: what opens it, without handles.
fn keys() -> impl Iterator<Item = &'static ArgSpec> {
    let args = opens().into_iter().flat_map(|op| op.args);
    args.filter(|arg| !matches!(arg.kind, ArgKind::Handle(_) | ArgKind::NewHandle(_)))
}

/// Arguments of `service.open_or_create` without `node` and `as`, with defaults filled in.
pub(super) fn read(node: Option<&Node>) -> Parsed<Args> {
    let mut service = Args::new();
    if let Some(node) = node {
        let known: Vec<&str> = keys().map(|arg| arg.name).collect();
        let fields = Fields::new(node, "the service", &known)?;
        for arg in keys() {
            if let Some(value) = fields.get(arg.name) {
                service.insert(arg.name.to_owned(), args::value(value, arg.name, arg.kind)?);
            }
        }
    }
    fill_in(&mut service, &Args::new());
    Ok(service)
}

/// Fills in what a service lacks: from the scenario's, else the name, a fixed `u64`, and responses like requests.
pub(super) fn fill_in(service: &mut Args, scenario: &Args) {
    for (key, value) in scenario {
        service.entry(key.clone()).or_insert_with(|| value.clone());
    }
    service.entry("name".to_owned()).or_insert_with(|| Value::from(NAME));
    let request =
        service.entry("request".to_owned()).or_insert_with(|| json!({"type": "u64", "kind": "fixed"})).clone();
    service.entry("response".to_owned()).or_insert(request);
}

/// Payload of one direction, as far as lengths go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Bytes of one element.
    pub element_bytes: u64,
    /// Whether the sender chooses a length.
    pub slice: bool,
    /// Whether a user header travels along.
    pub header: bool,
}

/// Payloads of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shapes {
    pub request: Shape,
    pub response: Shape,
}

impl Shapes {
    /// Those of a service with these arguments.
    pub fn of(service: &Args) -> Self {
        let shape = |payload: &str, header: &str| {
            let word = |key: &str| service.get(payload).and_then(|payload| payload.get(key)).and_then(Value::as_str);
            let slice = word("kind") == Some("slice");
            let element_bytes = match (word("type"), slice) {
                (Some("bytes"), true) => 1,
                (Some("bytes"), false) => 4096,
                _ => 8,
            };
            Shape { element_bytes, slice, header: service.contains_key(header) }
        };
        Self { request: shape("request", "request_header"), response: shape("response", "response_header") }
    }
}
