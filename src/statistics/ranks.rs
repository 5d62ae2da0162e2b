//! Two samples compared by the order of their values alone.

use statrs::distribution::{ContinuousCDF, Normal};
use statrs::stats_tests::Alternative;
use statrs::stats_tests::mannwhitneyu::{MannWhitneyUMethod, mannwhitneyu};

/// Result of a Mann-Whitney U test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Pairs in which the first sample's value is the larger one; a tie counts half.
    pub u: f64,
    /// Two-sided: how likely ranks at least this uneven are if both samples come from one distribution.
    pub p: f64,
}

/// Pairs of values up to which the distribution of U is counted out: 20 and 20, say.
const EXACT_PAIRS_MAX: usize = 400;
/// What the test calls unlikely, on both sides together.
pub(super) const LEVEL: f64 = 0.05;

/// Two-sided Mann-Whitney U test: exact without ties and with up to 400 pairs, otherwise the normal approximation,
/// corrected for ties and continuity. `None` if a sample is empty or has a value that is no number.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<RankTest> {
    let approximation = MannWhitneyUMethod::AsymptoticInclContinuityCorrection;
    let (u, p) = mannwhitneyu(first, second, approximation, Alternative::TwoSided).ok()?;
    let (m, n) = (first.len(), second.len());
    if m * n > EXACT_PAIRS_MAX || has_ties(&[first, second].concat()) {
        return Some(RankTest { u, p });
    }
    // Without ties it is a whole number.
    let smaller = u.min((m * n) as f64 - u) as usize;
    let tail: u64 = arrangements(m, n)[..=smaller].iter().sum();
    Some(RankTest { u, p: (2.0 * share(tail, m, n)).min(1.0) })
}

fn has_ties(pooled: &[f64]) -> bool {
    let mut sorted = pooled.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.windows(2).any(|pair| pair[0] >= pair[1])
}

/// Cliff's delta, an effect size from -1 to 1: how much more often a value of the first sample is larger than one of
/// the second than smaller. `None` if a sample is empty or has a value that is no number.
pub fn cliffs_delta(first: &[f64], second: &[f64]) -> Option<f64> {
    let pairs = (first.len() * second.len()) as f64;
    mann_whitney(first, second).map(|test| 2.0 * test.u / pairs - 1.0)
}

/// The largest U that makes the test of `m` and `n` values reject at [`LEVEL`], if none are tied. `None` if not even 0
/// does: they are too few.
pub(super) fn critical_u(m: usize, n: usize) -> Option<usize> {
    if m * n > EXACT_PAIRS_MAX {
        let (m, n) = (m as f64, n as f64);
        let deviation = (m * n * (m + n + 1.0) / 12.0).sqrt();
        let critical = m * n / 2.0 - 0.5 + Normal::standard().inverse_cdf(LEVEL / 2.0) * deviation;
        return (critical >= 0.0).then_some(critical as usize);
    }
    let below = arrangements(m, n).into_iter().scan(0, |below, count| {
        *below += count;
        Some(*below)
    });
    below.take_while(|below| 2.0 * share(*below, m, n) <= LEVEL).count().checked_sub(1)
}

/// In how many orders of `m` first and `n` second values U is 0, 1, ..., m * n, for up to [`EXACT_PAIRS_MAX`] pairs.
///
/// `statrs` has an exact test, but its 0.19.1 takes the wrong tail unless the first sample is the longer one (5 and 5
/// values wide apart have p = 1 instead of 2/252), and it goes through all orders one by one, 10^11 of 20 and 20.
///
/// An order with U = u is a partition of u into at most m parts of at most n each (H. B. Mann and D. R. Whitney, *On a
/// test of whether one of two random variables is stochastically larger than the other*, 1947), so the counts are the
/// coefficients of a Gaussian polynomial (G. E. Andrews, *The Theory of Partitions*, section 3.2): the product of
/// `(1 - x^(n + i)) / (1 - x^i)` for `i` from 1 to m. After each factor all counts are those of `i` and n values.
fn arrangements(m: usize, n: usize) -> Vec<u64> {
    let mut counts = vec![0_u64; m * n + 1];
    counts[0] = 1;
    for i in 1..=m {
        for u in (n + i..counts.len()).rev() {
            // In between a count may be negative: what wraps around comes back with the division.
            counts[u] = counts[u].wrapping_sub(counts[u - n - i]);
        }
        for u in i..counts.len() {
            counts[u] = counts[u].wrapping_add(counts[u - i]);
        }
    }
    counts
}

/// Share of `count` orders in all orders of `m` and `n` values.
fn share(count: u64, m: usize, n: usize) -> f64 {
    // At most C(40, 20) = 1.4e11, so every step is a whole number that f64 holds exactly.
    let all = (1..=m.min(n)).fold(1.0, |all, i| all * (m.max(n) + i) as f64 / i as f64);
    count as f64 / all
}

#[cfg(test)]
#[path = "ranks_tests.rs"]
mod tests;
