//! What reading the steps of a scenario goes by, and what it finds on the way.

use super::catalogue::Catalogue;
use super::source::{Source, Span};
use super::state::ScenarioState;
use super::tree::{Data, Node};

/// Keys of a step besides the arguments of its operation.
pub(super) const STEP_KEYS: &[&str] =
    &["on", "do", "begin", "await", "tag", "check", "expect", "expect_any", "within_ms"];

/// Reads steps in order, and follows what they do to the peers.
#[derive(Debug)]
pub(super) struct StepReader<'a> {
    pub source: &'a Source,
    pub catalogue: &'a Catalogue,
    pub state: ScenarioState,
    /// Steps written out so far, those of the cells before too.
    pub count: usize,
    /// Requirements that were checked, and where.
    pub checked: Vec<(String, Span)>,
}

/// Where a key stands; the whole table if it is not there.
pub(super) fn key_span(node: &Node, key: &str) -> Span {
    match &node.data {
        Data::Table(entries) => {
            entries.iter().find(|entry| entry.key == key).map_or(node.span.clone(), |entry| entry.key_span.clone())
        }
        _ => node.span.clone(),
    }
}
