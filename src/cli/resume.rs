//! Going on with a run that was interrupted: questions that its report answers are not asked again.

use std::path::Path;

use super::failure::CommandError;
use super::session::Session;
use crate::bench::{self, case_map};
use crate::report::{events_log, json};
use crate::results::events::{Event, Observer};
use crate::results::model::{Machine, Report};
use crate::scenario::lifecycle::LifecycleScenario;
use crate::scenario::model::BenchScenario;

/// What an earlier run has left in a folder of results.
pub(super) struct Earlier(Option<Report>);

impl Earlier {
    /// Reads its report, or its events if it was cut off before it could write one. Comes before the folder is taken for a new
    /// run. Without either there is nothing to go on with.
    ///
    /// # Errors
    /// A report, or events, that cannot be read.
    pub(super) fn read(out: &Path) -> Result<Self, CommandError> {
        let (report, events) = (out.join("report.json"), out.join("events.jsonl"));
        if report.exists() {
            return Ok(Self(Some(json::read(&report)?)));
        }
        Ok(Self(if events.exists() { Some(events_log::read(&events)?) } else { None }))
    }

    /// Takes the results that answer some of the questions into the session, and these questions out of the options.
    ///
    /// # Errors
    /// [`CommandError::OtherMachine`]: what another machine has measured is no part of this report.
    pub(super) fn take_over(self, options: &mut bench::Options, session: &mut Session<'_>) -> Result<(), CommandError> {
        let Some(report) = self.0 else { return Ok(()) };
        if !is_same(&report.machine, &session.report.machine) {
            return Err(CommandError::OtherMachine { cpu: report.machine.cpu, kernel: report.machine.kernel });
        }
        let answered = answered(&report, options);
        options.scenarios.retain(|scenario| !answered.contains(&scenario.name));
        options.lifecycle.retain(|scenario| !answered.contains(&scenario.name));
        let is_kept = |scenario: &String| answered.contains(scenario);
        for subject in &report.subjects {
            session.event(&Event::SubjectReady { subject: subject.clone() });
        }
        session.subjects(report.subjects);
        for result in report.bench.into_iter().filter(|result| is_kept(&result.scenario)) {
            session.event(&Event::BenchFinished { result: Box::new(result.clone()) });
            session.report.bench.push(result);
        }
        for relative in report.relative.into_iter().filter(|relative| is_kept(&relative.scenario)) {
            session.event(&Event::Compared { relative: Box::new(relative.clone()) });
            session.report.relative.push(relative);
        }
        for result in report.lifecycle.into_iter().filter(|result| is_kept(&result.scenario)) {
            session.event(&Event::LifecycleFinished { result: Box::new(result.clone()) });
            session.report.lifecycle.push(result);
        }
        if !answered.is_empty() {
            let text = format!("taken over from an earlier run, {}: {}", report.created, answered.join(", "));
            session.event(&Event::Warning { text });
        }
        Ok(())
    }
}

/// Whether figures of both may stand in one report.
fn is_same(one: &Machine, other: &Machine) -> bool {
    (&one.cpu, &one.kernel, one.cpus) == (&other.cpu, &other.kernel, other.cpus)
}

/// Names of the questions that a report answers: for each case and subject there is a result with as many rounds as are asked
/// for. Of a report that is not complete the last question may lack some, and is asked again.
fn answered(report: &Report, options: &bench::Options) -> Vec<String> {
    let is_complete = report.footer.as_ref().is_some_and(|footer| footer.complete);
    let of_loads = report.bench.last().map(|result| &result.scenario);
    let last = report.lifecycle.last().map(|result| &result.scenario).or(of_loads).filter(|_| !is_complete);
    let loads = options.scenarios.iter().filter(|scenario| has_load(report, options, scenario)).map(|s| &s.name);
    let lives = options.lifecycle.iter().filter(|scenario| has_lifecycle(report, options, scenario)).map(|s| &s.name);
    loads.chain(lives).filter(|name| Some(*name) != last).cloned().collect()
}

fn has_load(report: &Report, options: &bench::Options, scenario: &BenchScenario) -> bool {
    let rounds = options.rounds.unwrap_or_else(|| options.shown(scenario).rounds);
    scenario.cases.iter().map(case_map).all(|case| {
        options.subjects.iter().all(|subject| {
            report.bench.iter().any(|result| {
                (&result.scenario, &result.subject, &result.case) == (&scenario.name, &subject.name, &case)
                    && (result.rounds >= rounds || !result.valid)
            })
        })
    })
}

fn has_lifecycle(report: &Report, options: &bench::Options, scenario: &LifecycleScenario) -> bool {
    let rounds = options.rounds.unwrap_or_else(|| options.shown_lifecycle(scenario).rounds);
    scenario.cases.iter().all(|case| {
        options.subjects.iter().all(|subject| {
            report.lifecycle.iter().any(|result| {
                (&result.scenario, &result.subject, &result.case) == (&scenario.name, &subject.name, &case.map())
                    && (result.rounds >= rounds || !result.valid)
            })
        })
    })
}
