//! What `shmark compare` finds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bench::{Measure, Ratio, Time};

/// What the comparison of two builds comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonVerdict {
    /// The new one takes less time, beyond doubt.
    Better,
    /// The new one takes more time, beyond doubt.
    Worse,
    /// They differ by less than what was to be found.
    Same,
    /// Neither could be shown.
    TooNoisy,
    /// One of them has no figure.
    Invalid,
}

/// How the figures of a comparison came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ComparisonMethod {
    /// Launches of both in turn, in one run.
    Interleaved,
    /// Two runs, each on its own: whatever else was different between them counts as a difference of the builds.
    Stored,
}

/// A ratio, and how sure it is. The three ways of asking are independent of each other, and only count together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparisonEvidence {
    /// Time of the new one over that of the base: 1.05 means 5 % slower. Also for throughputs, as time of one message.
    pub ratio: Ratio,
    /// How likely ranks at least this uneven are if there is no difference.
    pub rank_p: f64,
    /// How much more often the new one is slower than it is faster, from -1 to 1.
    pub effect: f64,
    /// Launches of each build.
    pub launches: usize,
}

/// Two builds in one case of one question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Scenario name, such as `rtt`.
    pub scenario: String,
    /// The question, one sentence.
    pub title: String,
    /// Case, as in [`BenchResult::case`](super::BenchResult::case).
    pub case: BTreeMap<String, String>,
    /// What the times are times of.
    pub measure: Measure,
    /// What is compared with.
    pub base: String,
    /// What is compared.
    pub new: String,
    /// How the figures came about.
    pub method: ComparisonMethod,
    /// What it comes to.
    pub verdict: ComparisonVerdict,
    /// Whether this fails the run: confirmed worse, by at least [`Self::fail_on_share`].
    pub fails: bool,
    /// Why it is too noisy or invalid, or that a difference was not confirmed, one sentence.
    pub why: Option<String>,
    /// Smallest slowdown that fails the run, as a share: 0.05 is 5 %. A difference is called `same` where the interval of
    /// the ratio lies within half of it.
    pub fail_on_share: f64,
    /// What the verdict rests on. Absent without figures.
    pub evidence: Option<ComparisonEvidence>,
    /// Of a difference: what was measured before, and led to the launches of `evidence`, all of which are fresh.
    pub before_confirmation: Option<ComparisonEvidence>,
    /// Round trip, or one message of a throughput, of the base.
    pub base_trip_ns: Option<Time>,
    /// The same of the new one.
    pub new_trip_ns: Option<Time>,
    /// Ratios of the launches of `evidence`, one a round, in order. Empty for stored reports.
    #[serde(default)]
    pub ratios: Vec<f64>,
}
