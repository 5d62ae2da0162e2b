//! `shmark bench`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::failure::CommandError;
use super::progress::Detail;
use super::resume::Earlier;
use super::session::Session;
use super::{again, run_args};
use crate::bench;
use crate::harness::subject::Subject;
use crate::harness::timeout::TimeoutMultiplier;
use crate::scenario::Library;
use crate::scenario::bench::BenchQuestion;
use crate::scenario::lifecycle::LifecycleScenario;
use crate::scenario::model::BenchScenario;
use crate::suggest::nearest;

pub(super) fn run(args: &run_args::Bench, detail: Detail) -> Result<u8, CommandError> {
    // Before the session, which clears the folder.
    let earlier = match &args.outputs.out {
        Some(out) if args.resume => Earlier::read(out)?,
        _ => None,
    };
    let mut session = Session::start(&args.outputs, args.common.seed, detail)?;
    session.report.label.clone_from(&args.label);
    if let Some(earlier) = &earlier {
        earlier.begin(&mut session);
    }
    let done = plan(args, &mut session).and_then(|mut options| {
        if let Some(earlier) = earlier {
            earlier.keep(&mut options, &mut session)?;
        }
        if options.scenarios.is_empty() && options.lifecycle.is_empty() {
            return Ok(true);
        }
        measure(options, args.placement, &mut session)
    });
    session.finish(done)
}

/// What is to be measured.
fn plan(args: &run_args::Bench, session: &mut Session<'_>) -> Result<bench::Options, CommandError> {
    let library = library(args.common.scenarios.as_deref())?;
    let (scenarios, lifecycle) = chosen(&library, &args.asked)?;
    let options = bench::Options {
        scenarios,
        lifecycle,
        subjects: subjects(&args.subject, args.common.timeout_multiplier)?,
        rounds: args.rounds,
        quick: args.quick,
        pin: args.placement.pin,
        real_time: args.real_time,
        placement_wait: Duration::ZERO,
        skips_disturbed: false,
        seed: args.common.seed,
    };
    if options.scenarios.is_empty() && options.lifecycle.is_empty() {
        return Err(CommandError::Nothing("no benchmark scenario was selected".to_owned()));
    }
    let loads = options.scenarios.iter().map(|scenario| scenario.name.as_str());
    let chosen = loads.chain(options.lifecycle.iter().map(|scenario| scenario.name.as_str()));
    again::mark_replaced(session, &library, chosen);
    Ok(options)
}

/// Measures into the session's report. Returns whether it got to its end.
pub(super) fn measure(
    mut options: bench::Options,
    placement: run_args::Placement,
    session: &mut Session<'_>,
) -> Result<bool, CommandError> {
    options.placement_wait = placement.wait(&session.report.machine, options.quick);
    let outcome = bench::run(&options, session)?;
    session.subjects(outcome.subjects);
    session.report.bench.extend(outcome.bench);
    session.report.relative.extend(outcome.relative);
    session.report.lifecycle.extend(outcome.lifecycle);
    session.without_result.extend(outcome.without_result);
    Ok(!outcome.interrupted)
}

/// The built-in scenarios, and those of a folder.
pub(super) fn library(dir: Option<&Path>) -> Result<Library, CommandError> {
    let builtin = Library::builtin()?;
    Ok(match dir {
        Some(dir) => builtin.with_dir(dir)?,
        None => builtin,
    })
}

/// Subjects by name or path; the reference engine if none is given.
pub(super) fn subjects(names: &[String], timeout_multiplier: TimeoutMultiplier) -> Result<Vec<Subject>, CommandError> {
    if names.is_empty() {
        return Ok(vec![Subject::find("reference")?.with_timeout_multiplier(timeout_multiplier)]);
    }
    names.iter().map(|name| Ok(Subject::find(name)?.with_timeout_multiplier(timeout_multiplier))).collect()
}

/// Loads, and questions about the lifecycle.
type Chosen = (Vec<BenchScenario>, Vec<LifecycleScenario>);

/// Scenarios by name or file; all if none is given.
fn chosen(library: &Library, asked: &[String]) -> Result<Chosen, CommandError> {
    if asked.is_empty() {
        return Ok((library.bench().to_vec(), library.lifecycle().to_vec()));
    }
    named(library, asked)
}

/// Scenarios by name or file.
pub(super) fn named(library: &Library, asked: &[String]) -> Result<Chosen, CommandError> {
    let mut chosen: Chosen = Default::default();
    let mut questions: Vec<BenchQuestion> = Vec::new();
    for asked in asked {
        let question = one(library, asked)?;
        match questions.iter().find(|known| known.name() == question.name()) {
            Some(known) if *known == question => {}
            Some(_) => return Err(CommandError::SameQuestion(question.name().to_owned())),
            None => questions.push(question),
        }
    }
    for question in questions {
        match question {
            BenchQuestion::Load(scenario) => chosen.0.push(scenario),
            BenchQuestion::Lifecycle(scenario) => chosen.1.push(scenario),
        }
    }
    Ok(chosen)
}

fn one(library: &Library, asked: &str) -> Result<BenchQuestion, CommandError> {
    if let Some(known) = library.bench().iter().find(|scenario| scenario.name == asked) {
        return Ok(BenchQuestion::Load(known.clone()));
    }
    if let Some(known) = library.lifecycle().iter().find(|scenario| scenario.name == asked) {
        return Ok(BenchQuestion::Lifecycle(known.clone()));
    }
    let path = Path::new(asked);
    if !path.exists() && path.extension().is_none_or(|extension| extension != "toml") {
        let known = library.bench_names();
        let near = nearest(asked, &known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let remedy = format!("{near}known are {}; a scenario of your own is named by its .toml file", known.join(", "));
        return Err(CommandError::Unknown { what: "benchmark scenario", asked: asked.to_owned(), remedy });
    }
    let unreadable = |source| CommandError::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    Ok(crate::scenario::bench::parse(asked, &text)?)
}
