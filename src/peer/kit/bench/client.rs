//! The client's side of a trial: leads and measures.

use std::time::Instant;

use super::floor::{Floor, Phase};
use super::plan::Plan;
use super::record::{Measurements, Tally};
use super::usage::{Meter, thread_cpu_ns};
use crate::peer::kit::implementation::BenchClient;

/// Runs a trial to its end.
///
/// The opening round trip of each slice is not timed: it pays for the other side's change between floor and load, which
/// is this harness's and not the subject's.
///
/// # Errors
/// Why the trial cannot go on.
pub(super) fn run(
    port: &mut impl BenchClient,
    floor: &mut Floor,
    plan: &Plan,
    tally: &mut Tally,
    meter: &mut Meter,
    measurements: &mut Measurements,
) -> Result<(), String> {
    let start = Instant::now();
    loop {
        let at = start.elapsed();
        let phase = if at < plan.warmup {
            Phase::WarmUp
        } else if (at < plan.warmup + plan.duration || measurements.is_empty()) && !measurements.is_full() {
            Phase::Counted
        } else {
            Phase::End
        };
        match phase {
            Phase::WarmUp => {}
            Phase::Counted => meter.begin()?,
            Phase::End => meter.end()?,
        }
        floor.open(phase)?;
        if phase == Phase::End {
            return Ok(());
        }
        floor_slice(floor, measurements.floors())?;
        let cpu_before_ns = thread_cpu_ns()?;
        load_slice(port, floor, plan, tally, measurements.loads())?;
        let cpu_ns = thread_cpu_ns()?.saturating_sub(cpu_before_ns);
        if phase == Phase::Counted {
            meter.add_load_cpu_ns(cpu_ns);
            measurements.fold(at.as_nanos() as u64);
        }
    }
}

fn floor_slice(floor: &mut Floor, durations: &mut [u64]) -> Result<(), String> {
    let mut before = Instant::now();
    for duration in durations {
        floor.round_trip()?;
        let after = Instant::now();
        *duration = (after - before).as_nanos() as u64;
        before = after;
    }
    Ok(())
}

fn load_slice(
    port: &mut impl BenchClient,
    floor: &Floor,
    plan: &Plan,
    tally: &mut Tally,
    durations: &mut [u64],
) -> Result<(), String> {
    round_trip(port, floor, plan, tally)?;
    let mut before = Instant::now();
    for duration in durations {
        round_trip(port, floor, plan, tally)?;
        let after = Instant::now();
        *duration = (after - before).as_nanos() as u64;
        before = after;
    }
    Ok(())
}

#[inline]
fn round_trip(port: &mut impl BenchClient, floor: &Floor, plan: &Plan, tally: &mut Tally) -> Result<(), String> {
    let sequence = tally.sent + 1;
    port.send(sequence)?;
    tally.sent = sequence;
    let response = floor.patience.port(plan.waiting, "response", || port.poll())?;
    tally.receive(response, sequence);
    Ok(())
}
