//! The server's side of a trial: follows and answers.

use super::floor::{Floor, Phase};
use super::plan::BenchPlan;
use super::record::Tally;
use super::usage::{Meter, thread_cpu_ns};
use crate::kit::implementation::BenchServer;

/// Runs a trial to its end.
///
/// # Errors
/// Why the trial cannot go on.
pub(super) fn run(
    port: &mut impl BenchServer,
    floor: &mut Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    meter: &mut Meter,
) -> Result<(), String> {
    follow(floor, plan, meter, |floor| {
        // One more than is timed: the opening request.
        for _ in 0..=plan.slice_requests {
            let request = floor.wait.port(plan.waiting, "request", || port.serve())?;
            tally.serve(request, tally.received + 1, plan.load.numbers(request));
        }
        Ok(())
    })
}

/// Runs a trial to its end, with load slices of some kind.
pub(super) fn follow(
    floor: &mut Floor,
    plan: &BenchPlan,
    meter: &mut Meter,
    mut load_slice: impl FnMut(&Floor) -> Result<(), String>,
) -> Result<(), String> {
    loop {
        let phase = floor.opened()?;
        match phase {
            Phase::WarmUp => {}
            Phase::Counted => meter.begin()?,
            Phase::End => meter.end()?,
        }
        floor.pong();
        if phase == Phase::End {
            return Ok(());
        }
        for _ in 0..plan.slice_floors {
            floor.answer()?;
        }
        let cpu_before_ns = thread_cpu_ns()?;
        load_slice(floor)?;
        if phase == Phase::Counted {
            meter.add_load_cpu_ns(thread_cpu_ns()?.saturating_sub(cpu_before_ns));
        }
    }
}
