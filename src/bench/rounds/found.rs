//! What the trials of a scenario come to: results, comparisons, and how much was disturbed.

use super::{Found, Row, ScenarioRun};
use crate::bench::regimes::Regime;
use crate::bench::slices::MatchedSlice;
use crate::bench::trial::Trial;
use crate::bench::{case_map, figures, label, regimes, relative};
use crate::results::events::{Event, Observer};
use crate::results::model::Relative;
use shmark_peer::kit::bench::DELAY_VARIABLE;

impl ScenarioRun<'_> {
    pub(super) fn results(&self, found: &mut Found, observer: &mut dyn Observer) {
        let scenario = self.scenario();
        // Of all subjects and cases together, so that all results name the same regimes.
        let trials = self.rows.iter().flat_map(|row| row.trials.iter().flatten());
        let regimes = regimes::find(trials.flat_map(|trial| trial.matched.iter().map(|slice| slice.floor_ns)));
        for (index, row) in self.rows.iter().enumerate() {
            let (case, name) = (self.case(index), self.name(index));
            if row.unsupported {
                let why = row.why_invalid.as_deref().unwrap_or_default();
                let text = format!("{}, {}: {name} is left out ({why})", scenario.name, label(case));
                observer.event(&Event::Warning { text: text.clone() });
                found.skipped.push(text);
            } else if !row.trials.is_empty() || row.why_invalid.is_some() {
                let trials: Vec<&Trial> = row.trials.iter().flatten().collect();
                if trials.iter().any(|trial| trial.has_clock) {
                    let text = format!(
                        "{}, {}: the peer of {name} speaks an older protocol and times no slice as a whole: its figures, also \
                         beside others, contain a reading of the clock",
                        scenario.name,
                        label(case)
                    );
                    observer.event(&Event::Warning { text });
                }
                if let Some(delay_ns) = trials.iter().find_map(|trial| trial.delay_ns) {
                    let text = format!(
                        "{}, {}: {name} was slowed down on purpose, by {delay_ns} ns for each response ({DELAY_VARIABLE} is set \
                         for it): its figures are no figures of the implementation",
                        scenario.name,
                        label(case)
                    );
                    observer.event(&Event::Warning { text });
                }
                let result = figures::result(scenario, name, case, &trials, &regimes, row.why_invalid.clone());
                observer.event(&Event::BenchFinished { result: Box::new(result.clone()) });
                found.bench.push(result);
            }
        }
        self.tell_repeats(observer);
        let subjects = self.entry.subjects.len();
        for first in (0..self.rows.len()).step_by(subjects.max(1)) {
            let others = (0..self.entry.asked.min(subjects))
                .flat_map(|subject| (subject + 1..subjects).map(move |other| (first + subject, first + other)));
            // Every subject beside itself in another case.
            let same = self.first_of_its_kind(first / subjects.max(1)).map(|other| other * subjects);
            let same = same.into_iter().flat_map(|other| (0..subjects).map(move |s| (first + s, other + s)));
            for (subject, baseline) in others.chain(same) {
                let Some(relative) = self.relative(subject, baseline, &regimes) else { continue };
                observer.event(&Event::Compared { relative: Box::new(relative.clone()) });
                found.relative.push(relative);
            }
        }
    }

    /// The case that a case is compared with: the first one with the same words, or, of the first ones, the very first. So
    /// what is not touched is compared with what is not touched either, whatever size comes first.
    fn first_of_its_kind(&self, case: usize) -> Option<usize> {
        let cases = &self.scenario().cases;
        let words = &cases.get(case)?.words;
        let first = cases.iter().position(|other| other.words == *words)?;
        if first < case { Some(first) } else { (case > 0).then_some(0) }
    }

    /// Says once how much the machine disturbed.
    fn tell_repeats(&self, observer: &mut dyn Observer) {
        let repeats: usize = self.rows.iter().map(|row| row.repeats).sum();
        if repeats == 0 {
            return;
        }
        let trials: usize = repeats + self.rows.iter().map(|row| row.trials.len()).sum::<usize>();
        let text = format!(
            "{}: {repeats} of {trials} trials were measured again, because their processors were taken away from them; what \
             remained is as wide as its interval: stop what else runs, or use more processors",
            self.scenario().name
        );
        observer.event(&Event::Warning { text });
    }

    /// Compares two rows; only valid results are compared, and none that is saturated.
    fn relative(&self, subject: usize, baseline: usize, regimes: &[Regime]) -> Option<Relative> {
        let (ours, theirs) = (&self.rows[subject], &self.rows[baseline]);
        let is_saturated = |row: &Row| row.trials.iter().flatten().any(|trial| trial.saturated_per_s.is_some());
        if [ours, theirs].into_iter().any(|row| row.why_invalid.is_some() || is_saturated(row)) {
            return None;
        }
        let pairs: Vec<(&[MatchedSlice], &[MatchedSlice])> = ours
            .trials
            .iter()
            .zip(&theirs.trials)
            .filter_map(|(ours, theirs)| Some((&*ours.as_ref()?.matched, &*theirs.as_ref()?.matched)))
            .collect();
        let measure = figures::measure(self.scenario().timing);
        let (case, baseline_case) = (self.case(subject), self.case(baseline));
        relative::relative(&pairs, regimes, measure).map(|compared| Relative {
            scenario: self.scenario().name.clone(),
            case: case_map(case),
            subject: self.name(subject).to_owned(),
            baseline: self.name(baseline).to_owned(),
            baseline_case: (case != baseline_case).then(|| case_map(baseline_case)),
            measure,
            rounds: compared.rounds,
            ratio: compared.ratio,
            ratios: compared.ratios,
            floor_ns: compared.floor_ns,
            regimes: compared.regimes,
        })
    }
}
