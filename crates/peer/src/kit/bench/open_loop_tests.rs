//! Open and closed loops with a model of a server, in a time that the tests make.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use proptest::prelude::*;
use quanta::Mock;

use super::*;
use crate::kit::bench::client;
use crate::kit::bench::clock::MOCK_READING_NS;
use crate::kit::bench::floor::WORDS_MIN;
use crate::kit::bench::plan::Parts;
use crate::kit::bench::record::Measurements;
use crate::kit::implementation::{Arrivals, Load, Timing};

/// What sending or polling takes.
const CALL_NS: u64 = 20;
/// How late the client may notice something: a few calls and readings.
const NOTICE_NS: u64 = 10 * (CALL_NS + MOCK_READING_NS);

/// A server that answers one request after the other, in the order in which they came.
struct Model {
    time: Arc<Mock>,
    /// What each request takes, ns, and what one takes longer.
    service_ns: u64,
    stall: Option<(u64, u64)>,
    /// When it has answered all that came.
    idle_at: u64,
    /// Numbers of the requests under way, and when they are answered.
    under_way: VecDeque<(u64, u64)>,
    under_way_max: usize,
}

impl BenchClient for Model {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.time.increment(CALL_NS);
        let stall_ns = self.stall.filter(|(at, _)| *at == sequence).map_or(0, |(_, ns)| ns);
        self.idle_at = self.idle_at.max(self.time.value()) + self.service_ns + stall_ns;
        self.under_way.push_back((sequence, self.idle_at));
        self.under_way_max = self.under_way_max.max(self.under_way.len());
        Ok(())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        self.time.increment(CALL_NS);
        let is_answered = |(_, at): &(u64, u64)| *at <= self.time.value();
        let answered = self.under_way.front().copied().filter(is_answered);
        Ok(answered.map(|(sequence, _)| {
            self.under_way.pop_front();
            sequence
        }))
    }
}

fn plan(timing: Timing, requests: usize, outstanding: usize, gap_ns: usize) -> BenchPlan {
    let rate_per_s = if timing == Timing::OpenLoop { 1_000_000_000 / gap_ns } else { 0 };
    BenchPlan {
        warmup: Duration::ZERO,
        duration: Duration::from_millis(1),
        slice_requests: requests,
        slice_floors: 1,
        waiting: Waiting::Spin,
        load: Load { timing, outstanding, rate_per_s, arrivals: Arrivals::Fixed, ..Load::default() },
        seed: 0,
    }
}

/// One load slice, each request timed by itself; latencies, ns, and the server.
fn load_slice(plan: &BenchPlan, service_ns: u64, stall: Option<(u64, u64)>) -> (Vec<u64>, Model, Measurements) {
    let (clock, time) = Clock::mock();
    let mut model = Model { time, service_ns, stall, idle_at: 0, under_way: VecDeque::new(), under_way_max: 0 };
    let mut measurements = Measurements::with_clock(plan, clock).unwrap();
    measurements.loads = Times::new(Parts { whole: 0, single: plan.slice_requests }, 1).unwrap();
    let words: Vec<AtomicU64> = (0..WORDS_MIN).map(|_| AtomicU64::new(0)).collect();
    let floor = Floor::new(&words, Duration::from_secs(3600)).unwrap();
    let mut tally = Tally::default();
    client::load_slice(&mut model, &floor, plan, &mut tally, &mut measurements).unwrap();
    // The opening request, too.
    assert_eq!([tally.sent, tally.received, tally.verified], [plan.slice_requests as u64 + 1; 3]);
    (measurements.loads.singles.clone(), model, measurements)
}

fn p99(latencies_ns: &[u64]) -> u64 {
    let mut sorted = latencies_ns.to_vec();
    sorted.sort_unstable();
    sorted[sorted.len() * 99 / 100]
}

/// A stall of 10 ms while a request was to be sent each 10 µs: 1000 of 10000 requests meet it. One of 10000 did in a closed
/// loop, because nobody else asked meanwhile.
#[test]
fn a_stall_is_in_p99_of_an_open_loop_and_not_of_a_closed_one() {
    const STALL_NS: u64 = 10_000_000;
    let stall = Some((3000, STALL_NS));
    let (open, ..) = load_slice(&plan(Timing::OpenLoop, 10_000, 64, 10_000), 500, stall);
    let (closed, ..) = load_slice(&plan(Timing::RoundTrip, 10_000, 1, 10_000), 500, stall);
    assert!(p99(&open) >= STALL_NS * 9 / 10, "{} ns", p99(&open));
    assert!(p99(&closed) < 1000, "{} ns", p99(&closed));
    assert!(closed.iter().max() >= Some(&STALL_NS), "the stall was there");
}

#[test]
fn a_rate_beyond_the_server_takes_as_long_as_the_server() {
    let (latencies, model, measurements) = load_slice(&plan(Timing::OpenLoop, 1000, 8, 1000), 2000, None);
    let schedule = measurements.schedule.unwrap();
    assert_eq!(schedule.offered_ticks, 1_000_000, "1000 requests, 1 µs apart");
    assert!((2_000_000..2_300_000).contains(&schedule.taken_ticks), "1000 times 2 µs: {}", schedule.taken_ticks);
    assert!(latencies.is_sorted() && latencies[999] >= 1_000_000, "who comes last has waited for all others");
    assert_eq!(model.under_way_max, 8, "there is room for no more");
}

proptest! {
    /// Where there is room for all, a latency is the wait in front of a server that takes one after the other: what is
    /// left of the wait and the service of the request before, when the next one comes (Lindley).
    #[test]
    fn latencies_are_those_of_a_queue(
        service_ns in 100_u64..20_000,
        gap_ns in 1_000_usize..20_000,
        stall in (2_u64..100, 0_u64..500_000),
    ) {
        let plan = plan(Timing::OpenLoop, 100, 100, gap_ns);
        let (latencies, ..) = load_slice(&plan, service_ns, Some(stall));
        let gap_ns = 1_000_000_000 / plan.load.rate_per_s as u64;
        let mut wait_ns = 0;
        for (index, latency_ns) in latencies.iter().enumerate() {
            // The opening request was number 1.
            let stall_ns = if stall.0 == index as u64 + 2 { stall.1 } else { 0 };
            let expected_ns = wait_ns + service_ns + stall_ns;
            // The client's own work delays each request a little, and those behind it.
            let slack_ns = NOTICE_NS * (index as u64 + 1);
            prop_assert!(
                (expected_ns.saturating_sub(slack_ns)..=expected_ns + slack_ns).contains(latency_ns),
                "request {}: {} ns instead of {}", index, latency_ns, expected_ns
            );
            wait_ns = expected_ns.saturating_sub(gap_ns);
        }
    }
}
