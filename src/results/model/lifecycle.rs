//! What a question about the lifecycle finds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A figure over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifecycleFigure {
    /// What it is a figure of, with its unit at the end: `service_create_ns`, `shared_mapped_bytes`; a number of things has
    /// no unit.
    pub name: String,
    /// Median over rounds.
    pub median: f64,
    /// Lower and upper bound of the median, 95 %; absent for one round.
    pub ci95: Option<[f64; 2]>,
    /// Largest of all rounds.
    pub max: f64,
    /// By round.
    pub rounds: Vec<f64>,
}

/// Result of one case of a question about the lifecycle for one subject, over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LifecycleResult {
    /// Scenario name, such as `startup`.
    pub scenario: String,
    /// The question that the scenario asks.
    pub title: String,
    /// Subject.
    pub subject: String,
    /// Case, by the names of the file's lists.
    pub case: BTreeMap<String, String>,
    /// Whether every round went as it should.
    pub valid: bool,
    /// What made it invalid.
    pub why_invalid: Option<String>,
    /// Why it does not answer its question although it is valid: the interval of its first figure is wider than the question
    /// needs, after all rounds that it may take. Absent if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// Rounds that count.
    pub rounds: usize,
    /// In the order in which the procedure names them, the one that answers the question first.
    pub figures: Vec<LifecycleFigure>,
}
