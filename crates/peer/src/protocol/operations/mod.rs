//! The entries of all operations but `hello` and `bench.*`, which the runner alone speaks.

mod nodes;
mod objects;
mod ports;
mod requests;
mod responses;
mod services;
mod waiting;

pub(crate) use nodes::Nodes;
pub(crate) use objects::Objects;
pub(crate) use ports::Ports;
pub(crate) use requests::Requests;
pub(crate) use responses::Responses;
pub(crate) use services::Services;
pub(crate) use waiting::Waiting;

use super::operation::{OpSpec, operation};

/// Operations by the headings of docs/PEER-PROTOCOL.md.
pub const GROUPS: &[(&str, &[OpSpec])] = &[
    ("Nodes", nodes::ENTRIES),
    ("Services", services::ENTRIES),
    ("Ports", ports::ENTRIES),
    ("Requests", requests::ENTRIES),
    ("Responses", responses::ENTRIES),
    ("Waiting", waiting::ENTRIES),
    ("Everything else", objects::ENTRIES),
];

/// Every operation, in the order of the page.
pub const OPS: &[OpSpec] = &all::<{ count() }>();

const fn count() -> usize {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].1.len();
        group += 1;
    }
    count
}

const fn all<const N: usize>() -> [OpSpec; N] {
    let mut all = [operation(""); N];
    let (mut next, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].1.len() {
            all[next] = GROUPS[group].1[index];
            next += 1;
            index += 1;
        }
        group += 1;
    }
    all
}

/// Looks an operation up by name.
pub fn op(name: &str) -> Option<&'static OpSpec> {
    OPS.iter().find(|op| op.name == name)
}
