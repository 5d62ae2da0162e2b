//! What every peer holds at a point of the scenario, as far as it can be known before anything runs.

use std::collections::BTreeMap;

use super::args::Needs;
use super::error::{Flaw, Parsed};
use super::handle::{Handle, Sent};
use super::model::{Args, PeerPlan};
use super::service::Shapes;
use super::source::Span;
use super::violation::Violation;
use shmark_peer::protocol::{HandleKind, OpSpec};

/// State of a peer's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    /// Declared with `start = "later"`.
    NotStarted,
    Running,
    Stopped,
    /// Sent a signal that ends it, at a moment that nobody knows.
    Ending,
    Gone,
}

/// An operation that was begun.
#[derive(Debug, Clone)]
pub(super) struct StartedOp {
    pub tag: String,
    pub op: &'static OpSpec,
    pub args: Args,
    pub span: Span,
}

#[derive(Debug)]
pub(super) struct Peer {
    plan: PeerPlan,
    process: Process,
    handles: BTreeMap<String, Handle>,
    pub begun: Option<StartedOp>,
}

/// A step that can be referred to.
#[derive(Debug, Clone)]
pub(super) struct Tagged {
    pub op: &'static OpSpec,
    pub answered: bool,
    pub sent: Option<Sent>,
}

#[derive(Debug)]
pub(super) struct ScenarioState {
    /// Arguments of the scenario's service.
    pub service: Args,
    pub needs: Needs,
    peers: Vec<Peer>,
    /// By `peer/name`.
    tags: BTreeMap<String, Tagged>,
    /// Payloads written so far.
    payloads: u64,
}

impl ScenarioState {
    pub fn new(plans: &[PeerPlan], service: Args, needs: Needs) -> Self {
        let mut state = Self { service, needs, peers: Vec::new(), tags: BTreeMap::new(), payloads: 0 };
        for plan in plans {
            let peer = Peer { plan: plan.clone(), process: Process::NotStarted, handles: BTreeMap::new(), begun: None };
            state.peers.push(peer);
            if !plan.start_later {
                let last = state.peers.len() - 1;
                state.start(last);
            }
        }
        state
    }

    fn start(&mut self, index: usize) {
        let shapes = Shapes::of(&self.service);
        let Some(peer) = self.peers.get_mut(index) else { return };
        peer.process = Process::Running;
        peer.handles.clear();
        peer.begun = None;
        if peer.plan.opens_service {
            let implicit = |kind| Handle { kind, shapes, line: 0, sent: None };
            peer.handles.insert("node".to_owned(), implicit(HandleKind::Node));
            peer.handles.insert("service".to_owned(), implicit(HandleKind::Service));
        }
    }

    /// The seed of the next payload: its number, times 2^32, so that no two payloads share a stretch of bytes.
    pub fn next_seed(&mut self) -> u64 {
        self.payloads += 1;
        self.payloads << 32
    }

    pub fn find(&self, name: &str, span: &Span) -> Parsed<usize> {
        self.peers.iter().position(|peer| peer.plan.name == name).ok_or_else(|| {
            let known = self.peers.iter().map(|peer| peer.plan.name.clone()).collect();
            Flaw::new(Violation::UnknownPeer { peer: name.to_owned(), known }, span)
        })
    }

    pub fn peer(&mut self, index: usize) -> &mut Peer {
        &mut self.peers[index]
    }

    /// The first operation that was begun and never awaited, on a peer that lives.
    pub fn unawaited(&self) -> Option<(&str, &StartedOp)> {
        self.peers.iter().find_map(|peer| Some((peer.plan.name.as_str(), peer.begun.as_ref()?)))
    }

    pub fn spawn(&mut self, index: usize, span: &Span) -> Parsed<()> {
        if matches!(self.peers[index].process, Process::NotStarted | Process::Gone) {
            self.start(index);
            return Ok(());
        }
        Err(Flaw::new(Violation::PeerRunning { peer: self.peers[index].plan.name.clone() }, span))
    }

    /// Remembers a step under its name.
    pub fn remember(&mut self, tag: String, tagged: Tagged) {
        self.tags.insert(tag, tagged);
    }

    pub fn answered(&mut self, tag: &str) {
        if let Some(tagged) = self.tags.get_mut(tag) {
            tagged.answered = true;
        }
    }

