//! Why a scenario did not pass, for somebody who has never seen the code.

use std::fmt::Write;

use crate::harness::reply::Reply;
use crate::results::model::Verdict;
use crate::scenario::Catalogue;
use crate::scenario::model::{Scenario, Step};

use super::matching;
use super::stable_text::StableText;

/// Why a scenario stopped.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stop {
    /// It did not pass.
    ScenarioFailure(Box<ScenarioFailure>),
    /// The run is being interrupted; nothing was decided.
    Interrupted,
}

impl From<ScenarioFailure> for Stop {
    fn from(failure: ScenarioFailure) -> Self {
        Self::ScenarioFailure(Box::new(failure))
    }
}

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScenarioFailure {
    pub(super) verdict: Verdict,
    /// What happened, one line.
    pub(super) said: StableText,
    /// The step that decided: its number from 1, and where to find it.
    pub(super) step: Option<String>,
    /// Line of that step.
    pub(super) line: Option<usize>,
    /// Requirement that the step decides.
    pub(super) requirement: Option<String>,
    pub(super) expected: Option<String>,
    pub(super) actual: Option<String>,
    /// A peer could not be started.
    pub(super) is_start: bool,
}

impl ScenarioFailure {
    /// A failure outside of any step.
    pub(super) fn new(verdict: Verdict, said: impl Into<StableText>) -> Self {
        Self {
            verdict,
            said: said.into(),
            step: None,
            line: None,
            requirement: None,
            expected: None,
            actual: None,
            is_start: false,
        }
    }

    /// What an illegal answer means. `None` for an interrupt.
    pub(super) fn of_reply(
        peer: &str,
        step: Option<&Step>,
        reply: &Reply,
        differences: &[StableText],
        waited: &StableText,
    ) -> Option<Self> {
        let expect = step.map(|step| step.expect.as_slice()).unwrap_or_default();
        let expected = matching::describe_all(expect);
        let (verdict, said) = match reply {
            Reply::Interrupted => return None,
            Reply::Timeout => {
                (Verdict::Timeout, waited.clone().map(|form| format!("peer {peer} gave no answer within {form}")))
            }
            Reply::Exited(_) | Reply::Signalled(_) => {
                (Verdict::Crash, format!("{reply}").replacen("the peer", &format!("peer {peer}"), 1).into())
            }
            Reply::Fault(text) => (
                Verdict::Error,
                StableText::foreign(text).map(|form| format!("peer {peer} says that it is broken: {form}")),
            ),
            Reply::Protocol(text) => (
                Verdict::Error,
                StableText::foreign(text).map(|form| format!("peer {peer} does not keep to the protocol: {form}")),
            ),
            Reply::Unsupported(text) => (
                Verdict::Fail,
                StableText::foreign(text).map(|form| {
                    format!(
                        "peer {peer} answered unsupported ({form}), though it declares every feature that the scenario \
                         needs"
                    )
                }),
            ),
            Reply::Ok(_) | Reply::Err { .. } if !differences.is_empty() => {
                let head = format!("peer {peer} answered {}", outcome(reply));
                (Verdict::Fail, StableText::joined(differences, "; ").map(|form| format!("{head}: {form}")))
            }
            Reply::Ok(_) | Reply::Err { .. } => {
                (Verdict::Fail, format!("peer {peer} answered {}, required {expected}", outcome(reply)).into())
            }
        };
        let (expected, actual) = (Some(expected), Some(reply.to_string()));
        Some(Self { expected, actual, ..Self::new(verdict, said) })
    }

    /// Names the step.
    pub(super) fn at(mut self, scenario: &Scenario, number: usize, step: &Step) -> Self {
        if self.step.is_none() {
            self.step = Some(format!("step {number} ({}:{}): {}", scenario.file, step.line, step.text));
            self.line = Some(step.line);
            self.requirement.clone_from(&step.check);
        }
        self
    }

    /// The first line of the message in its stable form.
    pub(super) fn cause(&self) -> String {
        format!("{}: {}", self.start(), self.said.stable).lines().next().unwrap_or_default().to_owned()
    }

    /// What the message starts with: the requirement's id, `setup` for another step, `scenario` outside of any.
    fn start(&self) -> &str {
        self.requirement.as_deref().unwrap_or(if self.step.is_some() { "setup" } else { "scenario" })
    }

    /// The message of the result. Its first line starts with the requirement's id, or with `setup`, so that a list of
    /// known deviations can name it by its start.
    pub(super) fn message(&self, scenario: &Scenario, catalogue: &Catalogue) -> String {
        let mut message = format!("{}: {}", self.start(), self.said);
        let ids = self.requirement.as_ref().map_or(scenario.requirements.as_slice(), std::slice::from_ref);
        for requirement in ids.iter().filter_map(|id| catalogue.get(id)) {
            let level = format!("{:?}", requirement.level).to_lowercase();
            let _ = write!(message, "\n{} ({level}): {}", requirement.id, requirement.text);
        }
        if self.verdict == Verdict::Timeout {
            message.push_str("\nif the peer only needs longer, --timeout-multiplier gives it more time");
        }
        if !scenario.features.is_empty() {
            // A feature that means something else to the peer than to the protocol fails whole groups of scenarios.
            let _ = write!(
                message,
                "\nfeatures that it needs, and every peer in it declares: {}",
                scenario.features.join(", ")
            );
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
