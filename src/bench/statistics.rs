//! Statistics of small samples. One value stands for one round (one launch of two processes), never for one request.

/// Median; the mean of the two middle values if there is an even number. `None` without values.
pub fn median(values: &[f64]) -> Option<f64> {
    median_of_sorted(&sorted(values))
}

/// Median absolute deviation from the median, unscaled. `None` without values.
pub fn mad(values: &[f64]) -> Option<f64> {
    let centre = median(values)?;
    let deviations: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    median(&deviations)
}

/// Ascending copy.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values
}

fn median_of_sorted(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
}

/// Fewest values for which two order statistics enclose the median with 95 % confidence.
pub const ORDER_INTERVAL_VALUES_MIN: usize = 6;

/// 95 % confidence interval of the median of positive values. `None` with fewer than two, or with one that is not
/// positive and finite.
///
/// From [`ORDER_INTERVAL_VALUES_MIN`] values on it is the exact interval between two order statistics, which assumes
/// nothing about the distribution and is what a bootstrap of a median only approximates. With fewer no pair of order
/// statistics reaches 95 % (three rounds give 75 %), and a bootstrap would hide that, so the interval is Student's, on
/// logarithms because the values are ratios; it assumes that those are roughly normal, and it never lies inside the
/// range of the values.
pub fn median_interval(values: &[f64]) -> Option<[f64; 2]> {
    if values.len() < 2 || values.iter().any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let sorted = sorted(values);
    let (low, high) = (sorted[0], sorted[sorted.len() - 1]);
    if sorted.len() >= ORDER_INTERVAL_VALUES_MIN {
        let rank = order_interval_rank(sorted.len())?;
        return Some([sorted[rank - 1], sorted[sorted.len() - rank]]);
    }
    let count = values.len() as f64;
    let logarithms: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let mean = logarithms.iter().sum::<f64>() / count;
    let variance = logarithms.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let half = student_t975(values.len() - 1) * (variance / count).sqrt();
    Some([(mean - half).exp().min(low), (mean + half).exp().max(high)])
}

/// Largest rank `k` (from 1) so that the `k`-th smallest and the `k`-th largest of `count` values enclose the median
/// with at least 95 % confidence.
fn order_interval_rank(count: usize) -> Option<usize> {
    // P(fewer than k of n values lie below the median) = sum of C(n, i) / 2^n for i < k.
    let mut term = 0.5_f64.powi(i32::try_from(count).ok()?);
    let mut below = 0.0;
    let mut rank = 0;
    for i in 0..count / 2 {
        below += term;
        if 2.0 * below > 0.05 {
            break;
        }
        rank = i + 1;
        term *= (count - i) as f64 / (i + 1) as f64;
    }
    (rank > 0).then_some(rank)
}

/// 97.5 % quantile of Student's t for 1 to 4 degrees of freedom; more never occur beside the order statistics.
fn student_t975(degrees: usize) -> f64 {
    match degrees {
        1 => 12.706,
        2 => 4.303,
        3 => 3.182,
        _ => 2.776,
    }
}

/// 95 % percentile-bootstrap interval of a statistic of independent samples, each resampled by itself. The same seed
/// gives the same interval. `None` if a sample is empty.
pub fn bootstrap_interval<const N: usize>(
    samples: [&[f64]; N],
    statistic: impl Fn([&[f64]; N]) -> f64,
    resamples: usize,
    seed: u64,
) -> Option<[f64; 2]> {
    if resamples == 0 || samples.iter().any(|sample| sample.is_empty()) {
        return None;
    }
    let mut random = Random::new(seed);
    let mut drawn = samples.map(<[f64]>::to_vec);
    let mut statistics: Vec<f64> = (0..resamples)
        .map(|_| {
            for (drawn, sample) in drawn.iter_mut().zip(samples) {
                drawn.fill_with(|| sample[random.below(sample.len())]);
            }
            statistic(drawn.each_ref().map(Vec::as_slice))
        })
        .collect();
    statistics.sort_by(f64::total_cmp);
    let at = |share: f64| statistics[((resamples - 1) as f64 * share).round() as usize];
    Some([at(0.025), at(0.975)])
}

