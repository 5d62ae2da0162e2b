//! Carries out the steps of one scenario on running peers.

use std::collections::BTreeMap;

use crate::harness::Args;
use crate::harness::namespace::Namespace;
use crate::harness::peer::Peer;
use crate::harness::subject::Subject;
use crate::harness::timeout::TimeoutMultiplier;
use crate::results::model::{Level, Verdict};
use crate::scenario::Catalogue;
use crate::scenario::model::{Action, PeerPlan, Role, Scenario, Step};

use super::failure::{ScenarioFailure, Stop};
use super::matching::Answers;
use super::stimuli;

/// A check that was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) requirement: String,
    /// Why it did not hold; `None` if it held.
    pub(super) broken: Option<String>,
    /// What was stretched for it: it held, and not by the scenario's own bounds.
    pub(super) stretched: Vec<String>,
}

/// What a step that was carried out says of a bound that it kept only because that was stretched.
pub(super) type Stretched = Option<String>;

/// A peer of the scenario.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) peer: Peer,
    /// The scenario has sent it a signal that ends it.
    pub(super) killed: bool,
    /// It has ended, as the scenario wanted.
    pub(super) gone: bool,
}

#[derive(Debug)]
pub(super) struct StartedOp {
    pub(super) id: u64,
    pub(super) tag: Option<String>,
}

/// What a scenario is carried out on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) scenario: &'a Scenario,
    pub(super) client: &'a Subject,
    pub(super) server: &'a Subject,
    pub(super) seed: u64,
    /// Words of the command line that a repeat needs beside subjects, scenario and seed.
    pub(super) again: &'a [String],
}

impl<'a> Setting<'a> {
    pub(super) fn subject(&self, role: Role) -> &'a Subject {
        match role {
            Role::Client => self.client,
            Role::Server => self.server,
        }
    }

    pub(super) fn plan(&self, peer: &str) -> Option<&'a PeerPlan> {
        self.scenario.peers.iter().find(|plan| plan.name == peer)
    }
}

/// A scenario under way.
pub(super) struct Execution<'a> {
    pub(super) setting: Setting<'a>,
    pub(super) namespace: &'a Namespace,
    pub(super) peers: BTreeMap<String, Running>,
    /// Names in order of start.
    pub(super) order: Vec<String>,
    pub(super) checks: Vec<Check>,
    /// Checks of observed requirements that did not hold; they do not stop the scenario.
    pub(super) observed: Vec<ScenarioFailure>,
    /// A peer was killed, so that somebody has to clean up after it.
    pub(super) killed: bool,
    /// Files were damaged, so that nobody can be asked to clean up.
    pub(super) damaged: bool,
    /// Bounds of the scenario that held only because they were stretched, one sentence each.
    pub(super) stretched: Vec<String>,
    pub(super) answers: Answers,
    pub(super) begun: BTreeMap<(String, String), StartedOp>,
    /// Transcripts of peers that were started anew.
    pub(super) earlier: BTreeMap<String, Vec<String>>,
}

pub(super) type Done = Result<(), Stop>;

pub(super) fn fail<T>(failure: ScenarioFailure) -> Result<T, Stop> {
    Err(failure.into())
}

impl<'a> Execution<'a> {
    pub(super) fn new(setting: Setting<'a>, namespace: &'a Namespace) -> Self {
        Self {
            setting,
            namespace,
            peers: BTreeMap::new(),
            order: Vec::new(),
            checks: Vec::new(),
            observed: Vec::new(),
            killed: false,
            damaged: false,
            stretched: Vec::new(),
            answers: Answers::new(),
            begun: BTreeMap::new(),
            earlier: BTreeMap::new(),
        }
    }

    /// Starts the peers and carries out all steps.
    pub(super) fn run(&mut self) -> Done {
        let scenario = self.setting.scenario;
        for plan in scenario.peers.iter().filter(|plan| !plan.start_later) {
            self.start(plan)?;
        }
        for (index, step) in scenario.steps.iter().enumerate() {
            self.step(index + 1, step)?;
        }
        Ok(())
    }

    /// Carries out one step and notes its check. Names the step in what goes wrong.
    fn step(&mut self, number: usize, step: &Step) -> Done {
        let done = self.act(number, step);
        self.conclude(number, step, done)
    }

