//! The channels under every schedule of small cases: every order in which the shared accesses of two sides can happen, and
//! every value that the orderings of memory allow a load to see.
//!
//! `cargo test` explores small cases, all schedules of them, which takes seconds. `SHMARK_SCHEDULES=more` adds larger ones;
//! `scripts/prove` does so, and bounds the preemptions of a schedule by `LOOM_MAX_PREEMPTIONS`. Of
//! the larger cases with a shuttle, schedules of few preemptions are explored in any case.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod channel;
mod crash;
mod exchange;
mod shuttle;
mod slots;
mod weakened;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use exchange::Case;

/// Runs `body` under every schedule.
fn explore(body: impl Fn() + Sync + Send + 'static) {
    explore_with(&loom::model::Builder::new(), body);
}

/// Runs `body` under every schedule with so many preemptions at most, or with one less than `LOOM_MAX_PREEMPTIONS` says: there are
/// about ten times as many schedules as elsewhere.
fn explore_bounded(preemptions_max: usize, body: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(builder.preemption_bound.map_or(preemptions_max, |bound| bound.saturating_sub(1)));
    explore_with(&builder, body);
}

fn explore_with(builder: &loom::model::Builder, body: impl Fn() + Sync + Send + 'static) {
    let schedules = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&schedules);
    builder.check(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        body();
    });
    println!("{} schedules", schedules.load(Ordering::Relaxed));
}

/// Whether larger cases are wished.
fn is_more_wished() -> bool {
    std::env::var_os("SHMARK_SCHEDULES").is_some_and(|wish| wish == "more")
}

/// Cases that differ in what can meet: one slot or two, fewer or more messages than fit.
fn cases() -> Vec<Case> {
    let mut counts = vec![(1, 2, 2), (1, 3, 2), (2, 3, 2), (2, 4, 2)];
    if is_more_wished() {
        counts.extend([(1, 4, 3), (2, 4, 3), (1, 6, 4), (2, 6, 4), (3, 6, 3)]);
    }
    let mut cases = Vec::new();
    for (capacity, sends, receives) in counts {
        for overflow in [false, true] {
            for (looks_first, small) in [(false, false), (true, false), (true, true)] {
                cases.push(Case { capacity, overflow, sends, receives, looks_first, small });
            }
        }
    }
    cases
}
