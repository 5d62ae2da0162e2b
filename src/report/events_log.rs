//! `events.jsonl`: what happened, line by line, kept even if the run is killed in the middle.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::error::ReportError;
use crate::results::events::{Event, Observer};
use crate::results::model::{
    BenchResult, ConformanceResult, Coverage, CoverageVerdict, LifecycleResult, Relative, Report, SCHEMA, Verdict,
};

/// Writes every event as one line and flushes it, so that a killed run loses at most the line in progress.
#[derive(Debug)]
pub struct EventsLog {
    path: PathBuf,
    out: BufWriter<File>,
    failed: Option<std::io::Error>,
}

impl EventsLog {
    /// Begins a new file; missing parent folders are made.
    ///
    /// # Errors
    /// [`ReportError::Write`].
    pub fn create(path: &Path) -> Result<Self, ReportError> {
        let failed = |source| ReportError::Write { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let file = File::create(path).map_err(failed)?;
        Ok(Self { path: path.to_owned(), out: BufWriter::new(file), failed: None })
    }

    /// Whether every event is on disk.
    ///
    /// # Errors
    /// The first error of writing; nothing was written after it, so that the file never has a gap.
    pub fn finish(self) -> Result<(), ReportError> {
        match self.failed {
            Some(source) => Err(ReportError::Write { path: self.path, source }),
            None => Ok(()),
        }
    }
}

impl Observer for EventsLog {
    fn event(&mut self, event: &Event) {
        if self.failed.is_some() {
            return;
        }
        let written = serde_json::to_vec(event).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            self.out.write_all(&line)?;
            self.out.flush()
        });
        self.failed = written.err();
    }
}

/// Rebuilds a report from an events file, whole or cut off. A last line without its newline is dropped: it was being
/// written when the run ended.
///
/// # Errors
/// The file cannot be read, does not begin with [`Event::RunStarted`], or has a line that is no event.
pub fn read(path: &Path) -> Result<Report, ReportError> {
    let text = fs::read(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
    parse(&text, path)
}

/// Rebuilds a report from memory; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &[u8], path: &Path) -> Result<Report, ReportError> {
    let complete = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
    let mut report: Option<Report> = None;
    for (index, line) in text[..complete].split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let event: Event = serde_json::from_slice(line).map_err(|error| ReportError::Malformed {
            path: path.to_owned(),
            line: index + 1,
            column: error.column(),
            why: error.to_string(),
        })?;
        match (&mut report, event) {
            (None, Event::RunStarted { schema, .. }) if schema != SCHEMA => {
                return Err(ReportError::ForeignSchema { path: path.to_owned(), found: schema });
            }
            (None, Event::RunStarted { schema, created, command, seed, machine }) => {
                let (subjects, conformance, coverage, bench, relative, lifecycle, comparisons) = Default::default();
                report = Some(Report {
                    schema,
                    created,
                    command,
                    seed,
                    machine,
                    subjects,
                    conformance,
                    coverage,
                    bench,
                    relative,
                    lifecycle,
                    comparisons,
                    label: None,
                    footer: None,
                });
            }
            (None, _) => return Err(ReportError::NoRunStarted { path: path.to_owned() }),
            (Some(report), event) => apply(report, event),
        }
    }
    let mut report = report.ok_or_else(|| ReportError::NoRunStarted { path: path.to_owned() })?;
    report.coverage = coverage_of(&report.conformance);
    Ok(report)
}

fn apply(report: &mut Report, event: Event) {
    match event {
        // A subject says hello once a peer; the report lists it once.
        Event::SubjectReady { subject } if report.subjects.iter().all(|known| known.name != subject.name) => {
            report.subjects.push(subject);
        }
        Event::ScenarioFinished { result } => report.conformance.push(*result),
        // Of a run that went on with an earlier one, what was measured again takes the earlier one's place.
        Event::BenchFinished { result } => {
            let key = |r: &BenchResult| (r.scenario.clone(), r.subject.clone(), r.case.clone());
            report.bench.retain(|known| key(known) != key(&result));
            report.bench.push(*result);
        }
        Event::LifecycleFinished { result } => {
            let key = |r: &LifecycleResult| (r.scenario.clone(), r.subject.clone(), r.case.clone());
            report.lifecycle.retain(|known| key(known) != key(&result));
            report.lifecycle.push(*result);
        }
        Event::Compared { relative } => {
            let key = |r: &Relative| {
                (r.scenario.clone(), r.subject.clone(), r.case.clone(), r.baseline.clone(), r.baseline_case.clone())
            };
            report.relative.retain(|known| key(known) != key(&relative));
            report.relative.push(*relative);
        }
        Event::BuildsCompared { comparison } => report.comparisons.push(*comparison),
        Event::Warning { text } => report.machine.warnings.push(text),
        Event::RunFinished { footer } => report.footer = Some(footer),
        _ => {}
    }
}

/// What finished scenarios say about their requirements. Events do not carry the catalogue, so a requirement that no
/// finished scenario decides is missing here, and a scenario counts as one check.
fn coverage_of(results: &[ConformanceResult]) -> Vec<Coverage> {
    let mut found: BTreeMap<(&str, &str, &str), Coverage> = BTreeMap::new();
    for result in results {
        for requirement in &result.requirements {
            let entry = found.entry((requirement, &result.client, &result.server)).or_insert_with(|| Coverage {
                client: result.client.clone(),
                server: result.server.clone(),
                requirement: requirement.clone(),
                level: result.level,
                checks: 0,
                executed: 0,
                verdict: CoverageVerdict::Untested,
                reason: String::new(),
            });
            entry.checks += 1;
            let verdict = match result.outcome {
                Verdict::Pass | Verdict::UnexpectedPass => CoverageVerdict::Held,
                Verdict::Fail | Verdict::ExpectedFail | Verdict::Timeout | Verdict::Crash => CoverageVerdict::Broken,
                Verdict::Skipped | Verdict::Error => CoverageVerdict::Untested,
            };
            if verdict != CoverageVerdict::Untested {
                entry.executed += 1;
            }
            let worse = match entry.verdict {
                CoverageVerdict::Untested => verdict != CoverageVerdict::Untested,
                CoverageVerdict::Held => verdict == CoverageVerdict::Broken,
                CoverageVerdict::Broken => false,
            };
            if worse {
                entry.verdict = verdict;
                entry.reason = if verdict == CoverageVerdict::Broken { result.scenario.clone() } else { String::new() };
            } else if entry.executed == 0 && entry.reason.is_empty() {
                result.message.lines().next().unwrap_or_default().clone_into(&mut entry.reason);
            }
        }
    }
    found.into_values().collect()
}
