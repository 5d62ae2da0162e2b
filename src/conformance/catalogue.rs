//! The catalogue of requirements, which the scenario files are checked against and results are explained with.

pub use crate::scenario::{Catalogue, Requirement};
