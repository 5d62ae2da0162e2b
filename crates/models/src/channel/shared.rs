//! What a producer and a consumer in two threads share, and what each writes down.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use rand::RngExt as _;

use super::Pushed;
use crate::random::Random;

/// Entries beside those that fit into the channel.
pub(super) const SPARE_ENTRIES: usize = 4;
/// The message of an entry that was never pushed.
pub(super) const NEVER: u64 = u64::MAX;

/// What both threads see. The counts are the test's own and say nothing about the channel's memory: relaxed would do where
/// a bound has to hold, but sequentially consistent is easier to argue about.
pub(super) struct Shared {
    /// The message that each entry stands for, as a chunk's contents would say.
    pub messages: Vec<AtomicU64>,
    /// Pushes that are done.
    pub pushed: AtomicU64,
    /// Entries taken.
    pub taken: AtomicU64,
    /// Takes that gave nothing.
    pub empty: AtomicU64,
    /// The producer will push no more.
    pub done: AtomicBool,
    /// One side found a broken rule.
    pub stop: AtomicBool,
}

impl Shared {
    pub fn get(counter: &AtomicU64) -> u64 {
        counter.load(Ordering::SeqCst)
    }

    pub fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }
}

/// Sets a flag however its thread ends.
pub(super) struct AtEnd<'a>(pub &'a AtomicBool);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Gives the other thread other moments to come.
pub(super) fn hesitate(numbers: &mut Random) {
    match numbers.random_range(0..64) {
        0 => thread::yield_now(),
        1..8 => (0..numbers.random_range(0..200)).for_each(|_| std::hint::spin_loop()),
        _ => {}
    }
}

/// What one side did; formatted only when it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Push { message: u64, entry: u64, pushed: Pushed },
    Take { entry: u64, message: Option<u64> },
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Push { message, entry, pushed } => write!(f, "push message {message} as entry {entry} -> {pushed:?}"),
            Self::Take { entry, message: Some(message) } => write!(f, "take -> entry {entry}, message {message}"),
            Self::Take { entry, message: None } => write!(f, "take -> entry {entry}, which nobody pushed"),
        }
    }
}
