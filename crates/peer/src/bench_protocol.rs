//! Benchmark mode of the peer protocol: `bench.prepare`, `bench.start`, `bench.collect`.
//!
//! The two peers of a trial alternate between *floor slices* (the bare round trip of one cache line through the
//! calibration file) and *load slices* (complete round trips through the implementation), in step without the runner:
//! the client decides after each pair of slices whether there is another one, and says so in the calibration line.

use serde::{Deserialize, Serialize};

use super::kit::implementation::BenchSetup;

/// Which side of the trial a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BenchRole {
    /// Sends requests and measures.
    Client,
    /// Answers.
    Server,
}

/// Arguments of `bench.prepare`. The server is prepared first.
///
/// From then on the peer is killed when the *thread* that started its process ends, so this thread has to live until the
/// result is collected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchPrepare {
    /// Side.
    pub role: BenchRole,
    /// Ports and payload.
    pub setup: BenchSetup,
    /// File for the floor, made by the runner: 4096 zero bytes.
    pub calibration: String,
    /// Processor to run on; not pinned if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<usize>,
    /// Time before anything counts, ms.
    pub warmup_ms: u64,
    /// Time that counts, ms.
    pub duration_ms: u64,
    /// Round trips in a load slice.
    pub slice_requests: u64,
    /// Cache-line round trips in a floor slice.
    pub slice_floors: u64,
    /// What the moments of an open loop are drawn from: the same seed, the same moments. Absent for other loads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// Arguments of `bench.start`; answered at once, then the peer is silent until the trial is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchStart {
    /// When to start, `CLOCK_MONOTONIC`, ns.
    pub at_ns: u64,
}

/// Answer of `bench.collect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BenchCollected {
    /// Requests (client) or responses (server) sent, warm-up too.
    pub sent: u64,
    /// Responses (client) or requests (server) received, warm-up too.
    pub received: u64,
    /// Of those, with the payload that was expected.
    pub verified: u64,
    /// Order-sensitive checksum of all responses' numbers, received (client) or sent (server):
    /// `c = rotate_left(c, 7) ^ number`. With several clients or servers the order is free, and so it is one that does not
    /// depend on it.
    pub checksum: u64,
    /// What went wrong; the trial is invalid then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Counted round trips, ns: `HdrHistogram` V2, base64. Empty for the server.
    pub histogram: String,
    /// Counted floors, ns, likewise.
    pub floor_histogram: String,
    /// One entry a counted pair of slices. Empty for the server.
    pub intervals: Vec<Interval>,
    /// What a reading of the client's clock takes, ns: each round trip and floor of the histograms contains one. Absent in
    /// what the server says, and before version 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ns: Option<f64>,
    /// What the client spent on each response beyond its own time, ns, because it was told to be slow. Absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ns: Option<f64>,
    /// The process's own resources, over the counted time.
    pub resources: BenchResources,
}

/// One floor slice and the load slice behind it. Of each, the first part is timed as a whole, so that no clock is in it, and
/// the round trips of the other part one by one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Start, ns since the trial's start.
    pub at_ns: u64,
    /// Median of the floors that are timed one by one, ns.
    pub floor_p50_ns: f64,
    /// Median of the round trips that are timed one by one, ns; of a throughput its time for one message.
    pub load_p50_ns: f64,
    /// Round trips that are timed one by one, or messages of a throughput.
    pub load_count: u64,
    /// Wall time of these, ns. Of an open loop: from the start of the slice to its last response.
    pub load_ns: u64,
    /// Floors that are timed as a whole. This and what follows is 0 where there is no such part, and before version 3.
    #[serde(default)]
    pub whole_floors: u64,
    /// Wall time of these, ns.
    #[serde(default)]
    pub whole_floors_ns: u64,
    /// Round trips that are timed as a whole.
    #[serde(default)]
    pub whole_loads: u64,
    /// Wall time of these, ns.
    #[serde(default)]
    pub whole_loads_ns: u64,
    /// Of an open loop: from the start of the load slice to the moment at which its last request was to be sent, ns. 0 for
    /// other loads, and before version 4.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub offered_ns: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(ns: &u64) -> bool {
    *ns == 0
}

/// Resources of one process over the counted time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as getrusage names them")]
pub struct BenchResources {
    pub user_ns: u64,
    pub system_ns: u64,
    /// Processor time spent in load slices alone, by the thread's clock.
    pub load_cpu_ns: u64,
    pub context_switches_voluntary: u64,
    pub context_switches_involuntary: u64,
    pub page_faults_minor: u64,
    pub page_faults_major: u64,
    pub rss_bytes_peak: u64,
}
