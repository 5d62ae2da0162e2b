//! One child process that leads a process group of its own.
//!
//! The leader stays unreaped until its group has been killed: as long as it is a zombie, neither its process id nor its
//! group id can be given to somebody else, so that a kill never hits an unrelated process.

use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;

use super::interrupt::interrupted;
use super::leftovers;
use super::live::live;
use super::reply::Exit;

/// How long a killed process may take to be gone. Only a process stuck inside the kernel takes longer than a moment.
const KILL_DEADLINE: Duration = Duration::from_secs(5);
/// The same for a run that is being interrupted.
const KILL_DEADLINE_INTERRUPTED: Duration = Duration::from_millis(500);

/// A child process and its group.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    group: Pid,
    /// Set when the leader is reaped.
    exit: Option<Exit>,
    /// Other processes of the group that were alive when the leader had ended, as text.
    orphans: Vec<String>,
}

impl Process {
    /// Starts `command` as the leader of a new group.
    ///
    /// # Errors
    /// What the system says, [`io::ErrorKind::Interrupted`] if the run is being interrupted.
    pub(super) fn spawn(command: &mut Command) -> io::Result<Self> {
        // The registry is held so that a second Ctrl-C cannot come between start and registration.
        let mut live = live();
        if interrupted() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let child = command.process_group(0).spawn()?;
        let group = Pid::from_raw(child.id().cast_signed());
        live.groups.insert(group.as_raw());
        Ok(Self { child, group, exit: None, orphans: Vec::new() })
    }

    pub(super) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether [`Self::end`] is through.
    pub(super) fn is_reaped(&self) -> bool {
        self.exit.is_some()
    }

    /// How the leader ended, if it has. Does not reap it.
    pub(super) fn ended(&self) -> Option<Exit> {
        if self.exit.is_some() {
            return self.exit;
        }
        match waitid(Id::Pid(self.group), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT) {
            Ok(WaitStatus::Exited(_, code)) => Some(Exit::Code(code)),
            Ok(WaitStatus::Signaled(_, signal, _)) => Some(Exit::Signal(signal as i32)),
            // A real-time signal, for which nix has no name; reaping tells its number.
            Err(Errno::EINVAL) => Some(Exit::Signal(0)),
            _ => None,
        }
    }

    /// Waits until the leader has ended, without reaping it; `None` at the deadline or at an interrupt.
    pub(super) fn wait(&self, timeout: Duration) -> Option<Exit> {
        let deadline = Instant::now() + timeout;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Some(exit) = self.ended() {
                return Some(exit);
            }
            if Instant::now() >= deadline || interrupted() {
                return None;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// Waits until the leader is stopped; whether it is. An interrupt ends the wait.
    pub(super) fn wait_stopped(&self, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline && self.ended().is_none() && !interrupted() {
            if leftovers::state(self.id()) == Some('T') {
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    }

    /// Sends a signal to the group. Does nothing when the leader is reaped.
    pub(super) fn signal(&self, signal: Signal) {
        if self.exit.is_none() {
            let _ = killpg(self.group, signal);
        }
    }

    /// Kills whatever is left of the group and reaps the leader; how the leader ended. Safe to call again.
    pub(super) fn end(&mut self) -> Exit {
        if let Some(exit) = self.exit {
            return exit;
        }
        if self.ended().is_some() {
            self.orphans = leftovers::group_members(self.group.as_raw(), self.id());
        }
        self.signal(Signal::SIGKILL);
        let since = Instant::now();
        let limit = || if interrupted() { KILL_DEADLINE_INTERRUPTED } else { KILL_DEADLINE };
        while self.ended().is_none() && since.elapsed() < limit() {
            thread::sleep(Duration::from_micros(200));
        }
        let mut live = live();
        let status = self.child.try_wait();
        live.groups.remove(&self.group.as_raw());
        drop(live);
        let exit = match status {
            Ok(Some(status)) => {
                status.code().map_or_else(|| Exit::Signal(status.signal().unwrap_or_default()), Exit::Code)
            }
            _ => Exit::Killed,
        };
        self.exit = Some(exit);
        exit
    }

    /// Other processes of the group that had outlived the leader when [`Self::end`] came.
    pub(super) fn orphans(&self) -> &[String] {
        &self.orphans
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}
