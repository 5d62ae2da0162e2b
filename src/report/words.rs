//! Outcomes, levels, pairings and groups of requirements, as every format calls them.

use crate::results::model::{Level, Verdict};

/// `reference`, or `reference → iceoryx2` if client and server differ.
pub fn pairing_label(client: &str, server: &str) -> String {
    if client == server { client.to_owned() } else { format!("{client} → {server}") }
}

/// The outcome as a heading or badge says it.
pub fn outcome_word(outcome: Verdict) -> &'static str {
    match outcome {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::ExpectedFail => "expected fail",
        Verdict::UnexpectedPass => "unexpected pass",
        Verdict::Skipped => "skipped",
        Verdict::Timeout => "timeout",
        Verdict::Crash => "crash",
        Verdict::Error => "error",
    }
}

pub(super) fn past_tense(outcome: Verdict) -> &'static str {
    match outcome {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::ExpectedFail => "failed as expected",
        Verdict::UnexpectedPass => "passed unexpectedly",
        Verdict::Skipped => "skipped",
        Verdict::Timeout => "timed out",
        Verdict::Crash => "crashed",
        Verdict::Error => "broken in peer or harness",
    }
}

/// Level as one word.
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::Must => "must",
        Level::Should => "should",
        Level::Observed => "observed",
    }
}

/// The group of a requirement: `LIV` of `RR-LIV-02`; ids of another form are their own group.
pub fn group_key(requirement: &str) -> &str {
    requirement.split('-').nth(1).unwrap_or(requirement)
}

/// What a requirement group is about; unknown groups speak for themselves.
pub fn group_title(key: &str) -> &str {
    match key {
        "SVC" => "Services: creation, opening, settings",
        "TYP" => "Types and payload",
        "PRT" => "Ports",
        "LOAN" => "Loaning",
        "SND" => "Sending",
        "PND" => "Pending responses",
        "ACT" => "Active requests",
        "FNF" => "Fire and forget",
        "DYN" => "Dynamic data",
        "RCL" => "Giving back",
        "WAIT" => "Waiting",
        "LIV" => "Death and recovery",
        "BAD" => "Bad input",
        other => other,
    }
}
