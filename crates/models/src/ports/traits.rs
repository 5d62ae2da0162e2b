//! What an implementation does without chunks, and in which order.

use std::collections::BTreeSet;

use super::RequestResponse;

/// Whether a message that is unread or held keeps a chunk of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    Kept,
    /// It was copied to where it waits.
    Free,
    /// It might have been, but displaced an older message.
    Either,
}

impl Chunk {
    pub fn of(leaves_none: bool, displaces: bool) -> Self {
        match (leaves_none, displaces) {
            (false, _) => Self::Kept,
            (true, false) => Self::Free,
            (true, true) => Self::Either,
        }
    }
}

/// What an implementation does without chunks, by the length of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Traits {
    pub requests_without_chunk: BTreeSet<usize>,
    pub responses_without_chunk: BTreeSet<usize>,
    pub departed_in_order: bool,
}

impl Traits {
    pub fn of(implementation: &impl RequestResponse, lens: impl Iterator<Item = usize> + Clone) -> Self {
        Self {
            requests_without_chunk: lens.clone().filter(|len| implementation.request_leaves_no_chunk(*len)).collect(),
            responses_without_chunk: lens.filter(|len| implementation.response_leaves_no_chunk(*len)).collect(),
            departed_in_order: implementation.departed_in_order(),
        }
    }
}
