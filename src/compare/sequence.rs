//! How long is measured: until a verdict, or the budget is used up; a difference once more, from the start.

use super::verdict::{Finding, finding, of_pairs};
use crate::results::model::{ComparisonEvidence, ComparisonVerdict};

/// Rounds between two looks at what was found. Fewer than this have no rank test.
pub const BLOCK_ROUNDS: usize = 20;

/// When to stop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// How far from 1 the interval of a ratio may reach for no difference.
    pub same_share: f64,
    /// Most rounds, for a difference and for its confirmation each.
    pub rounds_max: usize,
}

/// What rounds came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// What it is.
    pub verdict: ComparisonVerdict,
    /// Why it is not a difference or the same, or was not confirmed.
    pub why: Option<String>,
    /// What the verdict rests on.
    pub evidence: Option<ComparisonEvidence>,
    /// What led to a confirmation.
    pub before_confirmation: Option<ComparisonEvidence>,
    /// Ratios of the rounds of `evidence`.
    pub ratios: Vec<f64>,
}

/// Ratios that were measured one after the other, and what they show.
struct Sequence {
    finding: Finding,
    evidence: Option<ComparisonEvidence>,
    /// Rounds that were measured; not each of them has a ratio.
    rounds: usize,
    ratios: Vec<f64>,
}

/// Measures until it is decided. `more` measures so many rounds and returns a ratio for each that both builds have.
///
/// A look at half of the data may see a difference that is none: with each look, one in twenty. So a difference counts only
/// if fresh launches, which knew nothing of it, show the same.
///
/// # Errors
/// That of `more`.
pub fn decide<E>(limits: Limits, mut more: impl FnMut(usize) -> Result<Vec<f64>, E>) -> Result<Decided, E> {
    let first = sequence(limits, &mut more)?;
    if !matches!(first.finding, Finding::Better | Finding::Worse) {
        return Ok(first.decided(None));
    }
    let second = sequence(limits, &mut more)?;
    Ok(second.decided(Some((first.finding, first.evidence))))
}

fn sequence<E>(limits: Limits, more: &mut impl FnMut(usize) -> Result<Vec<f64>, E>) -> Result<Sequence, E> {
    let mut found = Sequence { finding: Finding::Undecided, evidence: None, rounds: 0, ratios: Vec::new() };
    while found.finding == Finding::Undecided && found.rounds < limits.rounds_max {
        let left = limits.rounds_max - found.rounds;
        // No remainder, which would have too few rounds to say anything by itself.
        let block = if left < 2 * BLOCK_ROUNDS { left } else { BLOCK_ROUNDS };
        found.ratios.extend(more(block)?);
        found.rounds += block;
        found.evidence = of_pairs(&found.ratios);
        found.finding = found.evidence.map_or(Finding::Undecided, |evidence| finding(&evidence, limits.same_share));
    }
    Ok(found)
}

impl Sequence {
    /// `before` is what this sequence is to confirm.
    fn decided(self, before: Option<(Finding, Option<ComparisonEvidence>)>) -> Decided {
        let (verdict, why) = match (before.map(|(finding, _)| finding), self.finding) {
            (Some(first), finding) if first == finding => (difference(finding), None),
            (_, Finding::Same) => (ComparisonVerdict::Same, None),
            (Some(_), Finding::Undecided) => (
                ComparisonVerdict::TooNoisy,
                Some("fresh launches did not show the difference of the first ones".to_owned()),
            ),
            (Some(_), _) => {
                (ComparisonVerdict::TooNoisy, Some("fresh launches showed the opposite of the first ones".to_owned()))
            }
            (None, _) => (ComparisonVerdict::TooNoisy, Some(self.undecided())),
        };
        let before_confirmation = before.and_then(|(_, evidence)| evidence);
        Decided { verdict, why, evidence: self.evidence, before_confirmation, ratios: self.ratios }
    }

    fn undecided(&self) -> String {
        let (used, rounds) = (self.ratios.len(), self.rounds);
        match &self.evidence {
            None => format!("only {used} of {rounds} rounds have figures of both at the same floor"),
            Some(evidence) => format!(
                "after {rounds} rounds, {used} of them with figures of both at the same floor, the interval still reaches from \
                 {:.3} to {:.3}: stop what else runs, or allow more with --rounds-max",
                evidence.ratio.ci95[0], evidence.ratio.ci95[1]
            ),
        }
    }
}

fn difference(finding: Finding) -> ComparisonVerdict {
    match finding {
        Finding::Better => ComparisonVerdict::Better,
        Finding::Worse => ComparisonVerdict::Worse,
        Finding::Same | Finding::Undecided => ComparisonVerdict::TooNoisy,
    }
}

#[cfg(test)]
#[path = "sequence_tests.rs"]
mod tests;
