//! The test kit on implementations: the engine's own, others', and ones that are broken on purpose, so that every property
//! is known to be able to fail.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod boxes;
mod broken_channels;
mod broken_segments;
mod engine_channel;
mod engine_segment;
mod foreign_channels;
mod foreign_segment;
mod locked;
