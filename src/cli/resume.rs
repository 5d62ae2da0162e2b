//! Going on with a run that was interrupted: questions that its report answers are not asked again.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use super::failure::CommandError;
use super::session::Session;
use crate::bench::{self, case_map};
use crate::report::machine::{Sources, machine};
use crate::report::{events_log, json};
use crate::results::events::{Event, Observer};
use crate::results::model::{Machine, Report};
use crate::scenario::lifecycle::LifecycleCase;

/// What an earlier run has left in a folder of results.
pub(super) struct Earlier {
    report: Report,
    /// When it was last written.
    written: SystemTime,
}

impl Earlier {
    /// Reads its report, or its events if it was cut off before it could write one. Comes before the folder is taken for a new
    /// run, so that a refusal leaves everything as it is. `None` if there is nothing to go on with.
    ///
    /// # Errors
    /// A report, or events, that cannot be read; [`CommandError::OtherMachine`] and [`CommandError::OtherCommand`]: what was
    /// measured elsewhere or otherwise is no part of this report.
    pub(super) fn read(out: &Path) -> Result<Option<Self>, CommandError> {
        let (report, events) = (out.join("report.json"), out.join("events.jsonl"));
        let (path, report) = if report.is_file() {
            (&report, json::read(&report)?)
        } else if events.is_file() {
            (&events, events_log::read(&events)?)
        } else {
            return Ok(None);
        };
        if !is_same(&report.machine, &machine(&Sources::here())) {
            let Machine { cpu, kernel, cpus, .. } = report.machine;
            return Err(CommandError::OtherMachine { cpu, kernel, cpus });
        }
        let words = words(std::env::args_os().map(|word| word.to_string_lossy().into_owned()));
        if words != self::words(report.command.iter().cloned()) {
            return Err(CommandError::OtherCommand(report.command.join(" ")));
        }
        // Without a time everything is newer.
        let written = path.metadata().and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(Some(Self { report, written }))
    }

    /// Takes everything that was found into a session that has just begun, so that it is there however the session ends.
    pub(super) fn begin(&self, session: &mut Session<'_>) {
        let Report { subjects, bench, relative, lifecycle, .. } = self.report.clone();
        for subject in &subjects {
            session.event(&Event::SubjectReady { subject: subject.clone() });
        }
        session.subjects(subjects);
        for result in bench {
            session.event(&Event::BenchFinished { result: Box::new(result.clone()) });
            session.report.bench.push(result);
        }
        for relative in relative {
            session.event(&Event::Compared { relative: Box::new(relative.clone()) });
            session.report.relative.push(relative);
        }
        for result in lifecycle {
            session.event(&Event::LifecycleFinished { result: Box::new(result.clone()) });
            session.report.lifecycle.push(result);
        }
    }

    /// Takes the questions that are answered out of the options, and the results of all others out of the session.
    ///
    /// # Errors
    /// Processors that cannot be used.
    pub(super) fn keep(self, options: &mut bench::Options, session: &mut Session<'_>) -> Result<(), CommandError> {
        let answered = self.answered(options)?;
        options.scenarios.retain(|scenario| !answered.contains(&scenario.name));
        options.lifecycle.retain(|scenario| !answered.contains(&scenario.name));
        session.report.bench.retain(|result| answered.contains(&result.scenario));
        session.report.relative.retain(|relative| answered.contains(&relative.scenario));
        session.report.lifecycle.retain(|result| answered.contains(&result.scenario));
        if !answered.is_empty() {
            let text = format!("taken over from an earlier run, {}: {}", self.report.created, answered.join(", "));
            session.event(&Event::Warning { text });
        }
        Ok(())
    }

    /// Names of the questions that the report answers: for each case and subject there is a valid result with as many rounds as
    /// are asked for, and neither the question's file nor a program has changed since. Of a report that is not complete the last
    /// question may lack some, and is asked again.
    fn answered(&self, options: &bench::Options) -> Result<Vec<String>, CommandError> {
        let programs = std::env::current_exe().ok().into_iter();
        let manifests = options.subjects.iter().filter_map(|subject| subject.manifest.clone());
        if programs.chain(manifests).any(|path| self.is_older_than(&path)) {
            return Ok(Vec::new());
        }
        let report = &self.report;
        let is_complete = report.footer.as_ref().is_some_and(|footer| footer.complete);
        let of_loads = report.bench.last().map(|result| &result.scenario);
        let last = report.lifecycle.last().map(|result| &result.scenario).or(of_loads).filter(|_| !is_complete);
        let mut answered = Vec::new();
        for scenario in &options.scenarios {
            let rounds = options.rounds.unwrap_or_else(|| options.shown(scenario).rounds);
            let cases: Vec<_> = options.cases(scenario)?.iter().map(case_map).collect();
            let has = |subject: &str, case: &BTreeMap<String, String>| {
                report.bench.iter().any(|result| {
                    let of = (&result.scenario, result.subject.as_str(), &result.case);
                    of == (&scenario.name, subject, case) && result.rounds >= rounds && result.valid
                })
            };
            if has_all(options, &cases, has) && !self.is_older_than(Path::new(&scenario.file)) {
                answered.push(scenario.name.clone());
            }
        }
        for scenario in &options.lifecycle {
            let rounds = options.rounds.unwrap_or_else(|| options.shown_lifecycle(scenario).rounds);
            let cases: Vec<_> = scenario.cases.iter().map(LifecycleCase::map).collect();
            let has = |subject: &str, case: &BTreeMap<String, String>| {
                report.lifecycle.iter().any(|result| {
                    let of = (&result.scenario, result.subject.as_str(), &result.case);
                    of == (&scenario.name, subject, case) && result.rounds >= rounds && result.valid
                })
            };
            if has_all(options, &cases, has) && !self.is_older_than(Path::new(&scenario.file)) {
                answered.push(scenario.name.clone());
            }
        }
        answered.retain(|name| Some(name) != last);
        Ok(answered)
    }

    /// Whether a file was changed behind the earlier run. One that is not there, such as that of a built-in question, was not.
    fn is_older_than(&self, path: &Path) -> bool {
        path.metadata().and_then(|file| file.modified()).is_ok_and(|changed| changed > self.written)
    }
}

/// Whether there is something for each subject in each case.
fn has_all(
    options: &bench::Options,
    cases: &[BTreeMap<String, String>],
    has: impl Fn(&str, &BTreeMap<String, String>) -> bool,
) -> bool {
    cases.iter().all(|case| options.subjects.iter().all(|subject| has(&subject.name, case)))
}

/// A command line without its program, and without the option that goes on with it.
fn words(command: impl Iterator<Item = String>) -> Vec<String> {
    command.skip(1).filter(|word| word != "--resume").collect()
}

/// Whether figures of both may stand in one report.
fn is_same(one: &Machine, other: &Machine) -> bool {
    (&one.cpu, &one.kernel, one.cpus) == (&other.cpu, &other.kernel, other.cpus)
}
