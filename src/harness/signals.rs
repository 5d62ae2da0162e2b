//! Signals to a peer, and the proof that they reached the process that answers.
//!
//! A peer may be started through another program, such as `setsid` or a shell, or run elsewhere, such as in a container.
//! Then a signal to the group of what was started stops or kills somebody else. A stimulus that never happened must not
//! pass for one: whoever still answers was not reached.

use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Args;
use super::error::HarnessError;
use super::hello::made_up_op;
use super::interrupt::{NOTICE_MS, interrupted};
use super::leftovers;
use super::peer::Peer;
use super::pipes::{Item, Next};
use super::reply::Exit;
use super::signalling::EFFECT;
use super::timeout::shown;

/// A process that goes on beside a stopped or killed one has this long to answer. One that answers does so in a moment; only
/// a peer with helpers of its own waits so long.
const BESIDE: Duration = Duration::from_secs(2);
/// The same after the manifest's command, where no other process is to be seen.
const SILENCE: Duration = Duration::from_millis(300);
impl Peer {
    /// Sends a signal to the peer: to its process group, or as its manifest says. After SIGSTOP the process that answers is
    /// stopped.
    ///
    /// # Errors
    /// [`HarnessError::Unreached`] if the signal had no effect on the process that answers, or the manifest's command
    /// failed; [`HarnessError::Interrupted`].
    pub fn signal(&mut self, signal: Signal) -> Result<(), HarnessError> {
        self.pipes.note("..", &format!("the runner sends {signal}"));
        self.send(signal)?;
        if signal == Signal::SIGSTOP && self.ended().is_none() { self.verify_stopped() } else { Ok(()) }
    }

    /// Kills the peer's process group and returns at once; as its manifest says where it says how. [`Self::kill`] takes away
    /// what is left.
    pub fn kill_now(&mut self) {
        self.pipes.note("..", "the runner kills it");
        if self.signalling.command.is_empty() {
            self.process.signal(Signal::SIGKILL);
        } else {
            // What the command did not reach is found by `kill`.
            let _ = self.send(Signal::SIGKILL);
        }
    }

    /// Kills the peer as [`Self::kill`] does, and makes sure that nobody is left who answers.
    ///
    /// # Errors
    /// As [`Self::signal`].
    pub fn kill_verified(&mut self) -> Result<(), HarnessError> {
        let kin = leftovers::kin(self.pid(), &self.signalling.id);
        self.pipes.note("..", "the runner kills it");
        if !self.signalling.command.is_empty() {
            self.send(Signal::SIGKILL)?;
            let time = self.timeout_multiplier.of(EFFECT);
            if self.process.wait(time).is_none() {
                let why = format!("what was started is still there {} after the command", shown(time));
                return Err(self.signalling.unreached(Signal::SIGKILL, why));
            }
        }
        // Its stdin stays open: a peer that got away may still read it.
        self.process.end();
        let is_alive = |pid: &u32| leftovers::state(*pid).is_some_and(leftovers::is_alive);
        let answered = kin.iter().any(is_alive) && self.answers_within(self.timeout_multiplier.of(BESIDE))?;
        self.end();
        if answered {
            return Err(self.signalling.unreached(Signal::SIGKILL, "it goes on answering"));
        }
        Ok(())
    }

    /// Whether the peer answers an operation that does not exist within a time: after SIGSTOP it must not.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn answers_within(&mut self, window: Duration) -> Result<bool, HarnessError> {
        let id = self.begin(&made_up_op(0), &Args::new())?;
        let deadline = Instant::now() + window;
        loop {
            if self.answers.remove(&id).is_some() {
                return Ok(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pipes.next(left.min(Duration::from_millis(NOTICE_MS))) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(_)) => return Ok(true),
                Next::Closed => return Ok(false),
                Next::Nothing if interrupted() => return Err(HarnessError::Interrupted),
                Next::Nothing if left.is_zero() => {
                    self.give_up(id);
                    return Ok(false);
                }
                Next::Nothing => {}
            }
            if self.over.is_some() {
                return Ok(true);
            }
        }
    }

    fn send(&mut self, signal: Signal) -> Result<(), HarnessError> {
        if self.signalling.command.is_empty() {
            self.process.signal(signal);
            return Ok(());
        }
        self.signalling.run(signal, self.pid())
    }

    fn verify_stopped(&mut self) -> Result<(), HarnessError> {
        let commanded = !self.signalling.command.is_empty();
        let time = self.timeout_multiplier.of(EFFECT);
        if !commanded && !self.process.wait_stopped(time) && self.ended().is_none() {
            let why = format!("what was started is not stopped after {}", shown(time));
            return Err(self.signalling.unreached(Signal::SIGSTOP, why));
        }
        let runs = |pid: &u32| leftovers::state(*pid).is_some_and(|state| state != 'T' && leftovers::is_alive(state));
        let anybody_runs = || leftovers::kin(self.pid(), &self.signalling.id).iter().any(runs);
        // The others of the group stop in a moment, too.
        let deadline = Instant::now() + SILENCE;
        while anybody_runs() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let window = if anybody_runs() {
            self.timeout_multiplier.of(BESIDE)
        } else if commanded {
            self.timeout_multiplier.of(SILENCE)
        } else {
            return Ok(());
        };
        if self.answers_within(window)? {
            return Err(self.signalling.unreached(Signal::SIGSTOP, "it goes on answering"));
        }
        Ok(())
    }

    /// Lets a peer that may be stopped go on; one that is not takes no notice.
    pub(super) fn wake(&mut self) {
        self.process.signal(Signal::SIGCONT);
        if self.process.ended().is_none() {
            // What cannot be reached is killed at the deadline.
            let _ = self.send(Signal::SIGCONT);
        }
    }

    /// Before the group is killed: whoever is elsewhere. At the end of everything nothing can be done about a failure.
    pub(super) fn kill_what_the_group_does_not_hold(&mut self) {
        if !self.signalling.command.is_empty() && self.process.ended().is_none() {
            let _ = self.send(Signal::SIGKILL);
            let _: Option<Exit> = self.process.wait(self.timeout_multiplier.of(EFFECT));
        }
    }
}
