//! One run from its first to its last event: listens, collects, writes what was asked for.

use super::failure::CommandError;
use super::outputs::Outputs;
use super::progress::{Detail, Progress};
use crate::report::events_log::EventsLog;
use crate::report::machine::{Sources, machine};
use crate::report::{self, ResultsFolder};
use crate::results::events::{Event, Observer};
use crate::results::model::{self, Footer, Report, SCHEMA, SubjectInfo};

/// Collects the results of a run and tells everybody what happens.
pub(super) struct Session<'a> {
    pub report: Report,
    /// Who was asked for and has no result, one sentence each.
    pub without_result: Vec<String>,
    outputs: &'a Outputs,
    progress: Progress,
    log: Option<EventsLog>,
    /// Held until everything is written.
    _folder: Option<ResultsFolder>,
}

impl<'a> Session<'a> {
    /// Makes Ctrl-C end the run early and begins the report. Comes before anything that can fail, so that what is in the
    /// folder for results is of this run, however it ends.
    pub fn start(outputs: &'a Outputs, seed: u64, detail: Detail) -> Result<Self, CommandError> {
        crate::harness::interrupt::install().map_err(CommandError::Signals)?;
        outputs.check()?;
        let folder = outputs.out.as_deref().map(ResultsFolder::take).transpose()?;
        outputs.out.as_ref().map_or(Ok(()), |dir| report::clear(dir))?;
        let log = outputs.out.as_ref().map(|dir| EventsLog::create(&dir.join("events.jsonl"))).transpose()?;
        let report = Report {
            schema: SCHEMA.to_owned(),
            created: report::time::now_utc(),
            command: std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect(),
            seed,
            machine: machine(&Sources::here()),
            subjects: Vec::new(),
            conformance: Vec::new(),
            coverage: Vec::new(),
            bench: Vec::new(),
            relative: Vec::new(),
            lifecycle: Vec::new(),
            comparisons: Vec::new(),
            label: None,
            footer: None,
        };
        let mut session =
            Self { report, without_result: Vec::new(), outputs, progress: Progress::new(detail), log, _folder: folder };
        let Report { schema, created, command, seed, machine, .. } = session.report.clone();
        session.event(&Event::RunStarted { schema, created, command, seed, machine });
        Ok(session)
    }

    /// Adds subjects that the report does not have yet.
    pub fn subjects(&mut self, subjects: Vec<SubjectInfo>) {
        for subject in subjects {
            if !self.report.subjects.iter().any(|known| known.name == subject.name) {
                self.report.subjects.push(subject);
            }
        }
    }

    /// Ends the run: writes everything and shows the results. `done` says whether the run got to its end; if it failed,
    /// that is written with what was found before. Returns the exit code that the results deserve.
    pub fn finish(mut self, done: Result<bool, CommandError>) -> Result<u8, CommandError> {
        let failure = match done {
            Ok(complete) => return self.write(complete, None, true),
            Err(failure) if failure.is_interrupt() => return self.write(false, None, true),
            Err(failure) => failure,
        };
        self.without_result.clear();
        let has_results = self.has_results();
        if let Err(second) = self.write(false, Some(failure.to_string()), has_results) {
            second.show();
        }
        Err(failure)
    }

    fn has_results(&self) -> bool {
        let Report { conformance, bench, lifecycle, comparisons, .. } = &self.report;
        !(conformance.is_empty() && bench.is_empty() && lifecycle.is_empty() && comparisons.is_empty())
    }

    /// `shown` says whether the results are of interest on the terminal, too.
    fn write(mut self, complete: bool, failure: Option<String>, shown: bool) -> Result<u8, CommandError> {
        let footer = Footer { complete, failure, without_result: std::mem::take(&mut self.without_result) };
        self.report.footer = Some(footer.clone());
        self.event(&Event::RunFinished { footer });
        let written = self.outputs.write(&self.report);
        // The results are shown even if they cannot be written.
        if shown {
            self.outputs.show(&self.report);
        }
        let page = written?;
        if let Some(log) = self.log.take() {
            log.finish()?;
        }
        if let Some(page) = page.filter(|_| shown) {
            self.outputs.tell(&format!("{}\n", page.display()));
        }
        Ok(exit_code(&self.report))
    }
}

impl Observer for Session<'_> {
    fn event(&mut self, event: &Event) {
        if let Event::Warning { text } = event {
            self.report.machine.warnings.push(text.clone());
        }
        // Here, so that they are kept whatever ends the run.
        if let Event::BuildsCompared { comparison } = event {
            self.report.comparisons.push((**comparison).clone());
        }
        self.progress.event(event);
        if let Some(log) = &mut self.log {
            log.event(event);
        }
    }
}

/// As the command line promises.
pub(super) fn exit_code(report: &Report) -> u8 {
    let footer = report.footer.clone().unwrap_or_default();
    model::exit_code(&footer, &report.conformance, &report.bench, &report.lifecycle, &report.comparisons)
}
