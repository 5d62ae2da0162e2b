//! Scenario files into checked types, with diagnostics that point into the file.
//!
//! [`Library`] holds all scenarios, [`Selection`] chooses among them, [`model`] is what the runner executes. Everything
//! that can be known to be wrong with a file is a [`ScenarioError`] before anything runs. `docs/SCENARIOS.md` is the
//! reference of the format.

mod args;
pub mod bench;
mod builtin;
mod catalogue;
pub mod conformance;
mod error;
mod expect;
mod fields;
mod handle;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod hostile_tests;
mod library;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod library_tests;
pub mod lifecycle;
mod matcher;
mod matrix;
pub mod model;
mod operation;
mod reader;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod rules_tests;
mod select;
mod service;
mod source;
mod state;
mod steps;
mod stimulus;
mod tree;
mod violation;
mod wording;

pub use catalogue::{Catalogue, Requirement};
pub use error::ScenarioError;
pub use library::{Library, Replaced};
pub use select::{Selection, SelectionError};
pub use violation::Violation;
