//! Medians over rounds, with their intervals, as results have them.

use crate::results::model::{Estimate, Ratio, Time};
use crate::statistics::{median, median_interval};

/// Median over rounds with its interval; absent for fewer than two rounds, which have none.
pub fn ratio(rounds: &[f64]) -> Option<Ratio> {
    Some(Ratio { ratio: median(rounds)?, ci95: median_interval(rounds)? })
}

/// Median over rounds of a time in ns, with its interval if there are two or more; absent without a round.
pub fn time(rounds_ns: &[f64]) -> Option<Time> {
    Some(Time { ns: median(rounds_ns)?, ci95_ns: median_interval(rounds_ns) })
}

/// Median over rounds, with its interval if there are two or more; absent without a round.
pub fn estimate(rounds: &[f64]) -> Option<Estimate> {
    Some(Estimate { ratio: median(rounds)?, ci95: median_interval(rounds) })
}
