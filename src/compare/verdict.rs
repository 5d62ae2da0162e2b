//! From ratios of launches to a verdict.

use super::signed_rank::signed_rank_p;
use crate::results::model::{ComparisonEvidence, Ratio};
use crate::statistics::{median, median_interval};

/// Most likely that ranks are uneven by chance, for a difference.
pub const RANK_P_MAX: f64 = 0.05;
/// Smallest effect of a difference: below it Cliff's delta is called negligible (Romano et al., 2006).
pub const EFFECT_MIN: f64 = 0.147;

/// What evidence shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// The new one takes less time.
    Better,
    /// The new one takes more time.
    Worse,
    /// The interval lies within what counts as the same.
    Same,
    /// Neither.
    Undecided,
}

/// Evidence of paired launches: `ratios` has one a round, the time of the new one over that of the base. `None` where
/// there are too few, or one that is not positive and finite.
pub fn of_pairs(ratios: &[f64]) -> Option<ComparisonEvidence> {
    let ratio = Ratio { ratio: median(ratios)?, ci95: median_interval(ratios)? };
    let logarithms: Vec<f64> = ratios.iter().map(|ratio| ratio.ln()).collect();
    let slower = logarithms.iter().filter(|difference| **difference > 0.0).count() as f64;
    let faster = logarithms.iter().filter(|difference| **difference < 0.0).count() as f64;
    Some(ComparisonEvidence {
        ratio,
        // Without a single difference there is no rank, and nothing is as likely as that.
        rank_p: signed_rank_p(&logarithms).or((slower + faster == 0.0).then_some(1.0))?,
        effect: (slower - faster) / ratios.len() as f64,
        launches: ratios.len(),
    })
}

/// A difference needs interval, rank test and effect to say the same; `same_share` is how far from 1 the interval may
/// reach, up or down by this factor, for no difference.
pub fn finding(evidence: &ComparisonEvidence, same_share: f64) -> Finding {
    let ComparisonEvidence { ratio: Ratio { ci95: [low, high], .. }, rank_p, effect, .. } = *evidence;
    let is_sure = rank_p < RANK_P_MAX;
    if low >= 1.0 / (1.0 + same_share) && high <= 1.0 + same_share {
        Finding::Same
    } else if low > 1.0 && is_sure && effect >= EFFECT_MIN {
        Finding::Worse
    } else if high < 1.0 && is_sure && effect <= -EFFECT_MIN {
        Finding::Better
    } else {
        Finding::Undecided
    }
}
