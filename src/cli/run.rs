//! `shmark run`: the main job.

use std::time::Duration;

use super::failure::CommandError;
use super::outputs::Outputs;
use super::progress::Detail;
use super::run_args;
use super::session::Session;
use super::{again, bench, conform};
use crate::bench::{BenchError, Options as BenchOptions};
use crate::conformance::run::Options as ConformanceOptions;
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};

/// The benchmark of the short run.
const SCENARIO: &str = "rtt";

pub(super) fn run(args: &run_args::Run, detail: Detail) -> Result<u8, CommandError> {
    let seed = args.common.seed;
    let outputs = Outputs::folder(args.out.clone());
    let mut session = Session::start(&outputs, seed, detail)?;
    let done = carry_out(args, seed, &mut session);
    session.finish(done)
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
        scenarios: library.bench().iter().filter(|scenario| scenario.name == SCENARIO).cloned().collect(),
        subjects: vec![reference],
        rounds: None,
        quick: true,
        pin: args.pin,
        placement_wait: Duration::ZERO,
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
