//! When to check whether the other side still lives. A check costs system calls, so it is rare; a wait is never longer
//! than a few slices behind the truth.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Time between two liveness checks.
const SLICE: Duration = Duration::from_millis(100);
/// Empty polls between two readings of the clock.
const POLLS: u32 = 32;

/// Decides when a liveness check is due.
#[derive(Debug)]
pub(in crate::port) struct LivenessTimer {
    polls: Cell<u32>,
    last: Cell<Instant>,
}

impl LivenessTimer {
    pub fn new() -> Self {
        Self { polls: Cell::new(0), last: Cell::new(Instant::now()) }
    }

    /// After a poll that found nothing: rarely `true`.
    #[inline]
    pub fn take_due_while_polling(&self) -> bool {
        self.polls.set(self.polls.get() + 1);
        if self.polls.get() < POLLS {
            return false;
        }
        self.polls.set(0);
        self.take_due()
    }

    /// Where the answer matters now: `true` once a slice.
    pub fn take_due(&self) -> bool {
        let now = Instant::now();
        if now.duration_since(self.last.get()) < SLICE {
            return false;
        }
        self.last.set(now);
        true
    }
}
