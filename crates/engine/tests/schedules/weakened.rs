//! What the exploration is worth: an ordering that is too weak, or an exchange in two steps, is found.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

use crate::exchange::{Case, Crash, run};
use crate::explore;
use crate::slots::Behaviour;

const REFUSES: Case = Case { capacity: 1, overflow: false, sends: 3, receives: 2, looks_first: false, small: false };
const OVERFLOWS: Case = Case { capacity: 1, overflow: true, sends: 3, receives: 2, looks_first: false, small: false };

/// Messages in slots, with others in chunks between them.
const REFUSES_SMALL: Case = Case { sends: 2, looks_first: true, small: true, ..REFUSES };
const OVERFLOWS_SMALL: Case = Case { sends: 2, looks_first: true, small: true, ..OVERFLOWS };

/// What is said by the first schedule that goes wrong.
#[track_caller]
fn goes_wrong(case: Case, behaviour: Behaviour) -> String {
    what_goes_wrong(&format!("{behaviour:?} in {case:?}"), || {
        explore(move || {
            run(case, behaviour, Crash::None);
        });
    })
}

/// The same of any exploration, which is named.
#[track_caller]
pub fn what_goes_wrong(name: &str, exploration: impl FnOnce()) -> String {
    let outcome = catch_unwind(AssertUnwindSafe(exploration));
    let Err(panic) = outcome else { panic!("no schedule goes wrong with {name}") };
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

#[test]
fn a_weak_store_is_a_data_race() {
    let weak = Behaviour { store: Ordering::Relaxed, ..Behaviour::default() };
    for case in [REFUSES, OVERFLOWS, REFUSES_SMALL, OVERFLOWS_SMALL] {
        let said = goes_wrong(case, weak);
        assert!(said.contains("Causality violation"), "{said}");
    }
}

#[test]
fn a_weak_load_is_a_data_race() {
    let weak = Behaviour { load: Ordering::Relaxed, ..Behaviour::default() };
    for case in [REFUSES, REFUSES_SMALL, OVERFLOWS_SMALL] {
        let said = goes_wrong(case, weak);
        assert!(said.contains("Causality violation"), "{said}");
    }
}

#[test]
fn a_weak_exchange_is_a_data_race() {
    let weak = Behaviour { swap: Ordering::Relaxed, ..Behaviour::default() };
    let said = goes_wrong(OVERFLOWS, weak);
    assert!(said.contains("Causality violation"), "{said}");
}

#[test]
fn an_exchange_in_two_steps_loses_or_doubles() {
    goes_wrong(OVERFLOWS, Behaviour { swap_in_two_steps: true, ..Behaviour::default() });
    goes_wrong(OVERFLOWS, Behaviour { take_in_two_steps: true, ..Behaviour::default() });
}

#[test]
fn taking_whatever_is_there_doubles() {
    goes_wrong(OVERFLOWS, Behaviour { take_unconditionally: true, ..Behaviour::default() });
}

/// A sender that finds the slot empty has to know that its message was read.
#[test]
fn a_weak_take_is_a_data_race_in_a_slot() {
    let weak = Behaviour { take: Ordering::Relaxed, every_look: true, ..Behaviour::default() };
    let said = goes_wrong(OVERFLOWS_SMALL, weak);
    assert!(said.contains("Causality violation"), "{said}");
}

/// A schedule that comes to it sees two accesses that nothing orders, or another message than was sent.
#[test]
fn a_message_in_a_slot_is_read_before_it_is_taken_and_written_only_when_the_slot_is_empty() {
    for case in [REFUSES_SMALL, OVERFLOWS_SMALL] {
        for behaviour in [
            Behaviour { read_after_take: true, every_look: true, ..Behaviour::default() },
            Behaviour { write_into_full: true, every_look: true, ..Behaviour::default() },
        ] {
            let said = goes_wrong(case, behaviour);
            let expected = ["Causality violation", "each message sent is received or displaced, once", "not in order"];
            assert!(expected.iter().any(|expected| said.contains(expected)), "{said}");
        }
    }
}
