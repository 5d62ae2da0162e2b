//! The end of a scenario: every peer leaves in order, and nothing is left behind.

use serde_json::json;

use crate::harness::Args;
use crate::harness::error::HarnessError;
use crate::harness::namespace::Leak;
use crate::harness::peer::Peer;
use crate::harness::reply::{Exit, Reply};
use crate::harness::timeout::{ANSWER_TIME, shown};
use crate::results::model::Verdict;
use crate::scenario::model::Role;

use super::execution::{Check, Execution};
use super::failure::{ScenarioFailure, Stop};
use super::stable_text::StableText;

/// What is left behind after a kill breaks this requirement, after an orderly end the other one.
const LEFT_AFTER_KILL: &str = "RR-LIV-03";
const LEFT_AFTER_END: &str = "RR-SVC-04";

impl Execution<'_> {
    /// Closes the stdin of every peer that is still there, the youngest first, and looks for what is left.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        for name in self.order.clone().iter().rev() {
            if self.peers.get(name).is_some_and(|running| !running.gone) {
                self.finish_one(name)?;
            }
        }
        let orphans = self.peers.values().flat_map(|running| running.peer.orphans().iter().cloned());
        let orphans: Vec<Leak> = orphans.map(Leak::Process).collect();
        let swept = self.killed && !self.damaged && self.sweep()?;
        let mut left = self.namespace.leaks();
        let files_count = !self.damaged && (!self.killed || swept);
        let kept = |leak: &Leak| leak.is_kept_by(self.setting.client) || leak.is_kept_by(self.setting.server);
        left.retain(|leak| matches!(leak, Leak::Process(_)) || (files_count && !kept(leak)));
        left.extend(orphans);
        left.sort();
        left.dedup();
        if left.is_empty() {
            return Ok(());
        }
        let requirement = if self.killed { LEFT_AFTER_KILL } else { LEFT_AFTER_END };
        let words: Vec<String> = left.iter().map(Leak::to_string).collect();
        // Names of what is left hold process ids and names that the implementation makes up.
        let left_words = StableText::foreign(words.join(", "));
        let mut failure = ScenarioFailure::new(
            Verdict::Fail,
            left_words.map(|form| format!("left behind when every peer had ended: {form}")),
        );
        failure.expected = Some("no file and no process".to_owned());
        failure.actual = Some(words.join("\n"));
        if left.iter().any(|leak| matches!(leak, Leak::File(_))) {
            failure.requirement = Some(requirement.to_owned());
            let broken = Some(format!("{}: {}", self.setting.scenario.name(), failure.said));
            self.checks.push(Check { requirement: requirement.to_owned(), broken, stretched: Vec::new() });
        }
        Err(failure.into())
    }

    /// Closes a peer's stdin and waits for exit code 0, unless it was sent a signal.
    pub(super) fn finish_one(&mut self, name: &str) -> Result<(), Stop> {
        let Some(running) = self.peers.get_mut(name).filter(|running| !running.gone) else {
            let text = format!("the scenario finishes peer {name}, which is not running");
            return Err(ScenarioFailure::new(Verdict::Error, text).into());
        };
        let early = running.peer.ended().filter(|_| !running.killed);
        let time = running.peer.timeout_multiplier().of(ANSWER_TIME);
        let exit = running.peer.finish(time).map_err(|_| Stop::Interrupted)?;
        running.gone = true;
        if running.killed {
            return Ok(());
        }
        let (verdict, said): (Verdict, StableText) = match (early, exit) {
            (Some(exit), _) => (Verdict::Crash, format!("peer {name} {exit} before its stdin was closed").into()),
            (None, Exit::Code(0)) => match running.peer.unsolicited() {
                None => return Ok(()),
                Some(text) => (Verdict::Error, format!("peer {name} does not keep to the protocol: {text}").into()),
            },
            (None, Exit::Signal(_)) => (Verdict::Crash, format!("peer {name} {exit} when its stdin was closed").into()),
            (None, Exit::Code(_)) => {
                (Verdict::Fail, format!("peer {name} {exit} when its stdin was closed, required 0").into())
            }
            (None, Exit::Killed) => {
                let tell = |time| {
                    format!("peer {name} has not exited within {time} after its stdin was closed, and was killed")
                };
                (Verdict::Fail, StableText::new(tell(shown(time)), tell(shown(ANSWER_TIME))))
            }
        };
        let mut failure = ScenarioFailure::new(verdict, said);
        failure.expected = Some("exit code 0 at the end of stdin".to_owned());
        failure.actual = Some(exit.to_string());
        Err(failure.into())
    }

    /// After a kill, one more process comes, cleans up and leaves. `false` if the subject cannot be asked to.
    fn sweep(&mut self) -> Result<bool, Stop> {
        let role = match self.setting.scenario.peers.as_slice() {
            [] => return Ok(false),
            peers if peers.iter().any(|plan| plan.role == Role::Server) => Role::Server,
            _ => Role::Client,
        };
        let subject = self.setting.subject(role);
        let wrong =
            |text: String| Stop::from(ScenarioFailure::new(Verdict::Error, format!("cleaning up at the end: {text}")));
        let (mut peer, hello) = match Peer::spawn(subject, "cleaner", self.namespace.path(), self.setting.seed) {
            Ok(started) => started,
            Err(HarnessError::Interrupted) => return Err(Stop::Interrupted),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let time = peer.timeout_multiplier().of(ANSWER_TIME);
        if !hello.features.iter().any(|feature| feature == "nodes") {
            let _ = peer.finish(time);
            return Ok(false);
        }
        let node = Args::from([("as".to_owned(), json!("node"))]);
        for (op, args) in [("node.create", node), ("node.cleanup", Args::new())] {
            match peer.call(op, &args, time) {
                Reply::Ok(_) => {}
                Reply::Interrupted => return Err(Stop::Interrupted),
                reply => {
                    let failure = ScenarioFailure::of_reply(
                        "cleaner",
                        None,
                        &reply,
                        &[],
                        &StableText::limit(ANSWER_TIME, peer.timeout_multiplier()),
                    )
                    .ok_or(Stop::Interrupted)?;
                    let head = format!("a new process could not clean up after the killed one, {op}");
                    let said = failure.said.clone().map(|form| format!("{head}: {form}"));
                    return Err(ScenarioFailure { said, ..failure }.into());
                }
            }
        }
        match peer.finish(time) {
            Ok(exit) if exit.is_clean() => Ok(true),
            Ok(exit) => Err(wrong(format!("the process that cleaned up {exit}, required exit code 0"))),
            Err(_) => Err(Stop::Interrupted),
        }
    }
}
