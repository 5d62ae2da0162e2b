//! One figure of one round.

/// A figure with its name, which ends in its unit: `_ns`, `_bytes`, or none for a number of things.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::bench) struct Measured {
    pub name: &'static str,
    pub value: f64,
}

impl Measured {
    pub(super) fn new(name: &'static str, value: f64) -> Self {
        Self { name, value }
    }
}
