//! Questions about the lifecycle: what it costs to come, to grow, to hold, to fail and to go. Each round is a procedure of
//! operations of the peer protocol, carried out by fresh processes, which say themselves how long each operation took.

mod actor;
mod growth;
mod held;
mod measured;
mod memory;
mod newcomers;
mod pair;
mod recovery;
mod rows;
mod startup;

use self::actor::{Stage, Stop};
use self::measured::Measured;
use self::rows::{Row, label, result};
use super::order;
use super::processes::Processes;
use crate::results::events::{Event, Observer};
use crate::results::model::LifecycleResult;
use crate::scenario::lifecycle::{LifecycleCase, LifecycleScenario, Procedure};

/// A scenario and who takes part in it.
#[derive(Debug, Clone)]
pub(super) struct LifecycleEntry {
    pub scenario: LifecycleScenario,
    /// Indices of subjects.
    pub subjects: Vec<usize>,
    /// Most rounds, for results whose interval is too wide; at least the scenario's.
    pub rounds_max: usize,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub(super) struct LifecycleFound {
    pub results: Vec<LifecycleResult>,
    pub skipped: Vec<String>,
    pub interrupted: bool,
}

/// Measures everything, or what can be measured until an interrupt.
pub(super) fn measure(
    entries: &[LifecycleEntry],
    processes: &Processes,
    observer: &mut dyn Observer,
) -> LifecycleFound {
    let mut found = LifecycleFound::default();
    plan(entries, observer);
    for (index, entry) in entries.iter().enumerate() {
        let rows = entry.scenario.cases.iter().flat_map(|case| entry.subjects.iter().map(|at| Row::new(case, *at)));
        let mut rows: Vec<Row<'_>> = rows.collect();
        found.interrupted = rounds_of(entry, &mut rows, processes, observer);
        let has_more = rows.iter().any(|row| row.has_more_than(entry.scenario.rounds));
        for row in rows {
            let subject = &processes.subjects[row.subject].name;
            if let Some(why) = &row.unsupported {
                let text = format!("{}, {}: {subject} is left out ({why})", entry.scenario.name, row.case.label());
                observer.event(&Event::Warning { text: text.clone() });
                found.skipped.push(text);
            } else if let Some(result) = result(&entry.scenario, subject, &row) {
                observer.event(&Event::LifecycleFinished { result: Box::new(result.clone()) });
                found.results.push(result);
            }
        }
        if found.interrupted {
            break;
        }
        if has_more {
            // Further rounds have been counted by themselves.
            plan(&entries[index + 1..], observer);
        }
    }
    found
}

/// Says how many rounds are ahead.
fn plan(entries: &[LifecycleEntry], observer: &mut dyn Observer) {
    let rounds = entries.iter().map(|entry| entry.scenario.cases.len() * entry.scenario.rounds * entry.subjects.len());
    let count: usize = rounds.sum();
    if count > 0 {
        observer.event(&Event::Planned { what: "rounds".to_owned(), count });
    }
}

/// All rounds of a question. Whether an interrupt ended them.
fn rounds_of(entry: &LifecycleEntry, rows: &mut [Row<'_>], processes: &Processes, observer: &mut dyn Observer) -> bool {
    let scenario = &entry.scenario;
    let rotation = order::rotation(rows.len(), entry.rounds_max, processes.seed);
    for (round, order) in rotation.into_iter().enumerate() {
        let further = rows.iter().filter(|row| !row.is_over(scenario, round)).count();
        if round >= scenario.rounds && further > 0 {
            observer.event(&Event::Planned { what: "further rounds".to_owned(), count: further });
        }
        for index in order {
            let row = &mut rows[index];
            if row.is_over(scenario, round) {
                continue;
            }
            let subject = processes.subjects[row.subject].name.clone();
            observer.event(&Event::TrialStarted {
                scenario: scenario.name.clone(),
                subject: subject.clone(),
                case: row.case.label(),
                round: round + 1,
                rounds: scenario.rounds.max(round + 1),
            });
            let outcome = carry_out(scenario.procedure, row.case, processes, row.subject);
            if outcome == Err(Stop::Interrupted) {
                return true;
            }
            let invalid = row.take(round, outcome);
            observer.event(&Event::LifecycleRound {
                scenario: scenario.name.clone(),
                subject,
                case: row.case.label(),
                round: round + 1,
                figures: row.latest().map(label).collect(),
                invalid,
            });
        }
    }
    false
}

fn carry_out(
    procedure: Procedure,
    case: &LifecycleCase,
    processes: &Processes,
    subject: usize,
) -> Result<Vec<Measured>, Stop> {
    let namespace = processes.folder.namespace()?;
    let stage = Stage { subject: &processes.subjects[subject], namespace: &namespace, seed: processes.seed };
    match procedure {
        Procedure::Startup => startup::run(&stage, case),
        Procedure::Growth => growth::run(&stage, case),
        Procedure::Memory => memory::run(&stage, case),
        Procedure::Recovery => recovery::run(&stage, case),
        Procedure::Newcomers => newcomers::run(&stage, case, processes, subject),
    }
}
