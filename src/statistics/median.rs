//! The middle of one sample, and how well it is known.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};
use statrs::statistics::{Data, Median};

/// Median; the mean of the two middle values if there is an even number. `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| Data::new(values.to_vec()).median())
}

/// Chance that an end of a 95 % interval lies on the wrong side of what is estimated.
const TAIL: f64 = 0.025;

/// 95 % confidence interval of the median of positive values. `None` with fewer than two, or with one that is not
/// positive and finite.
///
/// From six values on it is the interval between two order statistics (W. J. Conover, *Practical Nonparametric
/// Statistics*, 3rd edition, section 3.2): exact, without assuming anything about the distribution; a bootstrap of a
/// median only approximates it. With fewer no pair of order statistics reaches 95 % (three rounds give 75 %), and a
/// bootstrap would hide that, so the interval is Student's, on logarithms because the values are ratios; it assumes that
/// those are roughly normal, and it never lies inside the range of the values.
pub fn median_interval(values: &[f64]) -> Option<[f64; 2]> {
    if values.len() < 2 || values.iter().any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if let Some(rank) = order_interval_rank(sorted.len()) {
        return Some([sorted[rank - 1], sorted[sorted.len() - rank]]);
    }
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    let count = values.len() as f64;
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let mean = logarithms.iter().sum::<f64>() / count;
    let variance = logarithms.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let quantile = StudentsT::new(0.0, 1.0, count - 1.0).ok()?.inverse_cdf(1.0 - TAIL);
    let half = quantile * (variance / count).sqrt();
    Some([(mean - half).exp().min(low), (mean + half).exp().max(high)])
}

/// Largest rank `k` (from 1) so that the `k`-th smallest and the `k`-th largest of `count` values enclose the median
/// with at least 95 % confidence. `None` below six values.
fn order_interval_rank(count: usize) -> Option<usize> {
    // The median lies below the k-th smallest if fewer than k of the values lie below the median.
    let below = Binomial::new(0.5, count as u64).ok()?;
    (1..=count / 2).take_while(|rank| below.cdf(*rank as u64 - 1) <= TAIL).last()
}

#[cfg(test)]
#[path = "median_tests.rs"]
mod tests;
