//! shmark: benchmark and conformance suite for request-response over shared memory, with a reference engine.
//!
//! This crate is the suite behind the command `shmark`: see `docs/ARCHITECTURE.md` for the map and `docs/GLOSSARY.md` for the
//! words. What others build on are crates of their own: `shmark-engine`, the reference engine; `shmark-peer`, the peer
//! protocol and the kit for Rust implementations; `shmark-models`, property tests with plain models.

// They panic when their stream is closed or full: `report::streams` does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod bench;
pub mod cli;
pub mod compare;
pub mod conformance;
pub mod harness;
pub mod report;
pub mod results;
pub mod scenario;
pub mod statistics;
pub mod subjects;
mod suggest;

/// The code of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
