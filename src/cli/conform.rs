//! `shmark conform`.

use std::thread;

use super::bench::{library, subjects};
use super::failure::CommandError;
use super::progress::Detail;
use super::session::Session;
use super::{again, expected, run_args};
use crate::conformance::run::{Options, run as carry_out};
use crate::harness::subject::Subject;
use crate::results::model::Level;
use crate::scenario::{Library, Selection};

pub(super) fn run(args: &run_args::Conform, detail: Detail) -> Result<u8, CommandError> {
    let mut session = Session::start(&args.outputs, args.common.seed, detail)?;
    let (library, options) = match plan(args) {
        Ok(plan) => plan,
        Err(failure) => return session.finish(Err(failure)),
    };
    again::mark_replaced(&mut session, &library, options.scenarios.iter().map(|scenario| scenario.id.as_str()));
    let done = judge(&options, &mut session);
    let complete = matches!(done, Ok(true));
    let results = if args.update_expected && complete { session.report.conformance.clone() } else { Vec::new() };
    let code = session.finish(done)?;
    for (subject, _) in options.pairings.iter().filter(|_| args.update_expected && complete) {
        let own: Vec<_> = results.iter().filter(|result| result.client == subject.name).collect();
        if let Some(path) = expected::update(subject, library.conformance(), &own)? {
            args.outputs.tell(&format!("updated {}\n", path.display()));
        }
    }
    Ok(code)
}

/// What is to be judged, and what there is.
fn plan(args: &run_args::Conform) -> Result<(Library, Options), CommandError> {
    let library = library(args.common.scenarios.as_deref())?;
    let selection = Selection::new(&args.run, &args.skip)?
        .with_level(args.level.map(Level::from))
        .with_requirements(&args.requirement, library.catalogue())?;
    let scenarios: Vec<_> = selection.of(library.conformance()).into_iter().cloned().collect();
    let unmatched = selection.check(library.conformance()).err();
    if scenarios.is_empty() {
        let why = unmatched.map_or_else(String::new, |error| format!("; {error}"));
        return Err(CommandError::Nothing(format!(
            "no scenario was selected: check --run, --skip, --level and --requirement against `shmark list \
             scenarios{}`{why}",
            again::suffix(args.common.scenarios.as_deref())
        )));
    }
    if let Some(error) = unmatched {
        return Err(error.into());
    }
    let pairings = pairings(args)?;
    for (client, server) in pairings.iter().filter(|_| !args.update_expected) {
        expected::check(client, library.conformance())?;
        expected::check(server, library.conformance())?;
    }
    let options = Options {
        pairings,
        scenarios,
        jobs: args.jobs.unwrap_or_else(jobs),
        repeat: args.repeat,
        seed: args.common.seed,
        trace: args.trace,
        again: again::words_of_run(&args.common),
    };
    Ok((library, options))
}

/// Judges into the session's report. Returns whether it got to its end.
pub(super) fn judge(options: &Options, session: &mut Session<'_>) -> Result<bool, CommandError> {
    let outcome = carry_out(options, session)?;
    session.subjects(outcome.subjects);
    session.report.conformance.extend(outcome.results);
    session.report.coverage.extend(outcome.coverage);
    session.without_result.extend(outcome.without_result);
    Ok(outcome.complete)
}

/// As many as there are processors.
pub(super) fn jobs() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn pairings(args: &run_args::Conform) -> Result<Vec<(Subject, Subject)>, CommandError> {
    let timeout_multiplier = args.common.timeout_multiplier;
    if let (Some(client), Some(server)) = (&args.client, &args.server) {
        let found = |name: &str| -> Result<Subject, CommandError> {
            Ok(Subject::find(name)?.with_timeout_multiplier(timeout_multiplier))
        };
        return Ok(vec![(found(client)?, found(server)?)]);
    }
    let mut pairings: Vec<(Subject, Subject)> = Vec::new();
    for subject in subjects(&args.subject, timeout_multiplier)? {
        if !pairings.iter().any(|(known, _)| *known == subject) {
            pairings.push((subject.clone(), subject));
        }
    }
    Ok(pairings)
}
