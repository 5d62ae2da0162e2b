//! `shmark run`: the main job.

use std::time::Duration;

use super::failure::CommandError;
use super::outputs::Outputs;
use super::progress::Detail;
use super::run_args;
use super::session::Session;
use super::{again, bench, conform};
use crate::bench::pin::Pin;
use crate::bench::{BenchError, Options as BenchOptions};
use crate::conformance::run::Options as ConformanceOptions;
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};
use crate::scenario::model::{BenchCase, BenchScenario};

/// The benchmarks of the short run, and of each the numbers by which its cases are chosen: a name, and what it may be.
const QUESTIONS: [(&str, &str, &[usize]); 3] =
    [("rtt", "len", &[1]), ("throughput", "outstanding", &[1, 8, 64]), ("payload", "len", &[64, 4096, 1 << 18])];

pub(super) fn run(args: &run_args::Run, detail: Detail) -> Result<u8, CommandError> {
    let seed = args.common.seed;
    let outputs = Outputs::folder(args.out.clone());
    let mut session = Session::start(&outputs, seed, detail)?;
    let done = carry_out(args, seed, &mut session);
    session.finish(done)
}

/// So much of a benchmark as fits into the short run, without its baselines but for the first question; `None` if it is
/// none of the short run's.
fn shortened(scenario: &BenchScenario) -> Option<BenchScenario> {
    let first = QUESTIONS[0].0;
    let (name, key, numbers) = QUESTIONS.into_iter().find(|(name, ..)| *name == scenario.name)?;
    let mut short = scenario.clone();
    let number = |case: &BenchCase| if key == "len" { Some(case.len) } else { case.count(key) };
    let mut cases = short.cases.clone();
    cases.retain(|case| case.is_touched() && number(case).is_none_or(|number| numbers.contains(&number)));
    // A file of the user's may ask something else by the same name.
    if !cases.is_empty() {
        short.cases = cases;
    }
    if name != first {
        short.baselines.clear();
    }
    Some(short)
}

/// Judges, then measures. Returns whether it got to its end.
fn carry_out(args: &run_args::Run, seed: u64, session: &mut Session<'_>) -> Result<bool, CommandError> {
    let library = bench::library(args.common.scenarios.as_deref())?;
    let reference = Subject::find("reference")?.with_timeout_multiplier(args.common.timeout_multiplier);
    let judging = ConformanceOptions {
        pairings: vec![(reference.clone(), reference.clone())],
        scenarios: library.conformance().to_vec(),
        jobs: args.jobs.unwrap_or_else(conform::jobs),
        repeat: 1,
        seed,
        trace: false,
        again: again::words_of_run(&args.common),
    };
    let measuring = BenchOptions {
        scenarios: library.bench().iter().filter_map(shortened).collect(),
        lifecycle: Vec::new(),
        subjects: vec![reference],
        rounds: None,
        quick: true,
        pin: args.placement.pair()?.map(|(client, server)| Pin::Pair(client, server)),
        real_time: false,
        placement_wait: Duration::ZERO,
        skips_disturbed: false,
        seed,
    };
    let judged = judging.scenarios.iter().map(|scenario| scenario.id.as_str());
    let measured = measuring.scenarios.iter().map(|scenario| scenario.name.as_str());
    again::mark_replaced(session, &library, judged.chain(measured));
    if !conform::judge(&judging, session)? {
        return Ok(false);
    }
    match bench::measure(measuring, args.placement, session) {
        // Conformance does not need two processors.
        Err(CommandError::Bench(error @ BenchError::OneProcessor)) => {
            session.event(&Event::Warning { text: format!("nothing was measured: {error}") });
            Ok(true)
        }
        measured => measured,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Library;

    #[test]
    fn the_short_run_has_some_cases_of_three_questions() {
        let library = Library::builtin().unwrap();
        let short: Vec<BenchScenario> = library.bench().iter().filter_map(shortened).collect();
        let cases = short.iter().map(|scenario| (&*scenario.name, scenario.cases.len(), scenario.baselines.len()));
        assert_eq!(cases.collect::<Vec<_>>(), [("payload", 3, 0), ("rtt", 1, 3), ("throughput", 3, 0)]);
    }

    #[test]
    fn a_question_of_the_same_name_with_other_cases_is_asked_in_whole() {
        let library = Library::builtin().unwrap();
        let mut own = library.bench().iter().find(|scenario| scenario.name == "payload").unwrap().clone();
        own.cases.retain(|case| case.len == 8);
        assert_eq!(shortened(&own).unwrap().cases, own.cases);
    }
}
