//! Steps of the runner itself: what it does to processes and files.

use globset::Glob;

use super::error::{Flaw, Parsed};
use super::fields::{Fields, word};
use super::matrix::{Cell, Filler, ROUND};
use super::model::{Action, Damage, Signal, Step};
use super::reader::StepReader;
use super::state::Process;
use super::tree::{Data, Node};
use super::violation::Violation;

/// Every stimulus, and the keys that it takes besides `runner`.
const STIMULI: &[(&str, &[&str])] = &[
    ("spawn", &["runner", "peer"]),
    ("kill", &["runner", "peer", "signal"]),
    ("stop", &["runner", "peer"]),
    ("continue", &["runner", "peer"]),
    ("finish", &["runner", "peer"]),
    ("await_exit", &["runner", "peer", "within_ms"]),
    ("damage", &["runner", "files", "how"]),
    ("parallel", &["runner", "steps"]),
    ("repeat", &["runner", "times", "steps"]),
];
/// Rounds that one repeat may have.
const ROUNDS_MAX: u64 = 10_000;
/// Steps that a file may have, all its cells together and its repeats written out.
const STEPS_MAX: usize = 50_000;

impl StepReader<'_> {
    /// Reads a list of steps, repeats written out.
    pub fn steps(&mut self, nodes: &[Node]) -> Parsed<Vec<Step>> {
        let mut steps = Vec::new();
        for node in nodes {
            if is_repeat(node) {
                self.repeat(node, &mut steps)?;
            } else {
                self.counted(node, &mut steps)?;
            }
        }
        Ok(steps)
    }

    fn counted(&mut self, node: &Node, steps: &mut Vec<Step>) -> Parsed<()> {
        self.count += 1;
        if self.count > STEPS_MAX {
            let violation = Violation::TooMuch { what: "steps".to_owned(), max: STEPS_MAX };
            return Err(Flaw::new(violation, &node.span));
        }
        steps.push(self.step(node)?);
        Ok(())
    }

    fn repeat(&mut self, node: &Node, steps: &mut Vec<Step>) -> Parsed<()> {
        let fields = stimulus("repeat", node)?;
        let times = fields.need("times")?;
        let rounds = times.count("times")?;
        if rounds == 0 || rounds > ROUNDS_MAX {
            let range = format!("from 1 to {ROUNDS_MAX}");
            let violation = Violation::OutOfRange { key: "times".to_owned(), number: rounds, range };
            return Err(Flaw::new(violation, &times.span));
        }
        let inner = fields.need("steps")?.list("steps")?;
        for round in 0..rounds {
            for step in inner {
                if is_repeat(step) {
                    return Err(Flaw::new(Violation::NestedRepeat, &step.span));
                }
                let value = Node { span: step.span.clone(), data: Data::Whole(round.cast_signed()) };
                let cell: Cell = vec![(ROUND.to_owned(), value)];
                let filled = Filler::new(&cell).fill(step)?;
                self.counted(&filled, steps)?;
            }
        }
        Ok(())
    }

    /// Reads a step of the runner.
    pub fn runner(&mut self, node: &Node) -> Parsed<Step> {
        let entries = node.entries("a step")?;
        let named = entries.iter().find(|entry| entry.key == "runner").map_or(node, |entry| &entry.value);
        let known: Vec<&str> = STIMULI.iter().map(|(name, _)| *name).collect();
        let name = word(named, "runner", &known)?;
        let fields = stimulus(name, node)?;
        let mut within_ms = None;
        let action = match name {
            "damage" => damage(fields)?,
            "parallel" => Action::Parallel { steps: self.parallel(fields.need("steps")?.list("steps")?)? },
            "repeat" => return Err(Flaw::new(Violation::NestedRepeat, &node.span)),
            name => {
                let peer = fields.need("peer")?;
                let index = self.state.find(peer.text("peer")?, &peer.span)?;
                within_ms = fields.count("within_ms")?;
                self.process(name, fields, peer, index)?
            }
        };
        Ok(Step { within_ms, ..self.plain(node, action) })
    }

    fn process(&mut self, name: &str, fields: Fields<'_>, node: &Node, index: usize) -> Parsed<Action> {
        let peer = node.text("peer")?.to_owned();
        let span = &node.span;
        if name == "spawn" {
            self.state.spawn(index, span)?;
            return Ok(Action::Spawn { peer });
        }
        let process = self.state.peer(index);
        Ok(match name {
            "kill" => {
                process.exists(span)?;
                let kills = match fields.get("signal") {
                    Some(signal) => word(signal, "signal", &["KILL", "TERM"])? == "KILL",
                    None => true,
                };
                process.set(if kills { Process::Gone } else { Process::Ending });
                Action::Kill { peer, signal: if kills { Signal::Kill } else { Signal::Term } }
            }
            "stop" => {
                process.running(span)?;
                process.set(Process::Stopped);
                Action::Kill { peer, signal: Signal::Stop }
            }
            "continue" => {
                process.stopped(span)?;
                process.set(Process::Running);
                Action::Kill { peer, signal: Signal::Continue }
            }
            "finish" => {
                process.ready(false, span)?;
                process.set(Process::Gone);
                Action::Finish { peer }
            }
            _ => {
                process.exists(span)?;
                process.set(Process::Gone);
                Action::AwaitExit { peer }
            }
        })
    }

    fn parallel(&mut self, nodes: &[Node]) -> Parsed<Vec<Step>> {
        let mut steps: Vec<Step> = Vec::new();
        for node in nodes {
            let step = self.step(node)?;
            let busy = |peer: &String| {
                steps.iter().any(|earlier| matches!(&earlier.action, Action::Do { peer: other, .. } if other == peer))
            };
            let why = match &step.action {
                Action::Do { peer, .. } if busy(peer) => format!("the peer {peer:?} has a step in here already"),
                Action::Do { .. } if step.within_ms.is_some() => "it has `within_ms`".to_owned(),
                Action::Do { .. } => {
                    steps.push(step);
                    continue;
                }
                _ => "it is no `do`".to_owned(),
            };
            return Err(Flaw::new(Violation::NotParallel { why }, &node.span));
        }
        Ok(steps)
    }
}

fn is_repeat(node: &Node) -> bool {
    let Data::Table(entries) = &node.data else { return false };
    entries
        .iter()
        .any(|entry| entry.key == "runner" && matches!(&entry.value.data, Data::Text(name) if name == "repeat"))
}

fn stimulus<'a>(name: &str, node: &'a Node) -> Parsed<Fields<'a>> {
    let keys = STIMULI.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, keys)| keys);
    Fields::new(node, "a step of the runner", keys)
}

fn damage(fields: Fields<'_>) -> Parsed<Action> {
    let files = fields.need("files")?;
    let pattern = files.text("files")?.to_owned();
    if let Err(error) = Glob::new(&pattern) {
        let violation = Violation::BadGlob { pattern, reason: error.kind().to_string() };
        return Err(Flaw::new(violation, &files.span));
    }
    let how = match word(fields.need("how")?, "how", &["truncate", "empty", "zero", "garbage"])? {
        "truncate" => Damage::Truncate,
        "empty" => Damage::Empty,
        "zero" => Damage::Zero,
        _ => Damage::Garbage,
    };
    Ok(Action::Damage { pattern, how })
}
