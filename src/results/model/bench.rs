//! What a benchmark finds.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A distribution of durations, ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "percentiles by name, ns")]
pub struct Percentiles {
    pub min: f64,
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub p99_9: f64,
    pub p99_99: f64,
    pub max: f64,
    pub mean: f64,
}

/// A ratio with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ratio {
    /// Median over rounds.
    pub ratio: f64,
    /// Lower and upper bound.
    pub ci95: [f64; 2],
}

/// A median over rounds, with its 95 % confidence interval where there are two rounds or more.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Estimate {
    /// Median over rounds.
    pub ratio: f64,
    /// Lower and upper bound; absent for one round.
    pub ci95: Option<[f64; 2]>,
}

/// A time, or a difference of two, as a median over rounds with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Time {
    /// Median over rounds, ns.
    pub ns: f64,
    /// Lower and upper bound, ns; absent for one round.
    pub ci95_ns: Option<[f64; 2]>,
}

/// Figures of a result in one regime: intervals whose floors are alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BenchRegime {
    /// Median floor of the regime, ns, over all results of the scenario: the regime's name in this run.
    pub floor_ns: f64,
    /// Rounds that met it.
    pub rounds: usize,
    /// Intervals of these rounds in it.
    pub intervals: u64,
    /// Median of these intervals' round trips, ns.
    pub p50_ns: f64,
    /// Median round trip in floors.
    pub p50_floors: Estimate,
    /// As [`BenchResult::above_floor_ns`], within the regime.
    #[serde(default)]
    pub above_floor_ns: Option<Time>,
}

/// A comparison in one regime.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RelativeRegime {
    /// As in [`BenchRegime::floor_ns`].
    pub floor_ns: f64,
    /// Rounds in which both met it.
    pub rounds: usize,
    /// As [`Relative::ratio`], within the regime.
    pub ratio: f64,
    /// Lower and upper bound; absent for one round.
    pub ci95: Option<[f64; 2]>,
}

/// Processor time for one request, ns, by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[allow(missing_docs, reason = "by side")]
pub struct BySide {
    pub client: f64,
    pub server: f64,
}

/// What the times of a benchmark are times of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// One round trip after the other.
    #[default]
    RoundTrip,
    /// Messages that follow one another: a time is that of a slice over the number of its messages, and what is
    /// compared is messages per second.
    Throughput,
    /// Requests that are sent at a rate: a time is that from the moment at which the request was to be sent.
    OpenLoop,
}

/// An open loop whose rate was more than the subject can do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Saturated {
    /// Requests per second that were asked for.
    pub asked_per_s: f64,
    /// Those that were answered: median over the rounds in which it was so.
    pub achieved_per_s: f64,
    /// Rounds in which it was so.
    pub rounds: usize,
}

