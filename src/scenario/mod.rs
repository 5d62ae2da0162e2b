//! Scenario files into checked types, with diagnostics that point into the file.

pub mod model;
