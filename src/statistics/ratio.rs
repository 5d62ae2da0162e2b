//! How much larger one sample is than another.

use super::ranks::critical_u;

/// A ratio of two samples with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RatioInterval {
    /// How many times as large values of the second sample are as those of the first.
    pub ratio: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// Ratio of the medians of two independent samples of positive values, `new` over `base`, with a 95 % confidence
/// interval. `None` with a value that is not positive and finite, and with fewer values than the interval needs: 4 and 4,
/// 3 and 5, 2 and 8.
///
/// It is Hodges and Lehmann's estimate of a shift, on logarithms: the median of the ratios of all pairs. Where the samples
/// differ by a factor alone, whatever their distribution, that estimates the factor, and so the ratio of the medians. The
/// bounds are two of these ratios, chosen by the exact distribution of U (M. Hollander and D. A. Wolfe, *Nonparametric
/// Statistical Methods*, 2nd edition, sections 4.2 and 4.3): without ties, 1 lies outside if and only if
/// [`mann_whitney`](super::mann_whitney) has p of at most 0.05. A bootstrap of the two medians need not agree with
/// that test, and calls some range 95 % of however few values.
pub fn ratio_interval(base: &[f64], new: &[f64]) -> Option<RatioInterval> {
    if base.iter().chain(new).any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let rank = critical_u(base.len(), new.len())?;
    let mut ratios: Vec<f64> = new.iter().flat_map(|new| base.iter().map(move |base| new / base)).collect();
    ratios.sort_by(f64::total_cmp);
    let (lower, upper) = (ratios[(ratios.len() - 1) / 2], ratios[ratios.len() / 2]);
    // The middle of two logarithms.
    let ratio = lower.sqrt() * upper.sqrt();
    let (low, high) = (ratios[rank], ratios[ratios.len() - 1 - rank]);
    // Values 10^308 apart have a quotient that no number can hold.
    (low > 0.0 && high.is_finite()).then_some(RatioInterval { ratio, low, high })
}

#[cfg(test)]
#[path = "ratio_tests.rs"]
mod tests;
