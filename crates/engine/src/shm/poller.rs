//! One descriptor that shows when any of several files is readable, or when a time is over.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::futex::timespec;
use super::system::checked;

/// Most files that [`Poller::ready`] tells of at once.
const READY_MAX: libc::c_int = 16;
/// What the timer is called.
const TIMER: u64 = u64::MAX;

/// An epoll instance with a timer in it. Its descriptor is readable when something in it is.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
    timer: OwnedFd,
}

fn descriptor(result: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: a descriptor that the system has just made, and that nobody else knows.
    checked(result).map(|made| unsafe { OwnedFd::from_raw_fd(made) })
}

impl Poller {
    /// Without files; the timer does not run.
    ///
    /// # Errors
    /// Those of the system: no descriptor is left, for example.
    pub fn new() -> io::Result<Self> {
        // SAFETY: touches no memory of ours.
        let epoll = descriptor(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: as above.
        let timer =
            descriptor(unsafe { libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) })?;
        let poller = Self { epoll, timer };
        poller.control(libc::EPOLL_CTL_ADD, poller.timer.as_raw_fd(), TIMER)?;
        Ok(poller)
    }

    fn control(&self, operation: libc::c_int, file: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: the call reads `event`, which outlives it.
        checked(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, file, &raw mut event) }).map(drop)
    }

    /// Adds a file, called `token`, below `u64::MAX`.
    ///
    /// # Errors
    /// Those of the system.
    pub fn add(&self, file: &File, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, file.as_raw_fd(), token)
    }

    /// Takes a file out.
    pub fn remove(&self, file: &File) {
        // One that is not in it is out already.
        let _ = self.control(libc::EPOLL_CTL_DEL, file.as_raw_fd(), 0);
    }

    /// Calls `each` with files that are readable now; `false` if there may be others.
    pub fn ready(&self, each: impl FnMut(u64)) -> bool {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; READY_MAX as usize];
        // SAFETY: the array has room for as many events as the call is told.
        let count = unsafe { libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr(), READY_MAX, 0) };
        let count = usize::try_from(count).unwrap_or(0);
        let tokens = events.iter().take(count).map(|event| event.u64);
        tokens.filter(|token| *token != TIMER).for_each(each);
        count < READY_MAX as usize
    }

    /// Makes the descriptor readable after `duration`, which replaces the time that was set before.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_timer(&self, duration: Duration) -> io::Result<()> {
        let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let time = libc::itimerspec { it_interval: never, it_value: timespec(duration) };
        // SAFETY: the call reads `time`, which outlives it, and writes nothing.
        let result = unsafe { libc::timerfd_settime(self.timer.as_raw_fd(), 0, &raw const time, std::ptr::null_mut()) };
        checked(result).map(drop)
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}
