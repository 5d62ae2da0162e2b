//! What every format says about a whole report: counts, the verdict line, requirement groups.

use std::collections::BTreeMap;

use serde::Serialize;

use super::words::{group_key, group_title, pairing_label};
use crate::results::model::{
    Comparison, ComparisonVerdict, ConformanceResult, Coverage, CoverageVerdict, Report, Verdict,
};

/// How much of what was asked for is in a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// Everything.
    Complete,
    /// The run was interrupted and ended in order.
    Interrupted,
    /// The run could not do what it was to do.
    Failed,
    /// The run ended without a footer.
    CutOff,
}

/// Heading of the passes that are none by the scenario's own bounds.
pub const STRETCHED: &str = "Passed only with stretched bounds";

/// What the verdict line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    /// As expected.
    Good,
    /// Something unexpected.
    Bad,
    /// Nothing to judge, or not all of it.
    Unclear,
}

/// Client and server subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pairing {
    /// Subject in the client role.
    pub client: String,
    /// Subject in the server role.
    pub server: String,
}

impl Pairing {
    /// `reference`, or `reference → iceoryx2` if client and server differ.
    pub fn label(&self) -> String {
        pairing_label(&self.client, &self.server)
    }
}

/// Requirements of one group for one pairing, by verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Tally {
    pub held: usize,
    pub broken: usize,
    pub untested: usize,
}

impl Tally {
    /// All of them.
    pub fn total(self) -> usize {
        self.held + self.broken + self.untested
    }

    fn add(&mut self, verdict: CoverageVerdict) {
        match verdict {
            CoverageVerdict::Held => self.held += 1,
            CoverageVerdict::Broken => self.broken += 1,
            CoverageVerdict::Untested => self.untested += 1,
        }
    }
}

/// Requirements whose ids share their middle part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// `LIV` of `RR-LIV-02`.
    pub key: String,
    /// What the group is about.
    pub title: String,
    /// One entry a pairing, in the order of [`Summary::pairings`].
    pub tallies: Vec<Tally>,
}

/// The whole report in numbers.
#[derive(Debug, Clone)]
pub struct Summary<'a> {
    /// How much is there.
    pub completeness: Completeness,
    /// Scenarios by outcome; outcomes that did not occur are absent.
    pub counts: BTreeMap<Verdict, usize>,
    /// What fails the run, worst first.
    pub unexpected: Vec<&'a ConformanceResult>,
    /// Deviations at the level *observed*: shown, never decisive.
    pub differences: Vec<&'a ConformanceResult>,
    /// Listed deviations that deviate as listed.
    pub known: Vec<&'a ConformanceResult>,
    /// Passes that are none by the scenario's own bounds.
    pub stretched: Vec<&'a ConformanceResult>,
    /// Why scenarios were skipped, and how many for each reason, in order of first appearance.
    pub skipped: Vec<(&'a str, usize)>,
    /// Pairings, in order of first appearance.
    pub pairings: Vec<Pairing>,
    /// Requirement groups, in order of first appearance.
    pub groups: Vec<Group>,
    /// Requirements over all groups and pairings.
    pub requirements: Tally,
    /// Why the run failed.
    pub failure: Option<&'a str>,
    /// Who was asked for and has no result, one sentence each.
    pub without_result: &'a [String],
    /// Benchmark results that do not count.
    pub bench_invalid: usize,
    /// Benchmark results that are valid and whose interval is too wide for their question.
    pub bench_undecided: usize,
    /// Benchmark results.
    pub bench_total: usize,
    /// Builds that were compared.
    pub comparisons: &'a [Comparison],
}

