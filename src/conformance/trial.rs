//! One scenario for one pairing, as often as asked, and what is reported of it.

use std::fmt::Write;
use std::time::Instant;

use crate::harness::error::HarnessError;
use crate::harness::overload::OverloadWatch;
use crate::harness::run_folder::RunFolder;
use crate::harness::shell::quoted;
use crate::results::model::{ConformanceResult, Level, Place, Verdict};
use crate::scenario::Selection;

use super::deviations;
use super::execution::{Check, Execution, Setting};
use super::failure::{ScenarioFailure, Stop};
use super::memory::Room;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Trial {
    pub(super) result: ConformanceResult,
    /// Checks that were executed, in the last round.
    pub(super) checks: Vec<Check>,
}

/// How often, and with which transcripts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounds<'a> {
    pub(super) repeat: u64,
    /// Keep transcripts of what passed, too.
    pub(super) trace: bool,
    pub(super) room: &'a Room,
}

/// Carries out a scenario `repeat` times, each with the next seed, until it does not pass.
///
/// # Errors
/// [`HarnessError::Interrupted`], or no namespace can be made.
pub(super) fn run(setting: &Setting<'_>, folder: &RunFolder, rounds: Rounds<'_>) -> Result<Trial, HarnessError> {
    let began = Instant::now();
    let mut round = 0;
    let mut stretched = Vec::new();
    let mut earlier = Vec::new();
    loop {
        let setting = Setting { seed: setting.seed.wrapping_add(round), ..*setting };
        let mut trial = once(&setting, folder, rounds)?;
        round += 1;
        let result = &mut trial.result;
        stretched.append(&mut result.stretched);
        if result.outcome == Verdict::Pass && round < rounds.repeat {
            earlier.append(&mut trial.checks);
            continue;
        }
        result.stretched = stretched;
        keep_stretched(&mut trial.checks, earlier);
        // A pass that is none by the scenario's own bounds is no sign that a listed deviation has gone.
        if result.outcome != Verdict::Pass || result.stretched.is_empty() {
            let message = std::mem::take(&mut result.message);
            (result.outcome, result.message) = deviations::apply(setting, (result.outcome, message), &result.cause);
        }
        if rounds.repeat > 1 && result.outcome != Verdict::Pass {
            let _ = write!(result.message, "\nround {round} of {}", rounds.repeat);
        }
        result.duration_ms = began.elapsed().as_millis() as u64;
        return Ok(trial);
    }
}

/// A bound that was stretched in an earlier round is not forgotten for a later one that kept it.
fn keep_stretched(checks: &mut [Check], earlier: Vec<Check>) {
    for Check { requirement, stretched, .. } in earlier {
        if let Some(check) = checks.iter_mut().find(|check| check.requirement == requirement) {
            check.stretched.extend(stretched);
        }
    }
}

fn once(setting: &Setting<'_>, folder: &RunFolder, rounds: Rounds<'_>) -> Result<Trial, HarnessError> {
    let mut result = blank(setting, Verdict::Pass);
    let shared = folder.path().parent().unwrap_or_else(|| folder.path());
    // Dropped after the namespace, so that the memory is free again.
    let place = match rounds.room.enter(setting.scenario.memory_mib, shared) {
        Ok(place) => place,
        Err(failure) => {
            describe(&mut result, setting, &failure);
            return Ok(Trial { result, checks: Vec::new() });
        }
    };
    let namespace = folder.namespace()?;
    let watched = OverloadWatch::begin();
    let mut execution = Execution::new(*setting, &namespace);
    let ended = execution.run().and_then(|()| execution.end());
    let failure = match ended {
        Ok(()) if result.level == Level::Observed => execution.observed.first().cloned(),
        Ok(()) => None,
        Err(Stop::ScenarioFailure(failure)) => Some(*failure),
        Err(Stop::Interrupted) => return Err(HarnessError::Interrupted),
    };
    let failure = failure.map(|failure| {
        let judged = place.judged(failure.clone(), shared);
        if judged != failure {
            // Nothing is known of how it would have been with memory.
            execution.checks.retain(|check| check.broken.is_none());
        }
        judged
    });
    // What is still running would go on writing into the transcripts.
    execution.peers.values_mut().for_each(|running| running.peer.kill());
    if let Some(failure) = &failure {
        describe(&mut result, setting, failure);
        let is_late = failure.verdict == Verdict::Timeout || failure.is_start;
        if let Some(overload) = watched.overload().filter(|_| is_late) {
            let _ = write!(result.message, "\n{overload}");
        }
    }
    result.stretched.clone_from(&execution.stretched);
    if rounds.trace || failure.is_some() {
        result.transcripts = execution.transcripts();
    }
    Ok(Trial { result, checks: execution.checks })
}

/// A result without a word on why.
pub(super) fn blank(setting: &Setting<'_>, outcome: Verdict) -> ConformanceResult {
    let scenario = setting.scenario;
    ConformanceResult {
        scenario: scenario.name(),
        requirements: scenario.requirements.clone(),
        level: scenario.level,
        client: setting.client.name.clone(),
        server: setting.server.name.clone(),
        outcome,
        message: String::new(),
        cause: String::new(),
        stretched: Vec::new(),
        step: None,
        place: Some(Place { file: scenario.file.clone(), line: 1 }),
        expected: None,
        actual: None,
        transcripts: std::collections::BTreeMap::new(),
        duration_ms: 0,
        repro: repro(setting),
    }
}

fn describe(result: &mut ConformanceResult, setting: &Setting<'_>, failure: &ScenarioFailure) {
    result.outcome = failure.verdict;
    result.message = failure.message(setting.scenario, setting.catalogue);
    result.cause = failure.cause();
    result.step.clone_from(&failure.step);
    if let (Some(place), Some(line)) = (&mut result.place, failure.line) {
        place.line = line;
    }
    result.expected.clone_from(&failure.expected);
    result.actual.clone_from(&failure.actual);
}

/// One shell line that repeats a scenario.
fn repro(setting: &Setting<'_>) -> String {
    let (client, server) = (setting.client.handle(), setting.server.handle());
    // `--subject` takes a list, which a comma would make of one path.
    let subjects = if client == server && !client.contains(',') {
        format!("--subject {}", quoted(&client))
    } else {
        format!("--client {} --server {}", quoted(&client), quoted(&server))
    };
    let name = Selection::literal(&setting.scenario.name());
    let mut line = format!("shmark conform {subjects} --run {} --seed {}", quoted(&name), setting.seed);
    for word in setting.again {
        let _ = write!(line, " {}", quoted(word));
    }
    line
}
