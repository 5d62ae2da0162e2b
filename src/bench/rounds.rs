//! Scenarios, cases, rounds and subjects in order; trials into results. How a trial comes about is the launcher's.

use super::figures::{self, MatchedSlice, Trial};
use super::validity::Invalid;
use super::{calibrate, case_map, label, order, relative};
use crate::peer::bench_protocol::BenchCollected;
use crate::report::events::{Event, Observer};
use crate::report::model::{BenchResult, Relative};
use crate::scenario::model::{BenchCase, BenchScenario};

/// How often a trial is measured again that the machine disturbed.
const REPEATS_MAX: usize = 4;

/// What a launcher is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan<'a> {
    pub scenario: &'a BenchScenario,
    pub case: &'a BenchCase,
    /// Index of the subject.
    pub subject: usize,
}

/// How a trial ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    /// Both sides reported. Whether it counts is not decided yet.
    Measured { client: Box<BenchCollected>, server: Box<BenchCollected> },
    /// The subject has no such case.
    Unsupported(String),
    /// A peer did not do what it was asked to.
    Broken(String),
    /// Ctrl-C.
    Interrupted,
}

impl Ended {
    /// What disturbed the trial so much that it says nothing about the subject.
    fn disturbance(&self) -> Option<Invalid> {
        match self {
            Self::Measured { client, server } => Trial::new(client, server).err().filter(Invalid::is_disturbance),
            _ => None,
        }
    }
}

/// Launches the two processes of a trial.
pub(super) trait Launch {
    fn trial(&mut self, plan: &Plan<'_>) -> Ended;
}

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
        for case in &entry.scenario.cases {
            let mut run = CaseRun { entry, case, names, rows: Vec::new() };
            run.rows.resize_with(entry.subjects.len(), Row::default);
            found.interrupted = run.calibrate(launcher) || run.rounds(seed, launcher, observer);
            run.results(&mut found, observer);
            if found.interrupted {
                return found;
            }
        }
    }
    found
}

struct CaseRun<'a> {
    entry: &'a Entry,
    case: &'a BenchCase,
    names: &'a [String],
    rows: Vec<Row>,
}

impl CaseRun<'_> {
    fn name(&self, place: usize) -> &str {
        &self.names[self.entry.subjects[place]]
    }

    /// Fits the slices to each subject. Returns whether an interrupt came.
    fn calibrate(&mut self, launcher: &mut dyn Launch) -> bool {
        let short = calibrate::scenario(&self.entry.scenario);
        for (row, subject) in self.rows.iter_mut().zip(&self.entry.subjects) {
            row.slice_requests = self.entry.scenario.slice_requests;
            match launcher.trial(&Plan { scenario: &short, case: self.case, subject: *subject }) {
                // Whether such a trial counts is judged where it does: in the rounds.
                Ended::Measured { client, .. } => {
                    row.slice_requests = calibrate::slice_requests(&self.entry.scenario, &client);
                }
                Ended::Unsupported(text) => row.unsupported(&text),
                Ended::Broken(text) => row.broken(format!("before round 1: {text}")),
                Ended::Interrupted => return true,
            }
        }
        false
    }

    /// All rounds. Returns whether an interrupt ended them early.
    fn rounds(&mut self, seed: u64, launcher: &mut dyn Launch, observer: &mut dyn Observer) -> bool {
        let scenario = &self.entry.scenario;
        for (round, places) in order::rotation(self.rows.len(), scenario.rounds, seed).iter().enumerate() {
            for place in places.iter().copied().filter(|place| !self.rows[*place].over).collect::<Vec<_>>() {
                observer.event(&Event::TrialStarted {
                    scenario: scenario.name.clone(),
                    subject: self.name(place).to_owned(),
                    case: label(self.case),
                    round: round + 1,
                    rounds: scenario.rounds,
                });
                let subject = self.entry.subjects[place];
                let mut fitted = BenchScenario { slice_requests: self.rows[place].slice_requests, ..scenario.clone() };
                let mut ended = launcher.trial(&Plan { scenario: &fitted, case: self.case, subject });
                for _ in 0..REPEATS_MAX {
                    let Some(why) = ended.disturbance() else { break };
                    let (case, name) = (label(self.case), self.name(place));
                    let text =
                        format!("{}, {case}: {name} is measured again in round {}: {why}", scenario.name, round + 1);
                    observer.event(&Event::Warning { text });
                    // The machine leaves time for some intervals; twice the time leaves it for twice as many.
                    fitted.duration_ms = fitted.duration_ms.saturating_mul(2);
                    ended = launcher.trial(&Plan { scenario: &fitted, case: self.case, subject });
                }
                if matches!(ended, Ended::Interrupted) {
                    return true;
                }
                self.ended(place, round, ended, observer);
            }
        }
        false
    }

    fn ended(&mut self, place: usize, round: usize, ended: Ended, observer: &mut dyn Observer) {
        let row = &mut self.rows[place];
        let outcome = match ended {
            Ended::Measured { client, server } => Trial::new(&client, &server).map_err(|why| why.to_string()),
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
            scenario: self.entry.scenario.name.clone(),
            subject: self.name(place).to_owned(),
            case: label(self.case),
            round: round + 1,
            p50_ns,
            p50_floors,
            invalid,
        });
    }

    fn results(&self, found: &mut Found, observer: &mut dyn Observer) {
        let scenario = &self.entry.scenario.name;
        for (place, row) in self.rows.iter().enumerate() {
            if row.unsupported {
                let why = row.why_invalid.as_deref().unwrap_or_default();
                let text = format!("{scenario}, {}: {} is left out ({why})", label(self.case), self.name(place));
                observer.event(&Event::Warning { text: text.clone() });
                found.skipped.push(text);
            } else if !row.trials.is_empty() || row.why_invalid.is_some() {
                let trials: Vec<&Trial> = row.trials.iter().flatten().collect();
                let result = figures::result(scenario, self.name(place), self.case, &trials, row.why_invalid.clone());
                observer.event(&Event::BenchFinished { result: Box::new(result.clone()) });
                found.bench.push(result);
            }
        }
        for subject in 0..self.entry.asked.min(self.rows.len()) {
            found.relative.extend((subject + 1..self.rows.len()).filter_map(|other| self.relative(subject, other)));
        }
    }

    /// Compares two subjects; only valid results are compared.
    fn relative(&self, subject: usize, baseline: usize) -> Option<Relative> {
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
        relative::relative(&pairs).map(|(rounds, ratio)| Relative {
            scenario: self.entry.scenario.name.clone(),
            case: case_map(self.case),
            subject: self.name(subject).to_owned(),
            baseline: self.name(baseline).to_owned(),
            rounds,
            ratio,
        })
    }
}

#[cfg(test)]
#[path = "rounds_tests.rs"]
mod tests;
