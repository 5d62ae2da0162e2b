//! What makes a trial count. A figure of a trial that breaks one of these rules is not shown as a result.

use std::fmt;

use super::asked::Asked;
use super::slices::{MatchedSlice, floor_ns, floors_p50, load_ns, match_slices};
use shmark_peer::bench_protocol::{BenchCollected, BenchRole};

/// Fewest intervals that a trial's median may rest on.
pub const INTERVALS_MIN: usize = 20;
/// Floors that a pair of processors can have, ns. The fastest known hand-over of a line and back takes about 30 ns; two
/// processes that share one processor take at least a few microseconds for each turn.
pub const FLOOR_NS_PLAUSIBLE: std::ops::RangeInclusive<f64> = 5.0..=20_000.0;

/// Why a trial does not count. The text says what to do about it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the text of each variant is its explanation")]
pub enum Invalid {
    Reported { side: BenchRole, error: String },
    Nothing,
    RequestsLost { sent: u64, servers: u64, received: u64 },
    ResponsesLost { sent: u64, received: u64 },
    Unanswered { sent: u64, received: u64, each: u64 },
    Damaged { side: BenchRole, received: u64, verified: u64 },
    Checksums { client: u64, server: u64 },
    Histogram { error: String },
    Counts { histogram: u64, intervals: u64 },
    IntervalNotPositive { index: usize },
    TooFewIntervals { logged: usize, regime_changes: usize },
    FloorImplausible { floor_ns: f64 },
    NoSchedule { index: usize },
    OtherRate { asked_per_s: u64, scheduled_per_s: f64 },
    RateMissed { asked_per_s: u64, achieved_per_s: f64, late: usize, intervals: usize, processor_share: f64 },
}

impl Invalid {
    /// Whether the machine may be at fault: its processors were taken away so often that too little was measured. Then
    /// the trial says nothing about the subject, good or bad.
    pub fn is_disturbance(&self) -> bool {
        matches!(self, Self::TooFewIntervals { .. } | Self::FloorImplausible { .. } | Self::RateMissed { .. })
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported { side, error } => write!(f, "the {} reported: {error}", name(*side)),
            Self::Nothing => f.write_str("no request was sent; raise the scenario's duration"),
            Self::RequestsLost { sent, servers: 1, received } => {
                write!(f, "the client sent {sent} requests and the server received {received}")
            }
            Self::RequestsLost { sent, servers, received } => {
                write!(f, "the client sent {sent} requests to each of {servers} servers, and these received {received}")
            }
            Self::ResponsesLost { sent, received } => {
                write!(f, "the server sent {sent} responses and the client received {received}")
            }
            Self::Unanswered { sent, received, each } => write!(
                f,
                "the client sent {sent} requests and received {received} responses instead of {each} for each request"
            ),
            Self::Damaged { side, received, verified } => write!(
                f,
                "the {} received {received} messages and only {verified} had the payload that was sent",
                name(*side)
            ),
            Self::Checksums { client, server } => write!(
                f,
                "the sequences that client and server received differ (checksums {client:016x} and {server:016x}): \
                 messages were lost, doubled or out of order"
            ),
            Self::Histogram { error } => write!(f, "the client's histogram cannot be used: {error}"),
            Self::Counts { histogram, intervals } => write!(
                f,
                "the client's histogram holds {histogram} round trips and its intervals hold {intervals}; they have to \
                 be the same ones"
            ),
            Self::IntervalNotPositive { index } => {
                write!(f, "interval {index} of the client holds a time or a count that is not positive and finite")
            }
            Self::TooFewIntervals { logged, regime_changes } => write!(
                f,
                "{logged} intervals, {regime_changes} of them with a floor that changed, leave fewer than \
                 {INTERVALS_MIN}; raise the scenario's duration or make its slices shorter"
            ),
            Self::FloorImplausible { floor_ns } => write!(
                f,
                "the bare cache line took {floor_ns:.1} ns for a round trip, which is outside {} to {} ns: the two \
                 processes did not have a processor each (is the machine busy, or --pin wrong?)",
                FLOOR_NS_PLAUSIBLE.start(),
                FLOOR_NS_PLAUSIBLE.end()
            ),
            Self::NoSchedule { index } => write!(
                f,
                "interval {index} of the client does not say when the last request of the open loop was to be sent \
                 (offered_ns)"
            ),
            Self::OtherRate { asked_per_s, scheduled_per_s } => {
                write!(
                    f,
                    "the client's schedule has {scheduled_per_s:.0} requests per second, and {asked_per_s} were asked for"
                )
            }
            Self::RateMissed { asked_per_s, achieved_per_s, late, intervals, processor_share } => write!(
                f,
                "{asked_per_s} requests per second were asked for and {achieved_per_s:.0} answered: {late} of {intervals} \
                 slices took longer than their schedule, with a processor for client and server in {:.0} % of the time \
                 (is the machine busy?)",
                100.0 * processor_share
            ),
        }
    }
}

