//! Scenarios, cases, rounds and subjects in order; trials into results. How a trial comes about is the launcher's.

use super::launch::{Ended, Launch, TrialPlan};
use super::regimes::Regime;
use super::slices::MatchedSlice;
use super::trial::Trial;
use super::{calibrate, case_map, figures, label, order, regimes, relative};
use crate::results::events::{Event, Observer};
use crate::results::model::{BenchResult, Relative};
use crate::scenario::model::{BenchCase, BenchScenario};

/// How often a trial is measured again that the machine disturbed.
const REPEATS_MAX: usize = 4;

/// A scenario and who takes part in it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub scenario: BenchScenario,
    /// Indices of subjects, those asked for first.
    pub subjects: Vec<usize>,
    /// How many of them were asked for; the others are baselines.
    pub asked: usize,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    pub bench: Vec<BenchResult>,
    pub relative: Vec<Relative>,
    pub skipped: Vec<String>,
    pub interrupted: bool,
}

/// Trials of one subject in one case, by round.
#[derive(Debug, Default)]
struct Row {
    trials: Vec<Option<Trial>>,
    why_invalid: Option<String>,
    /// No further trial: the subject has no such case, or is broken.
    over: bool,
    unsupported: bool,
    /// Round trips in its load slices.
    slice_requests: u64,
    /// Trials that were measured again.
    repeats: usize,
}

impl Row {
    fn unsupported(&mut self, text: &str) {
        (self.unsupported, self.over) = (true, true);
        self.why_invalid = Some(format!("unsupported: {text}"));
    }

    /// A peer that died or hung will do so again, and each time costs a deadline.
    fn broken(&mut self, why: String) {
        self.over = true;
        self.why_invalid.get_or_insert(why);
    }
}

/// Measures everything, or what can be measured until an interrupt.
pub(super) fn measure(
    entries: &[Entry],
    names: &[String],
    seed: u64,
    launcher: &mut dyn Launch,
    observer: &mut dyn Observer,
) -> Found {
    let mut found = Found::default();
    let count = entries.iter().map(|entry| entry.scenario.cases.len() * entry.scenario.rounds * entry.subjects.len());
    observer.event(&Event::Planned { what: "trials".to_owned(), count: count.sum() });
    for entry in entries {
        let mut run = ScenarioRun { entry, names, rows: Vec::new() };
        run.rows.resize_with(entry.scenario.cases.len() * entry.subjects.len(), Row::default);
        found.interrupted = run.calibrate(launcher) || run.rounds(seed, launcher, observer);
        run.results(&mut found, observer);
        if found.interrupted {
            return found;
        }
    }
    found
}

struct ScenarioRun<'a> {
    entry: &'a Entry,
    names: &'a [String],
    /// One a case and subject: the subjects of the first case, then those of the second one.
    rows: Vec<Row>,
}

