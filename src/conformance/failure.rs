//! Why a scenario did not pass, for somebody who has never seen the code.

use std::fmt::Write;

use crate::harness::reply::Reply;
use crate::report::model::Verdict;
use crate::scenario::Catalogue;
use crate::scenario::model::{Scenario, Step};

use super::matching;

/// Why a scenario stopped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// It did not pass.
    Failure(Box<Failure>),
    /// The run is being interrupted; nothing was decided.
    Interrupted,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(Box::new(failure))
    }
}

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Failure {
    pub(super) verdict: Verdict,
    /// What happened, one line.
    pub(super) text: String,
    /// The step that decided: its number from 1, and where to find it.
    pub(super) step: Option<String>,
    /// Requirement that the step decides.
    pub(super) requirement: Option<String>,
    pub(super) expected: Option<String>,
    pub(super) actual: Option<String>,
}

impl Failure {
    /// A failure outside of any step.
    pub(super) fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), step: None, requirement: None, expected: None, actual: None }
    }

    /// What an illegal answer means. `None` for an interrupt.
    pub(super) fn of_reply(
        peer: &str,
        step: Option<&Step>,
        reply: &Reply,
        differences: &[String],
        waited: &str,
    ) -> Option<Self> {
        let expect = step.map(|step| step.expect.as_slice()).unwrap_or_default();
        let expected = matching::describe_all(expect);
        let (verdict, text) = match reply {
            Reply::Interrupted => return None,
            Reply::Timeout => (Verdict::Timeout, format!("peer {peer} gave no answer within {waited}")),
            Reply::Exited(_) | Reply::Signalled(_) => {
                (Verdict::Crash, format!("{reply}").replacen("the peer", &format!("peer {peer}"), 1))
            }
            Reply::Fault(text) => (Verdict::Error, format!("peer {peer} says that it is broken: {text}")),
            Reply::Protocol(text) => (Verdict::Error, format!("peer {peer} does not keep to the protocol: {text}")),
            Reply::Unsupported(text) => (
                Verdict::Fail,
                format!(
                    "peer {peer} answered unsupported ({text}), though it declares every feature that the scenario needs"
                ),
            ),
            Reply::Ok(_) | Reply::Err { .. } if !differences.is_empty() => {
                (Verdict::Fail, format!("peer {peer} answered {}: {}", outcome(reply), differences.join("; ")))
            }
            Reply::Ok(_) | Reply::Err { .. } => {
                (Verdict::Fail, format!("peer {peer} answered {}, required {expected}", outcome(reply)))
            }
        };
        let (expected, actual) = (Some(expected), Some(reply.to_string()));
        Some(Self { verdict, text, step: None, requirement: None, expected, actual })
    }

    /// Names the step.
    pub(super) fn at(mut self, scenario: &Scenario, number: usize, step: &Step) -> Self {
        if self.step.is_none() {
            self.step = Some(format!("step {number} ({}:{}): {}", scenario.file, step.line, step.text));
            self.requirement.clone_from(&step.check);
        }
        self
    }

    /// The message of the result. Its first line starts with the requirement's id, or with `setup`, so that a list of
    /// known deviations can name it by its start.
    pub(super) fn message(&self, scenario: &Scenario, catalogue: &Catalogue) -> String {
        let start = self.requirement.as_deref().unwrap_or(if self.step.is_some() { "setup" } else { "scenario" });
        let mut message = format!("{start}: {}", self.text);
        let ids = self.requirement.as_ref().map_or(scenario.requirements.as_slice(), std::slice::from_ref);
        for requirement in ids.iter().filter_map(|id| catalogue.get(id)) {
            let level = format!("{:?}", requirement.level).to_lowercase();
            let _ = write!(message, "\n{} ({level}): {}", requirement.id, requirement.text);
        }
        message
    }
}

/// An answer without its fields.
fn outcome(reply: &Reply) -> String {
    match reply {
        Reply::Ok(_) => "ok".to_owned(),
        Reply::Err { class, setting: None, .. } => format!("err {class}"),
        Reply::Err { class, setting: Some(setting), .. } => format!("err {class} (setting {setting})"),
        other => other.to_string(),
    }
}
