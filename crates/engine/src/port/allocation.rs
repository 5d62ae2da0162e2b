//! Allocation strategies: how a payload segment gets room for longer slices.

use serde::{Deserialize, Serialize};

/// How a payload segment gets room for longer slices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AllocationStrategy {
    /// Not at all: `initial_max_slice_len` is the limit.
    #[default]
    Static,
    /// A longer slice gets a new segment with room for exactly its length.
    BestFit,
    /// A longer slice gets a new segment with room for the next power of two of its length.
    PowerOfTwo,
}

impl AllocationStrategy {
    /// Whether a longer loan, or one more, is served by a new segment.
    pub(super) fn grows(self) -> bool {
        self != Self::Static
    }

    /// Elements that fit the new segment that a loan of `len` makes, if there is such a number.
    pub(super) fn room_for(self, len: usize) -> Option<usize> {
        match self {
            Self::Static | Self::BestFit => Some(len),
            Self::PowerOfTwo => len.checked_next_power_of_two(),
        }
    }
}
