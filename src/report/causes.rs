//! Results that share a cause, so that it is shown once however often it was met.

use std::fmt::Write as _;

use super::figures::counted;
use super::words::pairing_label;
use crate::results::model::ConformanceResult;

/// Names of further results that are listed; the others are counted.
const NAMES_MAX: usize = 5;

/// Results of one pairing that ended alike, for the same requirement and with the same message.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause<'a> {
    /// The first of them, which stands for all.
    pub first: &'a ConformanceResult,
    /// The others, in order.
    pub others: Vec<&'a ConformanceResult>,
}

/// Results by cause, in the order in which causes were met first.
pub fn causes<'a>(results: &[&'a ConformanceResult]) -> Vec<Cause<'a>> {
    let mut causes: Vec<Cause<'a>> = Vec::new();
    for result in results {
        match causes.iter_mut().find(|cause| is_same(cause.first, result)) {
            Some(cause) => cause.others.push(result),
            None => causes.push(Cause { first: result, others: Vec::new() }),
        }
    }
    causes
}

/// `52`, or `52, 3 causes` if fewer causes than results are shown.
pub fn count(results: usize, causes: &[Cause<'_>]) -> String {
    if causes.len() == results { results.to_string() } else { format!("{results}, {}", counted(causes.len(), "cause")) }
}

impl Cause<'_> {
    /// `3 more for the same cause: typ/a, typ/b[len=1], typ/c`; `None` if there is only the first one.
    pub fn more(&self) -> Option<String> {
        if self.others.is_empty() {
            return None;
        }
        let names: Vec<&str> = self.others.iter().take(NAMES_MAX).map(|result| result.scenario.as_str()).collect();
        let mut text = format!("{} more for the same cause: {}", self.others.len(), names.join(", "));
        if self.others.len() > NAMES_MAX {
            let _ = write!(text, " and {} that report.json names", self.others.len() - NAMES_MAX);
        }
        Some(text)
    }
}

fn is_same(a: &ConformanceResult, b: &ConformanceResult) -> bool {
    a.outcome == b.outcome
        && pairing_label(&a.client, &a.server) == pairing_label(&b.client, &b.server)
        && key(a) == key(b)
}

/// The requirement and the message, whichever of the scenario's peers it is about. A report from before causes were
/// written down has the message alone.
fn key(result: &ConformanceResult) -> String {
    let line = match result.cause.as_str() {
        "" => result.message.lines().next().unwrap_or_default(),
        cause => cause,
    };
    let Some((head, tail)) = line.split_once(": peer ") else { return line.to_owned() };
    let tail = tail.split_once(' ').map_or("", |(_name, rest)| rest);
    format!("{head}: peer {tail}")
}
