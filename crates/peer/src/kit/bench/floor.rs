//! The floor: one word in one cache line goes to the other core and comes back.
//!
//! The word holds the *token*: `turn << 3 | flags`. The client serves with the ping bit set; the server answers with
//! the same token without it, in the same line. So one floor is two transfers of one line, and nothing else.

use std::sync::atomic::{AtomicU64, Ordering};

use super::wait::Wait;

/// Index of the token among the calibration file's words.
const TOKEN: usize = 0;
/// Index of the word that a peer sets when it gives up: two lines away, out of reach of adjacent-line prefetch.
const GIVEN_UP: usize = 16;
/// Words that a calibration file has to have.
pub(super) const WORDS_MIN: usize = 24;

const PING: u64 = 1;
const COUNTED: u64 = 2;
const END: u64 = 4;
const TURN_SHIFT: u32 = 3;

/// What the slices behind a first ping are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    WarmUp,
    Counted,
    /// There are none.
    End,
}

impl Phase {
    fn flags(self) -> u64 {
        match self {
            Self::WarmUp => 0,
            Self::Counted => COUNTED,
            Self::End => END,
        }
    }

    fn of(token: u64) -> Self {
        match token & (COUNTED | END) {
            0 => Self::WarmUp,
            COUNTED => Self::Counted,
            _ => Self::End,
        }
    }
}

/// One side's view of the calibration file.
#[derive(Debug)]
pub(super) struct Floor<'a> {
    token: &'a AtomicU64,
    given_up: &'a AtomicU64,
    /// Turns played; both sides count them, so that no stale token is taken for a new one.
    turn: u64,
    phase: Phase,
    pub(super) wait: Wait<'a>,
}

impl<'a> Floor<'a> {
    /// # Errors
    /// The file is too short, or was used by another trial.
    pub(super) fn new(words: &'a [AtomicU64], limit: std::time::Duration) -> Result<Self, String> {
        let (Some(token), Some(given_up)) = (words.get(TOKEN), words.get(GIVEN_UP)) else {
            return Err(format!("the calibration file needs at least {WORDS_MIN} words of 8 bytes"));
        };
        Ok(Self { token, given_up, turn: 0, phase: Phase::WarmUp, wait: Wait::new(limit, given_up) })
    }

    /// Whether no trial has touched the file yet.
    pub(super) fn is_fresh(words: &[AtomicU64]) -> bool {
        // Relaxed: the peers were told one after the other, by messages that order everything.
        words.iter().all(|word| word.load(Ordering::Relaxed) == 0)
    }

    /// Client: opens a slice and waits until the server is there.
    pub(super) fn open(&mut self, phase: Phase) -> Result<(), String> {
        self.phase = phase;
        self.round_trip()
    }

    /// Client: one floor.
    #[inline]
    pub(super) fn round_trip(&mut self) -> Result<(), String> {
        self.turn += 1;
        let pong = self.turn << TURN_SHIFT | self.phase.flags();
        // Release and Acquire, here and below: what one side did before it passed the token on, the other side sees
        // when it has it, so slices of floor and load cannot overlap on any machine. Engines pay for the same
        // orderings.
        self.token.store(pong | PING, Ordering::Release);
        self.wait.spin("pong", || (self.token.load(Ordering::Acquire) == pong).then_some(()))
    }

    /// Server: waits for the ping that opens a slice. It is answered by [`Self::pong`].
    pub(super) fn opened(&mut self) -> Result<Phase, String> {
        let token = self.ping()?;
        self.phase = Phase::of(token);
        Ok(self.phase)
    }

    /// Server: one floor.
    #[inline]
    pub(super) fn answer(&mut self) -> Result<(), String> {
        self.ping()?;
        self.pong();
        Ok(())
    }

    #[inline]
    fn ping(&mut self) -> Result<u64, String> {
        self.turn += 1;
        let expected = self.turn << TURN_SHIFT | PING;
        self.wait.spin("ping", || {
            let token = self.token.load(Ordering::Acquire);
            (token & !(COUNTED | END) == expected).then_some(token)
        })
    }

    /// Server: gives the token back.
    #[inline]
    pub(super) fn pong(&self) {
        self.token.store(self.turn << TURN_SHIFT | self.phase.flags(), Ordering::Release);
    }

    /// Tells the other side not to wait any longer.
    pub(super) fn give_up(&self) {
        // Relaxed: see `Wait::look`.
        self.given_up.store(1, Ordering::Relaxed);
    }
}
