//! Peers of a scenario come and go: started, signalled, awaited.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal as Native;
use serde_json::json;

use crate::harness::Args;
use crate::harness::error::HarnessError;
use crate::harness::peer::Peer;
use crate::harness::timeout::ANSWER_TIME;
use crate::results::model::Verdict;
use crate::scenario::model::{PeerPlan, Signal, Step};

use super::execution::{Done, Execution, Running, Stretched, fail};
use super::failure::{ScenarioFailure, Stop};
use super::stable_text::StableText;

impl Execution<'_> {
    /// Starts a peer, and lets it open the service if the scenario has one.
    pub(super) fn start(&mut self, plan: &PeerPlan) -> Done {
        let name = plan.name.as_str();
        let subject = self.setting.subject(plan.role);
        let root: &Path = self.namespace.path();
        let peer = match Peer::spawn(subject, name, root, self.setting.seed) {
            Ok((peer, _)) => peer,
            Err(HarnessError::Interrupted) => return Err(Stop::Interrupted),
            Err(error) => {
                let failure =
                    ScenarioFailure::new(Verdict::Error, format!("peer {name} could not be started: {error}"));
                return fail(ScenarioFailure {
                    is_start: matches!(error, HarnessError::StartTooSlow { .. }),
                    ..failure
                });
            }
        };
        if let Some(before) = self.peers.remove(name) {
            let lines = self.earlier.entry(name.to_owned()).or_default();
            lines.extend(before.peer.transcript());
            lines.push(".. started anew".to_owned());
        }
        self.order.retain(|other| other != name);
        self.order.push(name.to_owned());
        self.peers.insert(name.to_owned(), Running { peer, killed: false, gone: false });
        match &self.setting.scenario.service {
            Some(service) if plan.opens_service => self.open_service(name, service),
            _ => Ok(()),
        }
    }

    fn open_service(&mut self, name: &str, service: &Args) -> Done {
        let node = Args::from([("as".to_owned(), json!("node"))]);
        let mut open = service.clone();
        open.insert("node".to_owned(), json!("node"));
        open.insert("as".to_owned(), json!("service"));
        open.entry("name".to_owned()).or_insert_with(|| json!("shmark-test"));
        for (op, args) in [("node.create", node), ("service.open_or_create", open)] {
            let time = self.timeout_multiplier().of(ANSWER_TIME);
            let reply = self.running(name)?.peer.call(op, &args, time);
            if reply.ok().is_none() {
                let Some(mut failure) = ScenarioFailure::of_reply(
                    name,
                    None,
                    &reply,
                    &[],
                    &StableText::limit(ANSWER_TIME, self.timeout_multiplier()),
                ) else {
                    return Err(Stop::Interrupted);
                };
                failure.said = failure.said.map(|form| format!("before the first step, {op}: {form}"));
                return fail(failure);
            }
        }
        Ok(())
    }

    pub(super) fn respawn(&mut self, name: &str) -> Done {
        if self.peers.get(name).is_some_and(|running| !running.gone) {
            let text = format!("the scenario starts peer {name} anew, which is still running");
            return fail(ScenarioFailure::new(Verdict::Error, text));
        }
        match self.setting.plan(name) {
            Some(plan) => self.start(plan),
            None => fail(ScenarioFailure::new(
                Verdict::Error,
                format!("the scenario starts peer {name}, which it does not declare"),
            )),
        }
    }

    pub(super) fn signal(&mut self, name: &str, signal: Signal) -> Done {
        let running = self.running(name)?;
        if let Some(exit) = running.peer.ended().filter(|_| !running.killed) {
            let text = format!("peer {name} {exit} before the scenario sent it a signal");
            return fail(ScenarioFailure::new(Verdict::Crash, text));
        }
        let sent = match signal {
            Signal::Kill => {
                running.killed = true;
                running.gone = true;
                running.peer.kill_verified()
            }
            Signal::Term => {
                running.killed = true;
                running.peer.signal(Native::SIGTERM)
            }
            Signal::Stop => running.peer.signal(Native::SIGSTOP),
            Signal::Continue => running.peer.signal(Native::SIGCONT),
        };
        self.killed |= matches!(signal, Signal::Kill | Signal::Term);
        match sent {
            Ok(()) => Ok(()),
            Err(HarnessError::Interrupted) => Err(Stop::Interrupted),
            // A stimulus that did not happen decides nothing.
            Err(error) => fail(ScenarioFailure::new(Verdict::Error, format!("peer {name}: {error}"))),
        }
    }

    pub(super) fn await_exit(&mut self, number: usize, name: &str, step: &Step) -> Result<Stretched, Stop> {
        let limit = step.within_ms.map_or(ANSWER_TIME, Duration::from_millis);
        let (timeout, said) =
            (self.timeout_multiplier().of(limit), StableText::limit(limit, self.timeout_multiplier()));
        let since = Instant::now();
        let running = self.running(name)?;
        match running.peer.wait_exit(timeout) {
            Ok(Some(exit)) => {
                running.gone = true;
                // Whoever does not leave in order has to be cleaned up after.
                self.killed |= !exit.is_clean();
                Ok(self.stretched(number, step, since.elapsed()))
            }
            Ok(None) => {
                let said = said.map(|form| format!("peer {name} has not exited within {form}"));
                fail(ScenarioFailure::new(Verdict::Timeout, said))
            }
            Err(_) => Err(Stop::Interrupted),
        }
    }
}