impl<'a> ScenarioRun<'a> {
    fn scenario(&self) -> &'a BenchScenario {
        &self.entry.scenario
    }

    fn case(&self, row: usize) -> &'a BenchCase {
        &self.entry.scenario.cases[row / self.entry.subjects.len()]
    }

    fn subject(&self, row: usize) -> usize {
        self.entry.subjects[row % self.entry.subjects.len()]
    }

    fn name(&self, row: usize) -> &str {
        &self.names[self.subject(row)]
    }

    fn responses(&self, row: usize) -> u64 {
        self.case(row).responses() as u64
    }

    /// Fits the slices to each subject. Returns whether an interrupt came.
    fn calibrate(&mut self, launcher: &mut dyn Launch) -> bool {
        let short = calibrate::scenario(self.scenario());
        for index in 0..self.rows.len() {
            let ended =
                launcher.trial(&TrialPlan { scenario: &short, case: self.case(index), subject: self.subject(index) });
            let (scenario, responses) = (&self.entry.scenario, self.responses(index));
            let row = &mut self.rows[index];
            row.slice_requests = scenario.slice_requests;
            match ended {
                // Whether such a trial counts is judged where it does: in the rounds.
                Ended::Measured { client, .. } => {
                    row.slice_requests = calibrate::slice_requests(scenario, &client, responses);
                }
                Ended::Unsupported(text) => row.unsupported(&text),
                Ended::Broken(text) => row.broken(format!("before round 1: {text}")),
                Ended::Interrupted => return true,
            }
        }
        false
    }

    /// All rounds; in each of them every subject has every case once. Returns whether an interrupt ended them early.
    fn rounds(&mut self, seed: u64, launcher: &mut dyn Launch, observer: &mut dyn Observer) -> bool {
        for (round, rows) in order::rotation(self.rows.len(), self.scenario().rounds, seed).iter().enumerate() {
            for row in rows.iter().copied().filter(|row| !self.rows[*row].over).collect::<Vec<_>>() {
                let ended = self.trial(row, round, launcher, observer);
                if matches!(ended, Ended::Interrupted) {
                    return true;
                }
                self.ended(row, round, ended, observer);
            }
        }
        false
    }

    /// One trial, again if the machine disturbed it.
    fn trial(&mut self, row: usize, round: usize, launcher: &mut dyn Launch, observer: &mut dyn Observer) -> Ended {
        let (scenario, case, subject) = (self.scenario(), self.case(row), self.subject(row));
        observer.event(&Event::TrialStarted {
            scenario: scenario.name.clone(),
            subject: self.name(row).to_owned(),
            case: label(case),
            round: round + 1,
            rounds: scenario.rounds,
        });
        let mut fitted = BenchScenario { slice_requests: self.rows[row].slice_requests, ..scenario.clone() };
        launcher.wait_for_placement(observer);
        let mut ended = launcher.trial(&TrialPlan { scenario: &fitted, case, subject });
        for _ in 0..REPEATS_MAX {
            let Some(why) = ended.disturbance(self.responses(row)) else { break };
            observer.event(&Event::TrialRepeated {
                scenario: scenario.name.clone(),
                subject: self.name(row).to_owned(),
                case: label(case),
                round: round + 1,
                why: why.to_string(),
            });
            self.rows[row].repeats += 1;
            // The machine leaves time for some intervals; twice the time leaves it for twice as many.
            fitted.duration_ms = fitted.duration_ms.saturating_mul(2);
            launcher.wait_for_placement(observer);
            ended = launcher.trial(&TrialPlan { scenario: &fitted, case, subject });
        }
        ended
    }

    fn ended(&mut self, index: usize, round: usize, ended: Ended, observer: &mut dyn Observer) {
        let responses = self.responses(index);
        let row = &mut self.rows[index];
        let outcome = match ended {
            Ended::Measured { client, server } => {
                Trial::new(&client, &server, responses).map_err(|why| why.to_string())
            }
            Ended::Unsupported(text) => {
                row.unsupported(&text);
                Err(format!("unsupported: {text}"))
            }
            Ended::Broken(text) => {
                row.broken(format!("round {}: {text}", round + 1));
                Err(text)
            }
            Ended::Interrupted => return,
        };
        let invalid = outcome.as_ref().err().cloned();
        let (p50_ns, p50_floors) = outcome.as_ref().map_or((0.0, 0.0), |trial| (trial.p50_ns, trial.p50_floors));
        if let Some(why) = &invalid {
            row.why_invalid.get_or_insert_with(|| format!("round {}: {why}", round + 1));
        }
        row.trials.resize_with(round, || None);
        row.trials.push(outcome.ok());
        observer.event(&Event::TrialFinished {
            scenario: self.scenario().name.clone(),
            subject: self.name(index).to_owned(),
            case: label(self.case(index)),
            round: round + 1,
            p50_ns,
            p50_floors,
            invalid,
        });
    }

    fn results(&self, found: &mut Found, observer: &mut dyn Observer) {
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
            // Every subject beside itself in the first case.
            let same = (0..subjects).filter(|_| first > 0).map(|subject| (first + subject, subject));
            for (subject, baseline) in others.chain(same) {
                let Some(relative) = self.relative(subject, baseline, &regimes) else { continue };
                observer.event(&Event::Compared { relative: Box::new(relative.clone()) });
                found.relative.push(relative);
            }
        }
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

    /// Compares two rows; only valid results are compared.
    fn relative(&self, subject: usize, baseline: usize, regimes: &[Regime]) -> Option<Relative> {
        let (ours, theirs) = (&self.rows[subject], &self.rows[baseline]);
        if ours.why_invalid.is_some() || theirs.why_invalid.is_some() {
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
            floor_ns: compared.floor_ns,
            regimes: compared.regimes,
        })
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
