//! One trial, as whoever counts rounds sees it: what is asked for, and how it ended.

use super::asked::Asked;
use super::trial::Trial;
use super::validity::Invalid;
use crate::results::events::Observer;
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::bench_protocol::BenchCollected;

/// What a launcher is asked to do.
#[derive(Debug, Clone, Copy)]
pub(super) struct TrialPlan<'a> {
    pub scenario: &'a BenchScenario,
    pub case: &'a BenchCase,
    /// Index of the subject.
    pub subject: usize,
    /// From 0. Each round of an open loop has moments of its own.
    pub round: usize,
}

/// How a trial ended.
#[derive(Debug, Clone)]
pub(super) enum Ended {
    /// Both sides reported. Whether it counts is not decided yet.
    Measured { client: Box<BenchCollected>, server: Box<BenchCollected> },
    /// The subject has no such case.
    Unsupported(String),
    /// A peer did not do what it was asked to.
    Broken(String),
    /// Ctrl-C.
    Interrupted,
}

impl Ended {
    /// What disturbed the trial so much that it says nothing about the subject.
    pub fn disturbance(&self, asked: Asked) -> Option<Invalid> {
        match self {
            Self::Measured { client, server } => Trial::of(client, server, asked).err().filter(Invalid::is_disturbance),
            _ => None,
        }
    }
}

/// Launches the two processes of a trial.
pub(super) trait Launch {
    fn trial(&mut self, plan: &TrialPlan<'_>) -> Ended;

    /// Before each trial that is to count: ensures that the machine is as fit for it as it gets.
    fn wait_for_placement(&mut self, _observer: &mut dyn Observer) {}
}
