//! Strategies that a port is given, by its builder or by the configuration.

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

/// What a sender does when a buffer without overflow is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackpressureStrategy {
    /// Waits until the receiver makes room or goes away (RR-SND-08).
    #[default]
    RetryUntilDelivered,
    /// Does not deliver to that receiver (RR-SND-07).
    DiscardData,
}
