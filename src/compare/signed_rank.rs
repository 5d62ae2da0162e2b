//! Wilcoxon's signed-rank test: whether pairs differ. No library at hand has it for pairs.

use statrs::distribution::{ContinuousCDF, Normal};

/// Fewest differences for which the normal distribution is close enough: from here on it has the critical values of the exact
/// table.
pub const DIFFERENCES_MIN: usize = 12;

/// Two-sided p of differences that are symmetrical around 0 if nothing differs, by the normal distribution, corrected for
/// ties and continuity; zeros are left out. `None` if fewer than [`DIFFERENCES_MIN`] are left.
///
/// Source: W. J. Conover, Practical Nonparametric Statistics, 3rd edition, section 5.7.
pub fn signed_rank_p(differences: &[f64]) -> Option<f64> {
    let mut differences: Vec<f64> = differences.iter().copied().filter(|difference| *difference != 0.0).collect();
    if differences.len() < DIFFERENCES_MIN || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let (mut positive, mut ties, mut below) = (0.0, 0.0, 0.0);
    for alike in differences.chunk_by(|a, b| a.abs().total_cmp(&b.abs()).is_eq()) {
        let count = alike.len() as f64;
        let rank = below + f64::midpoint(1.0, count);
        positive += rank * alike.iter().filter(|difference| **difference > 0.0).count() as f64;
        ties += count.powi(3) - count;
        below += count;
    }
    let count = differences.len() as f64;
    let mean = count * (count + 1.0) / 4.0;
    let variance = count * (count + 1.0) * (2.0 * count + 1.0) / 24.0 - ties / 48.0;
    let distance = ((positive - mean).abs() - 0.5).max(0.0);
    Some(2.0 * Normal::standard().sf(distance / variance.sqrt()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    /// Differences 1, 2, ... `count`, of which those with the given ranks are positive.
    fn p(count: usize, positive: &[usize]) -> f64 {
        let differences: Vec<f64> =
            (1..=count).map(|rank| if positive.contains(&rank) { rank as f64 } else { -(rank as f64) }).collect();
        signed_rank_p(&differences).unwrap()
    }

    /// Largest rank sum that is significant at 5 %, two-sided, from Wilcoxon's table (as in Conover, table A12).
    #[test]
    fn critical_values_are_those_of_the_table() {
        for (count, critical) in [(12, 13), (15, 25), (20, 52), (25, 89)] {
            // Any set of ranks with that sum will do.
            let set = |mut sum: usize| {
                let mut ranks = Vec::new();
                for rank in (1..=count).rev() {
                    if rank <= sum {
                        ranks.push(rank);
                        sum -= rank;
                    }
                }
                assert_eq!(sum, 0);
                ranks
            };
            assert!(p(count, &set(critical)) <= 0.05 + 0.002, "{count}: {}", p(count, &set(critical)));
            assert!(p(count, &set(critical + 1)) > 0.05, "{count}: {}", p(count, &set(critical + 1)));
        }
    }

    #[test]
    fn what_is_alike_on_both_sides_is_no_difference() {
        let balanced: Vec<f64> = (1..=10).flat_map(|rank| [f64::from(rank), -f64::from(rank)]).collect();
        assert!(signed_rank_p(&balanced).unwrap() > 0.95);
        assert!(signed_rank_p(&[1.0; 20]).unwrap() < 1e-4, "twenty ties on one side");
    }

    #[test]
    fn too_few_or_no_numbers_have_no_test() {
        assert_eq!(signed_rank_p(&[1.0; 11]), None);
        assert_eq!(signed_rank_p(&[0.0; 40]), None);
        assert_eq!(signed_rank_p(&[f64::NAN; 20]), None);
    }
}