    /// Notes what was written to a loan, for references by the loan's name.
    pub fn note_sent(&mut self, tag: &str, sent: &Sent) {
        if let Some(tagged) = self.tags.get_mut(tag) {
            tagged.sent = Some(sent.clone());
        }
    }

    /// The step that a reference means: `peer/name`, or the name alone where it is clear.
    pub fn resolve(&self, reference: &str, span: &Span) -> Parsed<(String, &Tagged)> {
        let mut found: Vec<(&String, &Tagged)> = self
            .tags
            .iter()
            .filter(|(tag, _)| *tag == reference || tag.split_once('/').is_some_and(|(_, name)| name == reference))
            .collect();
        match (found.pop(), found.is_empty()) {
            (Some((tag, tagged)), true) => Ok((tag.clone(), tagged)),
            (Some((tag, _)), false) => {
                let mut candidates: Vec<String> = found.into_iter().map(|(tag, _)| format!("{tag:?}")).collect();
                candidates.push(format!("{tag:?}"));
                Err(Flaw::new(Violation::AmbiguousTag { tag: reference.to_owned(), candidates }, span))
            }
            (None, _) => {
                let known = self.tags.keys().cloned().collect();
                Err(Flaw::new(Violation::UnknownTag { tag: reference.to_owned(), known }, span))
            }
        }
    }
}

impl Peer {
    fn not_running(&self, span: &Span) -> Flaw {
        let why = match self.process {
            Process::NotStarted => "it starts later",
            Process::Stopped => "it is stopped",
            Process::Ending => "a signal is ending it",
            Process::Running | Process::Gone => "it is gone",
        };
        Flaw::new(Violation::PeerNotRunning { peer: self.plan.name.clone(), why: why.to_owned() }, span)
    }

    /// Whether it can take an operation now; one that only begins may be sent to a stopped peer.
    pub fn ready(&self, begins: bool, span: &Span) -> Parsed<()> {
        if self.process != Process::Running && !(begins && self.process == Process::Stopped) {
            return Err(self.not_running(span));
        }
        match &self.begun {
            Some(begun) => {
                Err(Flaw::new(Violation::PeerBusy { peer: self.plan.name.clone(), tag: begun.tag.clone() }, span))
            }
            None => Ok(()),
        }
    }

    pub fn running(&self, span: &Span) -> Parsed<()> {
        if self.process == Process::Running { Ok(()) } else { Err(self.not_running(span)) }
    }

    /// Whether there is a process that a signal can reach.
    pub fn exists(&self, span: &Span) -> Parsed<()> {
        let exists = matches!(self.process, Process::Running | Process::Stopped | Process::Ending);
        if exists { Ok(()) } else { Err(self.not_running(span)) }
    }

    pub fn stopped(&self, span: &Span) -> Parsed<()> {
        if self.process == Process::Stopped {
            return Ok(());
        }
        Err(Flaw::new(Violation::PeerNotStopped { peer: self.plan.name.clone() }, span))
    }

    pub fn set(&mut self, process: Process) {
        self.process = process;
        if matches!(process, Process::Gone | Process::Ending) {
            self.handles.clear();
            self.begun = None;
        }
    }

    pub fn handle(&mut self, name: &str, span: &Span) -> Parsed<&mut Handle> {
        let known: Vec<String> = self.handles.keys().cloned().collect();
        let peer = &self.plan.name;
        self.handles.get_mut(name).ok_or_else(|| {
            Flaw::new(Violation::UnknownHandle { peer: peer.clone(), name: name.to_owned(), known }, span)
        })
    }

    /// Whether a new handle may be called so.
    pub fn free(&self, name: &str, span: &Span) -> Parsed<()> {
        match self.handles.get(name) {
            Some(handle) => {
                let (peer, line) = (self.plan.name.clone(), handle.line);
                Err(Flaw::new(Violation::NameTaken { peer, name: name.to_owned(), line }, span))
            }
            None => Ok(()),
        }
    }

    pub fn make(&mut self, name: &str, handle: Handle) {
        self.handles.insert(name.to_owned(), handle);
    }

    pub fn consume(&mut self, name: &str) {
        self.handles.remove(name);
    }
}
