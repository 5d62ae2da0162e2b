//! One launch of two processes, reduced to what its figures need.

use hdrhistogram::Histogram;

use super::histogram;
use super::slices::MatchedSlice;
use super::statistics::median;
use super::validity::{self, Invalid};
use shmark_peer::bench_protocol::{BenchCollected, Interval};

/// A trial that counts.
#[derive(Debug, Clone)]
pub struct Trial {
    /// Median over its intervals of load over floor.
    pub p50_floors: f64,
    /// Median round trip of all that was counted, ns.
    pub p50_ns: f64,
    /// Its intervals.
    pub matched: Vec<MatchedSlice>,
    /// Intervals left out.
    pub regime_changes: usize,
    pub(super) rtt: Histogram<u64>,
    pub(super) floor: Histogram<u64>,
    pub(super) load_count: u64,
    pub(super) load_ns: u64,
    /// Of client and server.
    pub(super) load_cpu_ns: [u64; 2],
}

impl Trial {
    /// Checks what both sides collected and reduces it; `each` is the number of responses to a request.
    ///
    /// # Errors
    /// The rule that the trial breaks.
    pub fn new(client: &BenchCollected, server: &BenchCollected, each: u64) -> Result<Self, Invalid> {
        // A peer that reports an error need not have a histogram: say what it said.
        let rtt = histogram::decode(&client.histogram);
        let counted = rtt.as_ref().map_or(0, Histogram::len);
        let matched = match (validity::check(client, server, counted, each), &rtt) {
            (Err(Invalid::Counts { .. }), Err(error)) => return Err(Invalid::Histogram { error: error.clone() }),
            (checked, _) => checked?,
        };
        let rtt = rtt.map_err(|error| Invalid::Histogram { error })?;
        let floor = histogram::decode(&client.floor_histogram)
            .map_err(|error| Invalid::Histogram { error: format!("that of the floors: {error}") })?;
        let ratios: Vec<f64> = matched.iter().map(|slice| slice.load_ns / slice.floor_ns).collect();
        let total = |part: fn(&Interval) -> u64| client.intervals.iter().map(part).fold(0_u64, u64::saturating_add);
        Ok(Self {
            // There are at least `INTERVALS_MIN` ratios.
            p50_floors: median(&ratios).unwrap_or(f64::NAN),
            p50_ns: rtt.value_at_quantile(0.5) as f64,
            regime_changes: client.intervals.len() - 1 - matched.len(),
            matched,
            rtt,
            floor,
            load_count: total(|interval| interval.load_count),
            load_ns: total(|interval| interval.load_ns),
            load_cpu_ns: [client.resources.load_cpu_ns, server.resources.load_cpu_ns],
        })
    }
}
