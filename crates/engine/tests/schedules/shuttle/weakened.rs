//! What the exploration is worth: an ordering that is too weak, or a rule that is broken, is found.
//!
//! A conditional exchange in the shuttle itself needs no order of its own, and would not need to compare: whoever writes
//! into the shuttle again has got a message from the other side since. So that is shown for the channels beside it only.

use std::sync::atomic::Ordering;

use super::ToClient::{Finish, Small as Answer, Take};
use super::ToServer::{Large, Receive, Small};
use super::cases::PREEMPTIONS_MAX;
use super::{Case, Crash, Faults, Rules, run};
use crate::explore_bounded;
use crate::slots::Behaviour;
use crate::weakened::what_goes_wrong;

const REFUSES: Case = Case {
    capacity: 1,
    buffer: 1,
    overflow: [false; 2],
    client: &[Small, Receive, Small],
    server: &[Take, Answer, Take, Answer],
};
const OVERFLOWS: Case = Case { overflow: [true; 2], ..REFUSES };
/// Each request is given up: the first goes by the shuttle, the next one past it, the third by it again if it is back.
const GIVES_UP: Case = Case { client: &[Small, Small, Small], server: &[Take, Finish, Take, Finish, Take], ..REFUSES };
const GIVES_UP_OVERFLOWS: Case = Case { overflow: [true; 2], ..GIVES_UP };
const ANSWERS_TWICE: Case =
    Case { capacity: 2, buffer: 2, client: &[Small, Receive, Receive], server: &[Take, Answer, Answer], ..REFUSES };
const ANSWERS_TWICE_OVERFLOWS: Case = Case { buffer: 1, overflow: [true; 2], ..ANSWERS_TWICE };
/// The second request goes through the channel while the first one is in the shuttle.
const PASSES: Case = Case { capacity: 2, client: &[Small, Small], server: &[Take, Take], ..REFUSES };

#[track_caller]
fn goes_wrong(case: Case, faults: Faults, expected: &str) {
    let name = format!("{faults:?} in {case:?}");
    let said = what_goes_wrong(&name, || {
        explore_bounded(PREEMPTIONS_MAX, move || {
            run(case, faults, Crash::None);
        });
    });
    assert!(said.contains(expected), "{name}: {said}");
}

fn looks() -> Behaviour {
    Faults::default().line
}

fn line(line: Behaviour) -> Faults {
    Faults { line, ..Faults::default() }
}

fn rest(rest: Behaviour) -> Faults {
    Faults { rest, ..Faults::default() }
}

fn rules(rules: Rules) -> Faults {
    Faults { rules, ..Faults::default() }
}

const DATA_RACE: &str = "Causality violation";

#[test]
fn a_weak_load_or_store_in_the_shuttle_is_a_data_race() {
    for case in [REFUSES, OVERFLOWS, GIVES_UP] {
        goes_wrong(case, line(Behaviour { store: Ordering::Relaxed, ..looks() }), DATA_RACE);
        goes_wrong(case, line(Behaviour { load: Ordering::Relaxed, ..looks() }), DATA_RACE);
    }
}

#[test]
fn a_weak_access_beside_the_shuttle_is_a_data_race() {
    for case in [PASSES, OVERFLOWS, ANSWERS_TWICE] {
        goes_wrong(case, rest(Behaviour { store: Ordering::Relaxed, ..looks() }), DATA_RACE);
        goes_wrong(case, rest(Behaviour { load: Ordering::Relaxed, ..looks() }), DATA_RACE);
    }
    goes_wrong(GIVES_UP_OVERFLOWS, rest(Behaviour { take: Ordering::Relaxed, ..looks() }), DATA_RACE);
}

#[test]
fn a_message_in_the_shuttle_is_taken_in_one_step() {
    let steps = Behaviour { take_in_two_steps: true, ..looks() };
    goes_wrong(GIVES_UP_OVERFLOWS, line(steps), "the oldest unread request is");
    goes_wrong(ANSWERS_TWICE_OVERFLOWS, line(steps), "the oldest unread response is");
    let whatever = Behaviour { take_unconditionally: true, ..looks() };
    goes_wrong(GIVES_UP_OVERFLOWS, rest(whatever), "the oldest unread request is");
}

#[test]
fn whoever_looks_into_the_shuttle_first_may_miss_the_oldest_message() {
    let server = Rules { server_looks_into_the_shuttle_first: true, ..Rules::default() };
    goes_wrong(PASSES, rules(server), "the oldest unread request is");
    let client = Rules { client_looks_into_the_shuttle_first: true, ..Rules::default() };
    goes_wrong(ANSWERS_TWICE, rules(client), "the oldest unread response is");
}

#[test]
fn a_request_in_the_channel_is_not_passed_by_one_in_the_shuttle() {
    let passes = Rules { passes_the_channel: true, ..Rules::default() };
    let case = Case { client: &[Large, Small], ..PASSES };
    goes_wrong(case, rules(passes), "the oldest unread request is");
}

#[test]
fn only_the_first_response_goes_by_the_shuttle() {
    let twice = Rules { replies_twice: true, ..Rules::default() };
    goes_wrong(ANSWERS_TWICE, rules(twice), "the oldest unread response is");
    goes_wrong(ANSWERS_TWICE_OVERFLOWS, rules(twice), "are unread, and 1 may be");
}

#[test]
fn the_shuttle_is_not_used_again_before_the_request_is_taken_and_done() {
    let taken = Rules { sends_before_taken: true, ..Rules::default() };
    goes_wrong(GIVES_UP, rules(taken), "are unread, and 1 may be");
    let case = Case { client: &[Small, Small], server: &[Take, Take], ..ANSWERS_TWICE };
    goes_wrong(case, rules(taken), "the oldest unread request is");
    let done = Rules { sends_before_done: true, ..Rules::default() };
    goes_wrong(REFUSES, rules(done), "Garbage");
}

/// A server that is done with a request has read it for the last time.
#[test]
fn a_request_is_not_read_after_its_end() {
    let late = Rules { reads_when_done: true, ..Rules::default() };
    goes_wrong(GIVES_UP, rules(late), DATA_RACE);
}
