//! shmark: benchmark and conformance suite for request-response over shared memory, with a reference engine.
//!
//! The engine is [`engine`]; it stands alone with `default-features = false`. Everything else is the suite: see
//! `docs/ARCHITECTURE.md` for the map.

// They panic when their stream is closed or full: `report::streams` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod engine;
#[cfg(feature = "kit")]
pub mod kit;

#[cfg(feature = "suite")]
pub mod bench;
#[cfg(feature = "suite")]
pub mod cli;
#[cfg(feature = "suite")]
pub mod conformance;
#[cfg(feature = "suite")]
pub mod harness;
#[cfg(feature = "suite")]
pub mod peer;
#[cfg(feature = "suite")]
pub mod report;
#[cfg(feature = "suite")]
pub mod scenario;
#[cfg(feature = "suite")]
pub mod subjects;
#[cfg(feature = "suite")]
mod suggest;

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
