//! One launch of two processes, reduced to what its figures need.

use hdrhistogram::Histogram;

use super::asked::Asked;
use super::histogram;
use super::rates;
use super::slices::MatchedSlice;
use super::validity::{self, Invalid};
use crate::statistics::median;
use shmark_peer::bench_protocol::{BenchCollected, Interval};

/// A trial that counts.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Median over its intervals of load over floor.
    pub p50_floors: f64,
    /// Median over its intervals of the round trip, ns.
    pub p50_ns: f64,
    /// Median over its intervals of the floor, ns.
    pub floor_ns: f64,
    /// Median over its intervals of load less floor, ns.
    pub above_floor_ns: f64,
    /// What a reading of the clock takes, which each single round trip of `rtt` contains, ns.
    pub clock_ns: Option<f64>,
    /// What the peer was slowed down by, on purpose, ns a response.
    pub delay_ns: Option<f64>,
    /// Whether floors and loads that are compared contain a clock reading each, because the peer times none as a whole.
    pub has_clock: bool,
    /// Its intervals.
    pub matched: Vec<MatchedSlice>,
    /// Intervals left out.
    pub regime_changes: usize,
    /// Requests per second that were answered instead of those asked for, if they were too many for the subject.
    pub saturated_per_s: Option<f64>,
    pub(super) rtt: Histogram<u64>,
    pub(super) floor: Histogram<u64>,
    /// Round trips of counted load slices, and of those that `load_ns` is the time of.
    pub(super) load_count: u64,
    pub(super) timed_count: u64,
    pub(super) load_ns: u64,
    /// Of client and server.
    pub(super) load_cpu_ns: [u64; 2],
}

impl Trial {
    /// Checks what both sides collected, of an open loop its rate, too, and reduces it.
    ///
    /// # Errors
    /// The rule that the trial breaks.
    pub fn of(client: &BenchCollected, server: &BenchCollected, asked: Asked) -> Result<Self, Invalid> {
        let trial = Self::closed(client, server, asked)?;
        let Some(rate_per_s) = asked.rate_per_s else { return Ok(trial) };
        Ok(Self { saturated_per_s: rates::check(client, server, rate_per_s)?, ..trial })
    }

    fn closed(client: &BenchCollected, server: &BenchCollected, asked: Asked) -> Result<Self, Invalid> {
        // A peer that reports an error need not have a histogram: say what it said.
        let rtt = histogram::decode(&client.histogram);
        let counted = rtt.as_ref().map_or(0, Histogram::len);
        let matched = match (validity::check(client, server, counted, asked), &rtt) {
            (Err(Invalid::Counts { .. }), Err(error)) => return Err(Invalid::Histogram { error: error.clone() }),
            (checked, _) => checked?,
        };
        let rtt = rtt.map_err(|error| Invalid::Histogram { error })?;
        let floor = histogram::decode(&client.floor_histogram)
            .map_err(|error| Invalid::Histogram { error: format!("that of the floors: {error}") })?;
        // There are at least `INTERVALS_MIN` of them.
        let over = |figure: fn(&MatchedSlice) -> f64| {
            median(&matched.iter().map(figure).collect::<Vec<_>>()).unwrap_or(f64::NAN)
        };
        let total = |part: fn(&Interval) -> u64| client.intervals.iter().map(part).fold(0_u64, u64::saturating_add);
        Ok(Self {
            p50_floors: over(|slice| slice.load_ns / slice.floor_ns),
            p50_ns: over(|slice| slice.load_ns),
            floor_ns: over(|slice| slice.floor_ns),
            above_floor_ns: over(|slice| slice.load_ns - slice.floor_ns),
            clock_ns: client.clock_ns.filter(|ns| ns.is_finite() && *ns >= 0.0),
            delay_ns: client.delay_ns,
            has_clock: client.intervals.iter().any(|interval| interval.whole_floors == 0),
            saturated_per_s: None,
            regime_changes: client.intervals.len() - 1 - matched.len(),
            matched,
            rtt,
            floor,
            load_count: total(|interval| interval.load_count.saturating_add(interval.whole_loads)),
            timed_count: total(
                |interval| if interval.whole_loads > 0 { interval.whole_loads } else { interval.load_count },
            ),
            load_ns: total(
                |interval| if interval.whole_loads > 0 { interval.whole_loads_ns } else { interval.load_ns },
            ),
            load_cpu_ns: [client.resources.load_cpu_ns, server.resources.load_cpu_ns],
        })
    }
}
