//! A side that stops for ever, before each of its shared stores, leaves nothing that the other one cannot go on from.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exchange::{Crash, run};
use crate::slots::Behaviour;
use crate::{cases, explore};

#[test]
fn a_sender_that_dies_before_any_store_leaves_the_receiver_all_that_it_sent() {
    for case in cases() {
        die_before_every_store(case, |stores| stores.sender, |before_store| Crash::Sender { before_store });
    }
}

#[test]
fn a_receiver_that_dies_before_any_store_leaves_the_sender_every_chunk() {
    for case in cases() {
        die_before_every_store(case, |stores| stores.receiver, |before_store| Crash::Receiver { before_store });
    }
}

fn die_before_every_store(
    case: crate::exchange::Case,
    count: fn(crate::exchange::Stores) -> usize,
    crash: fn(usize) -> Crash,
) {
    let mut before_store = 0;
    loop {
        // The most stores that a schedule has made: beyond them there is nothing to die before.
        let stores_max = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&stores_max);
        explore(move || {
            let stores = run(case, Behaviour::default(), crash(before_store));
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
