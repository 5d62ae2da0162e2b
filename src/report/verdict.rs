//! The one sentence or two that stand for a whole report.

use std::collections::BTreeMap;

use super::comparisons;
use super::figures::counted;
use super::summary::{Completeness, Summary, severity};
use super::words::past_tense;
use crate::results::model::Verdict;

/// Most reasons for skipped scenarios that the verdict line gives.
const SKIP_REASONS_MAX: usize = 3;

impl Summary<'_> {
    /// One sentence or two that stand for the whole report.
    pub fn verdict_line(&self) -> String {
        let mut sentences = Vec::new();
        let total: usize = self.counts.values().sum();
        let nothing = total + self.bench_total + self.comparisons.len() == 0;
        match self.completeness {
            Completeness::Complete => {}
            Completeness::Failed => {
                let why = self.failure.and_then(|why| why.lines().next()).unwrap_or_default();
                let what = if nothing { "there are no results" } else { "what follows is valid, but not all" };
                sentences.push(format!("Failed, {what}: {}.", why.trim_end_matches(['.', ':'])));
            }
            Completeness::Interrupted => sentences.push("Interrupted: what follows is valid, but not all.".to_owned()),
            Completeness::CutOff => {
                sentences.push("Cut off: the run ended without its footer, results are missing.".to_owned());
            }
        }
        if total > 0 {
            sentences.push(self.conformance_sentence(total));
        }
        if self.bench_total > 0 {
            let results = counted(self.bench_total, "benchmark result");
            let undecided = match self.bench_undecided {
                0 => String::new(),
                undecided => format!(", {undecided} undecided"),
            };
            sentences.push(match self.bench_invalid {
                0 => format!("{results}, all valid{undecided}."),
                invalid => format!("{results}, {invalid} invalid{undecided}."),
            });
        }
        sentences.extend(comparisons::counts(self.comparisons));
        // Where nothing at all was judged, the reasons are said already.
        if self.count(Verdict::Skipped) < total + self.bench_total + self.comparisons.len() {
            sentences.extend(self.without_result.iter().map(|text| format!("{}.", capitalised(text))));
        }
        if nothing && !matches!(self.completeness, Completeness::Failed | Completeness::Interrupted) {
            sentences.push("Nothing was executed: check what was selected, and the warnings.".to_owned());
        }
        sentences.join(" ")
    }

    fn conformance_sentence(&self, total: usize) -> String {
        if self.count(Verdict::Skipped) == total {
            let reasons: Vec<String> = match self.skipped.as_slice() {
                [(reason, _)] => vec![(*reason).to_owned()],
                several => several
                    .iter()
                    .take(SKIP_REASONS_MAX)
                    .map(|(reason, count)| format!("{reason} ({})", counted(*count, "scenario")))
                    .collect(),
            };
            let more = if self.skipped.len() > SKIP_REASONS_MAX { "; and others" } else { "" };
            let scenarios = counted(total, "scenario");
            return format!("Nothing was judged: {scenarios}, skipped. {}{more}.", capitalised(&reasons.join("; ")));
        }
        let mut quiet = vec![format!("{} passed", self.count(Verdict::Pass))];
        if !self.stretched.is_empty() {
            quiet.push(format!("{} of them only with stretched bounds", self.stretched.len()));
        }
        if !self.known.is_empty() {
            quiet.push(counted(self.known.len(), "known deviation"));
        }
        if !self.differences.is_empty() {
            quiet.push(counted(self.differences.len(), "observed difference"));
        }
        if self.count(Verdict::Skipped) > 0 {
            quiet.push(format!("{} skipped", self.count(Verdict::Skipped)));
        }
        let rest = quiet.join(", ");
        let scenarios = counted(total, "scenario");
        if self.unexpected.is_empty() {
            // Alone at the front, the words would speak for invalid measurements too.
            let subject = if self.bench_invalid > 0 { "Conformance as expected" } else { "As expected" };
            return format!("{subject}: {scenarios}, {rest}.");
        }
        let mut by_outcome: BTreeMap<u8, (Verdict, usize)> = BTreeMap::new();
        for result in &self.unexpected {
            by_outcome.entry(severity(result.outcome)).or_insert((result.outcome, 0)).1 += 1;
        }
        let loud: Vec<String> =
            by_outcome.values().map(|(outcome, count)| format!("{count} {}", past_tense(*outcome))).collect();
        let unexpected = counted(self.unexpected.len(), "unexpected result");
        format!("{unexpected} in {scenarios}: {}; {rest}.", loud.join(", "))
    }
}

pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
