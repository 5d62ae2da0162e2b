//! Nothing goes wrong with what the engine does.

use crate::exchange::{Case, Crash, run};
use crate::slots::Behaviour;
use crate::{cases, explore};

/// Each message is read as it was written, in order, by the receiver, or is the sender's again; each chunk comes back once;
/// no chunk is written while it can be read.
#[test]
fn nothing_is_lost_doubled_or_read_half_written_under_any_schedule() {
    for case in cases() {
        explore(move || {
            run(case, Behaviour::default(), Crash::None);
        });
    }
}

/// A slot that was emptied holds the next message, which the sender writes while the receiver still has the one before.
#[test]
fn a_slot_is_used_again_under_any_schedule() {
    for overflow in [false, true] {
        for small in [false, true] {
            let case = Case { capacity: 1, overflow, sends: 2, receives: 2, looks_first: true, small };
            explore(move || {
                run(case, Behaviour { every_look: true, ..Behaviour::default() }, Crash::None);
            });
        }
    }
}
