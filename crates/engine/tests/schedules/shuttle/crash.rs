//! A side that stops for ever, before each of its shared stores, leaves nothing that the other one cannot go on from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::ToClient::{Finish, Small as Answer, Take};
use super::ToServer::{Receive, Small};
use super::cases::{PREEMPTIONS_MAX, cases};
use super::{Case, Crash, Faults, Stores, run};
use crate::explore_bounded;

/// A round trip and one that is given up, by the shuttle and past it.
fn cases_of_crashes() -> Vec<Case> {
    cases(&[
        (&[Small, Receive, Small], &[Take, Answer, Answer, Finish, Take]),
        (&[Small, Small, Small], &[Take, Finish, Take, Answer]),
    ])
}

#[test]
fn a_client_that_dies_before_any_store_leaves_the_server_all_that_it_sent() {
    for case in cases_of_crashes() {
        die_before_every_store(case, |stores| stores.client, |before_store| Crash::Client { before_store });
    }
}

#[test]
fn a_server_that_dies_before_any_store_leaves_the_client_all_that_it_sent_and_every_slot_that_it_took() {
    for case in cases_of_crashes() {
        die_before_every_store(case, |stores| stores.server, |before_store| Crash::Server { before_store });
    }
}

fn die_before_every_store(case: Case, count: fn(Stores) -> usize, crash: fn(usize) -> Crash) {
    let mut before_store = 0;
    loop {
        // The most stores that a schedule has made: beyond them there is nothing to die before.
        let stores_max = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&stores_max);
        explore_bounded(PREEMPTIONS_MAX, move || {
            let stores = run(case, Faults::default(), crash(before_store));
            seen.fetch_max(count(stores), Ordering::Relaxed);
        });
        if stores_max.load(Ordering::Relaxed) < before_store {
            // In each schedule it was done before it would have died.
            assert!(before_store > 1, "nothing was ever stored");
            return;
        }
        before_store += 1;
    }
}