/// Result of a Mann-Whitney U test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RankTest {
    /// Pairs in which the first sample's value is the larger one; a tie counts half.
    pub u: f64,
    /// Two-sided: how likely ranks at least this uneven are if both samples come from one distribution.
    pub p: f64,
}

/// Mann-Whitney U test: exact without ties and with up to 400 pairs, otherwise the normal approximation, corrected for
/// ties and continuity. `None` if a sample is empty.
pub fn mann_whitney(first: &[f64], second: &[f64]) -> Option<RankTest> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let mut u = 0.0;
    for a in first {
        for b in second {
            u += match a.total_cmp(b) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    let pooled = sorted(&[first, second].concat());
    let tie_lengths: Vec<f64> =
        pooled.chunk_by(|a, b| a.total_cmp(b).is_eq()).map(|run| run.len() as f64).filter(|run| *run > 1.0).collect();
    let pairs = first.len() * second.len();
    let p = if tie_lengths.is_empty() && pairs <= 400 {
        exact_p(first.len(), second.len(), u)
    } else {
        normal_p(first.len() as f64, second.len() as f64, u, &tie_lengths)
    };
    Some(RankTest { u, p: p.clamp(0.0, 1.0) })
}

/// Two-sided p of `u` by counting: the arrangements of `m` and `n` values by their `U` follow
/// `count(m, n, u) = count(m - 1, n, u - n) + count(m, n - 1, u)`.
fn exact_p(m: usize, n: usize, u: f64) -> f64 {
    let sizes = m * n + 1;
    // counts[j][u] for the current number of first values and j second values.
    let mut counts = vec![vec![0.0_f64; sizes]; n + 1];
    for row in &mut counts {
        row[0] = 1.0;
    }
    for _ in 0..m {
        for j in 0..=n {
            let fewer_first = counts[j].clone();
            for value in 0..sizes {
                let with_first = if value >= j { fewer_first[value - j] } else { 0.0 };
                let with_second = if j > 0 { counts[j - 1][value] } else { 0.0 };
                counts[j][value] = with_first + with_second;
            }
        }
    }
    let total: f64 = counts[n].iter().sum();
    let smaller = u.min((m * n) as f64 - u) as usize;
    2.0 * counts[n][..=smaller].iter().sum::<f64>() / total
}

fn normal_p(m: f64, n: f64, u: f64, tie_lengths: &[f64]) -> f64 {
    let all = m + n;
    let ties: f64 = tie_lengths.iter().map(|run| run.powi(3) - run).sum();
    let variance = m * n / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let distance = ((u - m * n / 2.0).abs() - 0.5).max(0.0);
    2.0 * (1.0 - normal_cdf(distance / variance.sqrt()))
}

/// Standard normal distribution function for `z >= 0`, Zelen and Severo's polynomial, within 7.5e-8.
fn normal_cdf(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = [1.330_274_429, -1.821_255_978, 1.781_477_937, -0.356_563_782, 0.319_381_530]
        .iter()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    1.0 - polynomial * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Cliff's delta, an effect size from -1 to 1: how much more often a value of the first sample is larger than one of
/// the second than smaller. `None` if a sample is empty.
pub fn cliffs_delta(first: &[f64], second: &[f64]) -> Option<f64> {
    let pairs = (first.len() * second.len()) as f64;
    mann_whitney(first, second).map(|test| 2.0 * test.u / pairs - 1.0)
}

/// `SplitMix64`: small, seeded, the same on every machine.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts a sequence.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The high half of a 128-bit product is uniform up to 2^-64.
        ((u128::from(self.next_u64()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
#[path = "statistics_tests.rs"]
mod tests;
