//! Scenarios, cases, rounds and subjects in order; trials into results. How a trial comes about is the launcher's.

mod found;

use super::asked::Asked;
use super::calibrate::Fitted;
use super::launch::{Ended, Launch, TrialPlan};
use super::trial::Trial;
use super::width::undecided;
use super::{calibrate, label, order};
use crate::results::events::{Event, Observer};
use crate::results::model::{BenchResult, Relative};
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::kit::implementation::Timing;

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
    /// Most rounds, for results whose interval is too wide; at least the scenario's.
    pub rounds_max: usize,
    /// Whether a trial that the machine has disturbed to the end is only missing; otherwise its result is invalid.
    pub skips_disturbed: bool,
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
    /// What suits the subject in this case.
    fitted: Fitted,
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
    let plan = |entries: &[Entry], observer: &mut dyn Observer| {
        let count =
            entries.iter().map(|entry| entry.scenario.cases.len() * entry.scenario.rounds * entry.subjects.len());
        let count: usize = count.sum();
        if count > 0 {
            observer.event(&Event::Planned { what: "trials".to_owned(), count });
        }
    };
    plan(entries, observer);
    for (index, entry) in entries.iter().enumerate() {
        let mut run = ScenarioRun { entry, names, rows: Vec::new() };
        run.rows.resize_with(entry.scenario.cases.len() * entry.subjects.len(), Row::default);
        found.interrupted = run.calibrate(launcher) || run.rounds(seed, launcher, observer);
        let more = if found.interrupted { 0 } else { run.further_rounds(launcher, observer, &mut found.interrupted) };
        run.results(&mut found, observer);
        if found.interrupted {
            return found;
        }
        if more > 0 && index + 1 < entries.len() {
            plan(&entries[index + 1..], observer);
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

    /// Fits slices and trials to each subject. Returns whether an interrupt came.
    fn calibrate(&mut self, launcher: &mut dyn Launch) -> bool {
        for index in 0..self.rows.len() {
            let (case, subject) = (self.case(index), self.subject(index));
            let short = calibrate::scenario(self.scenario(), case);
            let ended = launcher.trial(&TrialPlan { scenario: &short, case, subject, round: 0 });
            let scenario = &self.entry.scenario;
            // Each response of a throughput counts, and otherwise the round trip.
            let each = if scenario.timing == Timing::Throughput { Asked::by(case).answers() } else { 1 };
            let row = &mut self.rows[index];
            row.fitted = Fitted::unchanged(scenario);
            match ended {
                // Whether such a trial counts is judged where it does: in the rounds.
                Ended::Measured { client, .. } => {
                    row.fitted = calibrate::fit(scenario, &client, each);
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

    /// More rounds of what is too wide, until it is not or they are used up. Returns how many trials that were.
    fn further_rounds(
        &mut self,
        launcher: &mut dyn Launch,
        observer: &mut dyn Observer,
        interrupted: &mut bool,
    ) -> usize {
        let mut trials = 0;
        for round in self.scenario().rounds..self.entry.rounds_max {
            let wide: Vec<usize> = (0..self.rows.len()).filter(|row| self.is_too_wide(*row)).collect();
            if wide.is_empty() {
                break;
            }
            observer.event(&Event::Planned { what: "further trials".to_owned(), count: wide.len() });
            for row in wide {
                let ended = self.trial(row, round, launcher, observer);
                if matches!(ended, Ended::Interrupted) {
                    *interrupted = true;
                    return trials;
                }
                self.ended(row, round, ended, observer);
                trials += 1;
            }
        }
        trials
    }

    /// Whether more rounds could answer the question.
    fn is_too_wide(&self, row: usize) -> bool {
        let Row { trials, why_invalid, over, .. } = &self.rows[row];
        let trials: Vec<&Trial> = trials.iter().flatten().collect();
        let is_saturated = trials.iter().any(|trial| trial.saturated_per_s.is_some());
        !over && why_invalid.is_none() && !is_saturated && undecided(self.scenario(), &trials).is_some()
    }

    /// One trial, again if the machine disturbed it.
    fn trial(&mut self, row: usize, round: usize, launcher: &mut dyn Launch, observer: &mut dyn Observer) -> Ended {
        let (scenario, case, subject) = (self.scenario(), self.case(row), self.subject(row));
        let asked = Asked::by(case);
        observer.event(&Event::TrialStarted {
            scenario: scenario.name.clone(),
            subject: self.name(row).to_owned(),
            case: label(case),
            round: round + 1,
            rounds: scenario.rounds.max(round + 1),
        });
        let Fitted { slice_requests, duration_ms } = self.rows[row].fitted;
        let mut fitted = BenchScenario { duration_ms, slice_requests, ..scenario.clone() };
        launcher.wait_for_placement(observer);
        let mut ended = launcher.trial(&TrialPlan { scenario: &fitted, case, subject, round });
        for _ in 0..REPEATS_MAX {
            let Some(why) = ended.disturbance(asked) else { break };
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
            ended = launcher.trial(&TrialPlan { scenario: &fitted, case, subject, round });
        }
        ended
    }

    fn ended(&mut self, index: usize, round: usize, ended: Ended, observer: &mut dyn Observer) {
        let asked = Asked::by(self.case(index));
        // Says nothing about the subject.
        let is_missing = self.entry.skips_disturbed && ended.disturbance(asked).is_some();
        let row = &mut self.rows[index];
        let outcome = match ended {
            Ended::Measured { client, server } => Trial::of(&client, &server, asked).map_err(|why| why.to_string()),
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
        let (p50_ns, mut p50_floors) = outcome.as_ref().map_or((0.0, 0.0), |trial| (trial.p50_ns, trial.p50_floors));
        if asked.rate_per_s.is_some() {
            // Its latencies have a clock reading in them, and the floors have none.
            p50_floors = 0.0;
        }
        let saturated_per_s = outcome.as_ref().ok().and_then(|trial| trial.saturated_per_s);
        if let Some(why) = invalid.as_ref().filter(|_| !is_missing) {
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
            saturated_per_s,
            invalid,
        });
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