fn name(side: BenchRole) -> &'static str {
    match side {
        BenchRole::Client => "client",
        BenchRole::Server => "server",
    }
}

/// Checks one trial; `counted` is the number of round trips or messages in the client's histogram. Returns the intervals
/// that count.
///
/// # Errors
/// The first rule that is broken.
pub fn check(
    client: &BenchCollected,
    server: &BenchCollected,
    counted: u64,
    asked: Asked,
) -> Result<Vec<MatchedSlice>, Invalid> {
    for (side, collected) in [(BenchRole::Client, client), (BenchRole::Server, server)] {
        if let Some(error) = &collected.error {
            return Err(Invalid::Reported { side, error: error.clone() });
        }
    }
    if client.sent == 0 {
        return Err(Invalid::Nothing);
    }
    let Asked { servers, .. } = asked;
    if client.sent.checked_mul(servers) != Some(server.received) {
        return Err(Invalid::RequestsLost { sent: client.sent, servers, received: server.received });
    }
    if server.sent != client.received {
        return Err(Invalid::ResponsesLost { sent: server.sent, received: client.received });
    }
    let each = asked.answers();
    if client.sent.checked_mul(each) != Some(client.received) {
        return Err(Invalid::Unanswered { sent: client.sent, received: client.received, each });
    }
    for (side, collected) in [(BenchRole::Client, client), (BenchRole::Server, server)] {
        let BenchCollected { received, verified, .. } = *collected;
        if received != verified {
            return Err(Invalid::Damaged { side, received, verified });
        }
    }
    if client.checksum != server.checksum {
        return Err(Invalid::Checksums { client: client.checksum, server: server.checksum });
    }
    check_intervals(client, counted)
}

fn check_intervals(client: &BenchCollected, counted: u64) -> Result<Vec<MatchedSlice>, Invalid> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    let broken = client.intervals.iter().position(|interval| {
        !positive(interval.floor_p50_ns)
            || !positive(interval.load_p50_ns)
            || !positive(floor_ns(interval))
            || !positive(load_ns(interval))
            || interval.load_count == 0
            || interval.load_ns == 0
    });
    if let Some(index) = broken {
        return Err(Invalid::IntervalNotPositive { index });
    }
    let intervals = client.intervals.iter().fold(0_u64, |sum, interval| sum.saturating_add(interval.load_count));
    if counted != intervals {
        return Err(Invalid::Counts { histogram: counted, intervals });
    }
    let slices = match_slices(&client.intervals);
    if slices.matched.len() < INTERVALS_MIN {
        let logged = client.intervals.len();
        return Err(Invalid::TooFewIntervals { logged, regime_changes: slices.regime_changes });
    }
    match floors_p50(&slices.matched) {
        Some(floor_ns) if !FLOOR_NS_PLAUSIBLE.contains(&floor_ns) => Err(Invalid::FloorImplausible { floor_ns }),
        _ => Ok(slices.matched),
    }
}