/// Result of one benchmark case for one subject, over all rounds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BenchResult {
    /// Scenario name, such as `rtt`.
    pub scenario: String,
    /// The question that the scenario asks, from its file. Empty in older reports.
    #[serde(default)]
    pub title: String,
    /// Subject.
    pub subject: String,
    /// What its times are times of.
    #[serde(default)]
    pub measure: Measure,
    /// Case: payload, length, waiting and so on, by name.
    pub case: BTreeMap<String, String>,
    /// Whether every trial was valid.
    pub valid: bool,
    /// What made it invalid.
    pub why_invalid: Option<String>,
    /// Why it does not answer its question although it is valid: its interval is wider than the question needs, after all
    /// rounds that it may take. Absent if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undecided: Option<String>,
    /// Rounds that count.
    pub rounds: usize,
    /// Round trips measured, all rounds together.
    pub samples: u64,
    /// Pairs of a floor slice and a load slice that the figures in floors rest on, all rounds together.
    #[serde(default)]
    pub intervals: u64,
    /// Pairs that were left out because the floor changed across the load slice.
    #[serde(default)]
    pub regime_changes: u64,
    /// Round-trip time, each timed by itself: contains one reading of the clock, `clock_ns`.
    pub rtt_ns: Percentiles,
    /// Round trip in slices that are timed as a whole, so without a clock in it: median over rounds of a round's median
    /// slice. One message of a throughput. Absent in older reports, and of peers of an older protocol, which time no slice
    /// as a whole: then `p50_floors` has a reading of the clock in the round trip and in the floor.
    #[serde(default)]
    pub trip_ns: Option<Time>,
    /// The same, by round: each is the figure of one launch. Absent in older reports.
    #[serde(default)]
    pub trips_ns: Vec<f64>,
    /// The floor between these slices, likewise.
    #[serde(default)]
    pub floor_ns: Option<Time>,
    /// How much longer than the floor a round trip takes: the difference, slice by slice.
    #[serde(default)]
    pub above_floor_ns: Option<Time>,
    /// What one reading of the clock took, ns. Absent if the peer did not say.
    #[serde(default)]
    pub clock_ns: Option<f64>,
    /// Round trips per second of load.
    pub throughput_per_s: f64,
    /// Round trip of one bare cache line between the same processes, in slices interleaved with the load.
    pub floor_rtt_ns: Percentiles,
    /// Median round trip in floors, both of slices that are timed as a whole.
    pub p50_floors: Option<Ratio>,
    /// Median round trip in floors, by round.
    pub p50_floors_rounds: Vec<f64>,
    /// The same figure by regime, the nearest placement (lowest floor) first.
    #[serde(default)]
    pub regimes: Vec<BenchRegime>,
    /// Of an open loop whose rate was more than the subject can do, in at least one round. Its times then tell how long the
    /// slices are, and nothing of the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saturated: Option<Saturated>,
    /// Processor time of the load per request.
    pub cpu_ns_per_request: BySide,
    /// All rounds merged: `HdrHistogram` V2 of ns, deflate-free, base64.
    pub histogram: String,
}

impl BenchResult {
    /// The question that it answers, or the scenario's name in an older report.
    pub fn question(&self) -> &str {
        if self.title.is_empty() { &self.scenario } else { &self.title }
    }

    /// Round trip, ns, for a table: without a clock in it where the peer can time one so.
    pub fn round_trip_ns(&self) -> f64 {
        self.trip_ns.map_or(self.rtt_ns.p50, |trip| trip.ns)
    }

    /// The floor that belongs to [`Self::round_trip_ns`], ns.
    pub fn one_floor_ns(&self) -> f64 {
        self.floor_ns.map_or(self.floor_rtt_ns.p50, |floor| floor.ns)
    }
}

/// How long a round trip of one subject takes beside another's, or beside its own in another case, measured in the same
/// rounds of one run. For a throughput: how many messages per second it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Relative {
    /// Scenario name, such as `rtt`.
    pub scenario: String,
    /// Case, as in [`BenchResult::case`].
    pub case: BTreeMap<String, String>,
    /// Subject.
    pub subject: String,
    /// What it is compared with.
    pub baseline: String,
    /// The baseline's case, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline_case: Option<BTreeMap<String, String>>,
    /// What is compared.
    #[serde(default)]
    pub measure: Measure,
    /// Rounds in which both were measured under the same conditions: those that `ratio` rests on.
    pub rounds: usize,
    /// Median round trip of the subject over that of the baseline: 0.25 means a quarter of its time. For a throughput,
    /// its rate over that of the baseline: 4 means four times as many messages.
    pub ratio: Ratio,
    /// The ratio of each round in which both met the same floor, in whichever regime; `ratio` may rest on fewer. Absent in older
    /// reports.
    #[serde(default)]
    pub ratios: Vec<f64>,
    /// Floor of the regime that `ratio` belongs to, ns: the lowest in which both met in two rounds. Absent if there is
    /// none; then `ratio` is over all intervals.
    #[serde(default)]
    pub floor_ns: Option<f64>,
    /// The ratio by regime, the nearest placement (lowest floor) first.
    #[serde(default)]
    pub regimes: Vec<RelativeRegime>,
}