    fn conclude(&mut self, number: usize, step: &Step, done: Result<Stretched, Stop>) -> Done {
        let scenario = self.setting.scenario;
        match done {
            Ok(stretched) => {
                let stretched = Vec::from_iter(stretched);
                self.stretched.extend(stretched.iter().cloned());
                if let Some(requirement) = &step.check {
                    self.checks.push(Check { requirement: requirement.clone(), broken: None, stretched });
                }
                Ok(())
            }
            Err(Stop::ScenarioFailure(failure)) => {
                // Inside a parallel step the inner step has been named, and its check noted, already.
                if failure.step.is_some() {
                    return fail(*failure);
                }
                let failure = failure.at(scenario, number, step);
                let Some(requirement) = &step.check else { return fail(failure) };
                if failure.verdict != Verdict::Error {
                    let broken = Some(format!("{}: {}", scenario.name(), failure.said));
                    self.checks.push(Check { requirement: requirement.clone(), broken, stretched: Vec::new() });
                }
                let level = self.setting.catalogue.get(requirement).map(|requirement| requirement.level);
                // What the next steps need is there after an `ok`, even one with other fields.
                let goes_on = failure.actual.as_ref().is_some_and(|actual| actual.starts_with("ok"));
                if level == Some(Level::Observed) && failure.verdict == Verdict::Fail && goes_on {
                    self.observed.push(failure);
                    return Ok(());
                }
                fail(failure)
            }
            Err(Stop::Interrupted) => Err(Stop::Interrupted),
        }
    }

    fn act(&mut self, number: usize, step: &Step) -> Result<Stretched, Stop> {
        match &step.action {
            Action::Do { peer, op, args } => self.ask(number, step, (peer, op, args), None),
            Action::Begin { peer, op, args, tag } => {
                let id = self.begin(peer, op, args)?;
                self.begun.insert((peer.clone(), tag.clone()), StartedOp { id, tag: step.tag.clone() });
                Ok(None)
            }
            Action::Await { peer, tag } => self.collect(number, peer, tag, step),
            Action::Spawn { peer } => self.respawn(peer).map(|()| None),
            Action::Kill { peer, signal } => self.signal(peer, *signal).map(|()| None),
            Action::Finish { peer } => self.finish_one(peer).map(|()| None),
            Action::AwaitExit { peer } => self.await_exit(number, peer, step),
            Action::Damage { pattern, how } => {
                self.damaged = true;
                let damaged = stimuli::damage(self.namespace, pattern, *how);
                damaged.map(|()| None).map_err(|text| ScenarioFailure::new(Verdict::Error, text).into())
            }
            Action::Parallel { steps } => self.parallel(number, steps).map(|()| None),
        }
    }

    /// Multiplier of time limits, the same for both roles.
    pub(super) fn timeout_multiplier(&self) -> TimeoutMultiplier {
        self.setting.client.timeout_multiplier
    }

    /// The peer of this name, if it is there.
    pub(super) fn running(&mut self, name: &str) -> Result<&mut Running, Stop> {
        match self.peers.get_mut(name) {
            Some(running) if !running.gone => Ok(running),
            _ => fail(ScenarioFailure::new(
                Verdict::Error,
                format!("the scenario uses peer {name}, which is not running"),
            )),
        }
    }

    pub(super) fn begin(&mut self, name: &str, op: &str, args: &Args) -> Result<u64, Stop> {
        self.running(name)?.peer.begin(op, args).map_err(|_| Stop::Interrupted)
    }

    /// Begins all, collects all, and only then looks at what they were.
    fn parallel(&mut self, number: usize, steps: &[Step]) -> Done {
        let mut begun = Vec::new();
        for step in steps {
            let Action::Do { peer, op, args } = &step.action else {
                return fail(ScenarioFailure::new(Verdict::Error, "only operations can be carried out in parallel"));
            };
            begun.push((step, peer, op, args, self.begin(peer, op, args)?));
        }
        let mut first = Ok(());
        for (step, peer, op, args, id) in begun {
            let answer = self.ask(number, step, (peer, op, args), Some(id));
            first = first.and(self.conclude(number, step, answer));
            if first == Err(Stop::Interrupted) {
                break;
            }
        }
        first
    }

    /// Transcript of each peer by its name.
    pub(super) fn transcripts(&self) -> BTreeMap<String, Vec<String>> {
        let mut transcripts = self.earlier.clone();
        for (name, running) in &self.peers {
            transcripts.entry(name.clone()).or_default().extend(running.peer.transcript());
        }
        transcripts
    }
}
