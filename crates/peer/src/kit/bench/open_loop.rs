//! A load slice of an open loop: requests are sent at moments that are chosen beforehand, whether or not earlier ones have
//! been answered.
//!
//! Each latency counts from the moment at which its request was to be sent. A request that has to wait, because the client was
//! busy or as many as there is room for are under way, has waited for the subject, and so do those behind it: nothing of a
//! stall is left out because nobody asked meanwhile.

use super::clock::Clock;
use super::floor::Floor;
use super::plan::BenchPlan;
use super::record::{Tally, Times};
use super::schedule::Schedule;
use crate::kit::implementation::{BenchClient, Waiting};

/// Sends and receives as many requests as `times` has room for. Responses come in the order of the requests.
///
/// # Errors
/// What the port says, or that no response comes.
pub(super) fn slice(
    port: &mut impl BenchClient,
    floor: &Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    clock: &Clock,
    times: &mut Times,
    schedule: &mut Schedule,
) -> Result<(), String> {
    let start = clock.ticks();
    let mut to_answer = schedule.begin(start);
    let mut to_send = to_answer;
    let (mut unsent, mut under_way) = (times.singles.len(), 0);
    let mut now = start;
    for latency in &mut times.singles {
        let response = floor.wait.port(Waiting::Spin, "response", || {
            // One at a time, so that no response waits for a row of requests that are late. Where none is under way, the next
            // moment ends the loop.
            loop {
                if unsent > 0 && under_way < plan.load.outstanding && clock.ticks() >= to_send.ticks {
                    port.send(tally.sent + 1)?;
                    tally.sent += 1;
                    to_send = schedule.next(to_send);
                    unsent -= 1;
                    under_way += 1;
                }
                if under_way > 0 {
                    return port.poll();
                }
                std::hint::spin_loop();
            }
        })?;
        now = clock.ticks();
        *latency = now.saturating_sub(to_answer.ticks);
        tally.receive(response, tally.received + 1);
        to_answer = schedule.next(to_answer);
        under_way -= 1;
    }
    schedule.end(start, to_answer, now);
    Ok(())
}

#[cfg(test)]
#[path = "open_loop_tests.rs"]
mod tests;
