//! The test kit on implementations: the engine's own, others', and ones that are broken on purpose, so that every property
//! is known to be able to fail.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod broken_channels;
mod engine_channel;
mod foreign_channels;
mod locked;