impl<'a> Summary<'a> {
    /// Counts a report.
    pub fn of(report: &'a Report) -> Self {
        let mut counts = BTreeMap::new();
        for result in &report.conformance {
            *counts.entry(result.outcome).or_default() += 1;
        }
        let (mut unexpected, mut differences, mut known) = (Vec::new(), Vec::new(), Vec::new());
        for result in &report.conformance {
            match result.outcome {
                Verdict::Pass | Verdict::Skipped => {}
                Verdict::ExpectedFail => known.push(result),
                _ if result.is_unexpected() => unexpected.push(result),
                _ => differences.push(result),
            }
        }
        let passes = report.conformance.iter().filter(|result| result.outcome == Verdict::Pass);
        let stretched = passes.filter(|result| !result.stretched.is_empty()).collect();
        let mut skipped: Vec<(&str, usize)> = Vec::new();
        for result in report.conformance.iter().filter(|result| result.outcome == Verdict::Skipped) {
            let reason = result.message.lines().next().unwrap_or_default();
            match skipped.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, count)) => *count += 1,
                None => skipped.push((reason, 1)),
            }
        }
        // Stable: results of one rank stay in the order of the run.
        unexpected.sort_by_key(|result| (severity(result.outcome), result.level));
        let pairings = pairings(report);
        let groups = groups(&report.coverage, &pairings);
        let mut requirements = Tally::default();
        report.coverage.iter().for_each(|entry| requirements.add(entry.verdict));
        Self {
            completeness: match &report.footer {
                Some(footer) if footer.failure.is_some() => Completeness::Failed,
                Some(footer) if footer.complete => Completeness::Complete,
                Some(_) => Completeness::Interrupted,
                None => Completeness::CutOff,
            },
            counts,
            unexpected,
            differences,
            known,
            stretched,
            skipped,
            pairings,
            groups,
            requirements,
            failure: report.footer.as_ref().and_then(|footer| footer.failure.as_deref()),
            without_result: report.footer.as_ref().map_or(&[], |footer| &footer.without_result),
            bench_invalid: report.bench.iter().filter(|result| !result.valid).count()
                + report.lifecycle.iter().filter(|result| !result.valid).count(),
            bench_undecided: report.bench.iter().filter(|result| result.valid && result.undecided.is_some()).count()
                + report.lifecycle.iter().filter(|result| result.valid && result.undecided.is_some()).count(),
            bench_total: report.bench.len() + report.lifecycle.len(),
            comparisons: &report.comparisons,
        }
    }

    /// Scenarios with this outcome.
    pub fn count(&self, outcome: Verdict) -> usize {
        self.counts.get(&outcome).copied().unwrap_or(0)
    }

    /// Whether the run is as expected.
    pub fn tone(&self) -> Tone {
        let executed: usize = self.counts.values().sum::<usize>() - self.count(Verdict::Skipped);
        let failed = self.completeness == Completeness::Failed;
        let builds_fail = self.comparisons.iter().any(|comparison| comparison.fails);
        if failed || !self.unexpected.is_empty() || self.bench_invalid > 0 || builds_fail {
            Tone::Bad
        } else if self.completeness != Completeness::Complete
            || executed + self.bench_total + self.comparisons.len() == 0
            || self.comparisons.iter().any(|comparison| comparison.verdict == ComparisonVerdict::TooNoisy)
            || !self.without_result.is_empty()
            || self.bench_undecided > 0
        {
            Tone::Unclear
        } else {
            Tone::Good
        }
    }
}

/// Most alarming first.
pub(super) fn severity(outcome: Verdict) -> u8 {
    match outcome {
        Verdict::Crash => 0,
        Verdict::Fail => 1,
        Verdict::Timeout => 2,
        Verdict::Error => 3,
        Verdict::UnexpectedPass => 4,
        Verdict::ExpectedFail => 5,
        Verdict::Skipped => 6,
        Verdict::Pass => 7,
    }
}

fn pairings(report: &Report) -> Vec<Pairing> {
    let of_results = report.conformance.iter().map(|result| (&result.client, &result.server));
    let of_coverage = report.coverage.iter().map(|entry| (&entry.client, &entry.server));
    let mut pairings: Vec<Pairing> = Vec::new();
    for (client, server) in of_results.chain(of_coverage) {
        if !pairings.iter().any(|known| known.client == *client && known.server == *server) {
            pairings.push(Pairing { client: client.clone(), server: server.clone() });
        }
    }
    pairings
}

fn groups(coverage: &[Coverage], pairings: &[Pairing]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for entry in coverage {
        let key = group_key(&entry.requirement);
        let place = groups.iter().position(|group| group.key == key).unwrap_or_else(|| {
            let tallies = vec![Tally::default(); pairings.len()];
            groups.push(Group { key: key.to_owned(), title: group_title(key).to_owned(), tallies });
            groups.len() - 1
        });
        let pairing = pairings.iter().position(|p| p.client == entry.client && p.server == entry.server);
        if let Some(tally) = pairing.and_then(|index| groups[place].tallies.get_mut(index)) {
            tally.add(entry.verdict);
        }
    }
    groups
}
