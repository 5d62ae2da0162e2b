//! Each property fails for a channel that breaks it, and for no other reason.

use shmark_models::{Config, Rule, RuleViolation, channel, returns};

use crate::locked::{Fault, Locked};

fn config() -> Config {
    Config { pushes: 3_000, ..Config::default() }
}

#[track_caller]
fn breaks(result: Result<(), RuleViolation>, fault: Fault, rule: Rule) -> RuleViolation {
    let failure = result.expect_err(&format!("{fault:?} was not found"));
    assert_eq!(failure.rule(), rule, "{fault:?} was found, but for another reason:\n{failure}");
    failure
}

#[test]
fn a_right_one_passes() -> Result<(), RuleViolation> {
    let right = Locked(Fault::None);
    channel::check_operations(&right, config())?;
    channel::check_threads(&right, config())?;
    returns::check_operations(&right, config())?;
    returns::check_threads(&right, config())
}

#[test]
fn every_fault_of_a_channel_is_found_by_operations() {
    for (fault, rule) in [
        (Fault::LosesOnOverflow, Rule::OldestIsDisplaced),
        (Fault::DisplacesNewest, Rule::OldestIsDisplaced),
        (Fault::KeepsDisplaced, Rule::OldestIsTaken),
        (Fault::LosesWhenFull, Rule::FullRefuses),
        (Fault::RefusesEarly, Rule::RoomIsUsed),
        (Fault::HoldsTooMuch, Rule::FullRefuses),
        (Fault::LastInFirstOut, Rule::OldestIsTaken),
        (Fault::Doubles, Rule::OldestIsTaken),
        (Fault::LosesOnTake, Rule::OldestIsTaken),
        (Fault::IsBlind, Rule::OldestIsTaken),
        (Fault::LooksAtNewest, Rule::FrontIsOldest),
        (Fault::LooksTaking, Rule::OldestIsTaken),
        (Fault::Truncates, Rule::OldestIsTaken),
        (Fault::Panics, Rule::NoPanic),
        (Fault::Absent, Rule::SomethingIsTested),
    ] {
        breaks(channel::check_operations(&Locked(fault), config()), fault, rule);
    }
}

#[test]
fn every_fault_of_a_return_queue_is_found_by_operations() {
    for (fault, rule) in [
        (Fault::LosesWhenFull, Rule::FullRefuses),
        (Fault::RefusesEarly, Rule::RoomIsUsed),
        (Fault::HoldsTooMuch, Rule::FullRefuses),
        (Fault::Doubles, Rule::ReturnedIsTaken),
        (Fault::LosesOnTake, Rule::ReturnedIsTaken),
        (Fault::Panics, Rule::NoPanic),
        (Fault::Absent, Rule::SomethingIsTested),
    ] {
        breaks(returns::check_operations(&Locked(fault), config()), fault, rule);
    }
    // No order is asked of it.
    returns::check_operations(&Locked(Fault::LastInFirstOut), config()).unwrap();
}

/// Which of the rules is met first depends on the course that threads take.
#[test]
fn every_fault_is_found_between_threads() {
    use Fault as F;
    for fault in [
        F::LosesOnOverflow,
        F::DisplacesNewest,
        F::KeepsDisplaced,
        F::LosesWhenFull,
        F::RefusesEarly,
        F::LastInFirstOut,
        F::Doubles,
        F::LosesOnTake,
        F::IsBlind,
        F::LooksTaking,
        F::Truncates,
        F::Panics,
        F::Absent,
    ] {
        let failure = channel::check_threads(&Locked(fault), config());
        failure.expect_err(&format!("{fault:?} was not found between threads"));
    }
    for fault in [F::LosesWhenFull, F::RefusesEarly, F::Doubles, F::LosesOnTake, F::Panics, F::Absent] {
        let failure = returns::check_threads(&Locked(fault), config());
        failure.expect_err(&format!("{fault:?} of a return queue was not found between threads"));
    }
}

/// The text is for somebody who has never seen the code.
#[test]
fn a_failure_says_what_was_required_what_happened_and_how_to_repeat_it() {
    let config = Config { seed: 7, ..config() };
    let fault = Fault::DisplacesNewest;
    let failure = breaks(channel::check_operations(&Locked(fault), config), fault, Rule::OldestIsDisplaced);
    // The shortest way there: fill a channel of two, and push once more.
    assert_eq!(failure.operations().len(), 3, "{failure}");
    let text = failure.to_string();
    for part in [
        "the channel: capacity 2, with overflow",
        "required: a push into a full channel with overflow is done, displaces the oldest entry",
        "happened: the push of ",
        "should have given Displaced(",
        "    3. push ",
        "SHMARK_KIT_SEED=7 SHMARK_KIT_CASES=200 SHMARK_KIT_PUSHES=3000 cargo test",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    assert_eq!(format!("{failure:?}"), text);
}
