//! Commands to the peers of a scenario, asked again while a step has time, and what their answers are worth.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::Args;
use crate::harness::reply::Reply;
use crate::harness::timeout::{ANSWER_TIME, shown};
use crate::results::model::Verdict;
use crate::scenario::model::{Action, Step};

use super::execution::{Execution, Stretched, fail};
use super::failure::{ScenarioFailure, Stop};
use super::matching;
use super::stable_text::StableText;

/// Pause before an answer is asked for again.
const PAUSE: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(5);

impl Execution<'_> {
    /// Asks until an answer is legal or the step's time is over. `begun` is a command that is under way already.
    pub(super) fn ask(
        &mut self,
        number: usize,
        step: &Step,
        (name, op, args): (&str, &str, &Args),
        begun: Option<u64>,
    ) -> Result<Stretched, Stop> {
        let since = Instant::now();
        let deadline = since + self.timeout_multiplier().of(Duration::from_millis(step.within_ms.unwrap_or(0)));
        let waits = Duration::from_millis(args.get("wait_ms").and_then(Value::as_u64).unwrap_or(0));
        let limit = ANSWER_TIME + waits;
        let timeout = self.timeout_multiplier().of(limit);
        let mut pause = PAUSE;
        let mut begun = begun;
        loop {
            let id = match begun.take() {
                Some(id) => id,
                None => self.begin(name, op, args)?,
            };
            let asked = Instant::now();
            let reply = self.running(name)?.peer.wait(id, timeout);
            let Err(differences) = matching::check(&step.expect, &reply, &self.answers) else {
                self.remember(step.tag.as_ref(), &reply);
                // The bound is for asking again: an answer that comes late to a command in time is no other.
                return Ok(self.stretched(number, step, asked.duration_since(since)));
            };
            if !may_be_asked_again(&reply, args) || Instant::now() >= deadline {
                return self.refuse(name, step, &reply, &differences, limit);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    pub(super) fn collect(&mut self, number: usize, name: &str, tag: &str, step: &Step) -> Result<Stretched, Stop> {
        let Some(begun) = self.begun.remove(&(name.to_owned(), tag.to_owned())) else {
            let text = format!("the scenario awaits `{tag}` of peer {name}, which was not begun");
            return fail(ScenarioFailure::new(Verdict::Error, text));
        };
        let limit = step.within_ms.map_or(ANSWER_TIME, Duration::from_millis);
        let timeout = self.timeout_multiplier().of(limit);
        let since = Instant::now();
        let reply = self.running(name)?.peer.wait(begun.id, timeout);
        match matching::check(&step.expect, &reply, &self.answers) {
            Ok(()) => {
                self.remember(begun.tag.as_ref(), &reply);
                self.remember(step.tag.as_ref(), &reply);
                Ok(self.stretched(number, step, since.elapsed()))
            }
            Err(differences) => self.refuse(name, step, &reply, &differences, limit),
        }
    }

    fn refuse(
        &mut self,
        name: &str,
        step: &Step,
        reply: &Reply,
        differences: &[StableText],
        limit: Duration,
    ) -> Result<Stretched, Stop> {
        if self.running(name)?.killed && matches!(reply, Reply::Exited(_) | Reply::Signalled(_)) {
            let text = format!("the scenario wants an answer of peer {name}, which it has killed");
            return fail(ScenarioFailure::new(Verdict::Error, text));
        }
        let multiplier = self.timeout_multiplier();
        // An answer that is legal in no respect may still be remembered: an observed check goes on.
        self.remember(step.tag.as_ref(), reply);
        let waited = StableText::limit(limit, multiplier);
        match ScenarioFailure::of_reply(name, Some(step), reply, differences, &waited) {
            Some(mut failure) => {
                match (&step.action, step.within_ms) {
                    (Action::Do { args, .. }, Some(within)) if may_be_asked_again(reply, args) => {
                        let within = StableText::limit(Duration::from_millis(within), multiplier);
                        failure.said = StableText::joined(&[failure.said, within], ", and still did after ");
                    }
                    _ => {}
                }
                fail(failure)
            }
            None => Err(Stop::Interrupted),
        }
    }

    fn remember(&mut self, tag: Option<&String>, reply: &Reply) {
        if let (Some(tag), Some(fields)) = (tag, reply.ok()) {
            self.answers.insert(tag.clone(), fields.clone());
        }
    }

    /// A sentence about a step that was done in the part of its time that only the multiplier has given it. A bound that a
    /// requirement states is stretched visibly.
    pub(super) fn stretched(&self, number: usize, step: &Step, taken: Duration) -> Stretched {
        let bound = step.within_ms.map(Duration::from_millis).filter(|bound| taken > *bound)?;
        let multiplier = self.timeout_multiplier();
        multiplier.is_stretched().then(|| {
            format!(
                "step {number} took {} ms, and its bound is {}: it held only as stretched by --timeout-multiplier \
                 {multiplier}",
                taken.as_millis(),
                shown(bound),
            )
        })
    }
}

/// Whether an answer leaves things as they were, so that the same command can be sent again.
fn may_be_asked_again(reply: &Reply, args: &Args) -> bool {
    match reply {
        Reply::Err { .. } => true,
        Reply::Ok(fields) => !args.contains_key("as") || fields.get("received") == Some(&Value::Bool(false)),
        _ => false,
    }
}
