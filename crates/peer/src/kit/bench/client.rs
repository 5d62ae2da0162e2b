//! The client's side of a trial: leads and measures.

use std::time::Instant;

use super::clock::Clock;
use super::floor::{Floor, Phase};
use super::open_loop;
use super::plan::BenchPlan;
use super::record::{Measurements, Tally, Times};
use super::usage::{Meter, thread_cpu_ns};
use crate::kit::implementation::{BenchClient, Timing};

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
    plan: &BenchPlan,
    tally: &mut Tally,
    meter: &mut Meter,
    measurements: &mut Measurements,
) -> Result<(), String> {
    lead(floor, plan, meter, measurements, |floor, measurements| load_slice(port, floor, plan, tally, measurements))
}

/// Runs a trial to its end, with load slices of some kind.
pub(super) fn lead(
    floor: &mut Floor,
    plan: &BenchPlan,
    meter: &mut Meter,
    measurements: &mut Measurements,
    mut load_slice: impl FnMut(&Floor, &mut Measurements) -> Result<(), String>,
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
        floor_slice(floor, &measurements.clock, &mut measurements.floors)?;
        let cpu_before_ns = thread_cpu_ns()?;
        load_slice(floor, measurements)?;
        let cpu_ns = thread_cpu_ns()?.saturating_sub(cpu_before_ns);
        if phase == Phase::Counted {
            meter.add_load_cpu_ns(cpu_ns);
            measurements.fold(at.as_nanos() as u64);
        }
    }
}

fn floor_slice(floor: &mut Floor, clock: &Clock, times: &mut Times) -> Result<(), String> {
    timed(clock, times, || floor.round_trip())
}

/// The opening request is answered before anything is timed.
pub(super) fn load_slice(
    port: &mut impl BenchClient,
    floor: &Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    measurements: &mut Measurements,
) -> Result<(), String> {
    many(port, floor, plan, tally, 1)?;
    let Measurements { clock, loads: times, schedule, .. } = measurements;
    match (plan.load.timing, schedule) {
        (Timing::RoundTrip, _) => timed(clock, times, || round_trip(port, floor, plan, tally)),
        (Timing::Throughput, _) => timed(clock, times, || many(port, floor, plan, tally, plan.slice_requests)),
        (Timing::OpenLoop, Some(schedule)) => open_loop::slice(port, floor, plan, tally, clock, times, schedule),
        (Timing::OpenLoop, None) => Err("the open loop has no schedule".to_owned()),
    }
}

/// The first part with a reading of the clock on either side, the other one with a reading behind each.
#[inline(always)]
pub(super) fn timed(
    clock: &Clock,
    times: &mut Times,
    mut round_trip: impl FnMut() -> Result<(), String>,
) -> Result<(), String> {
    let start = clock.ticks();
    for _ in 0..times.whole {
        round_trip()?;
    }
    let mut before = clock.ticks();
    times.whole_ticks = before.saturating_sub(start);
    for single in &mut times.singles {
        round_trip()?;
        let after = clock.ticks();
        *single = after.saturating_sub(before);
        before = after;
    }
    Ok(())
}

#[inline]
fn round_trip(port: &mut impl BenchClient, floor: &Floor, plan: &BenchPlan, tally: &mut Tally) -> Result<(), String> {
    let sequence = tally.sent + 1;
    port.send(sequence)?;
    tally.sent = sequence;
    let response = floor.wait.port(plan.waiting, "response", || port.poll())?;
    tally.receive(response, sequence);
    Ok(())
}

/// So many requests with all their responses, as many at a time as the load says.
#[inline]
fn many(
    port: &mut impl BenchClient,
    floor: &Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    requests: usize,
) -> Result<(), String> {
    let (mut to_send, mut under_way) = (requests, 0);
    while to_send > 0 || under_way > 0 {
        while to_send > 0 && under_way < plan.load.outstanding {
            port.send(tally.sent + 1)?;
            tally.sent += 1;
            to_send -= 1;
            under_way += 1;
        }
        for _ in 0..plan.load.responses {
            let response = floor.wait.port(plan.waiting, "response", || port.poll())?;
            tally.receive(response, tally.received + 1);
        }
        under_way -= 1;
    }
    Ok(())
}
