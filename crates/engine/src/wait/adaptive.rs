//! Adaptive waiting: poll, spin for a bounded time, then sleep in slices.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use super::notification_pipe::NotificationPipe;
use super::word::{self, WakeMethod};
use crate::error::SystemError;
use crate::shm::SleepList;

/// Longest sleep without a thorough poll: peers die silently.
pub(crate) const SLICE: Duration = Duration::from_millis(100);
/// Longest sleep where it is not certain that senders would wake.
pub(crate) const SLICE_UNNOTIFIED: Duration = Duration::from_millis(1);
/// Polls between two readings of the clock while spinning.
const LOOKS: u32 = 8;
/// Time between two thorough polls while spinning: longer than a spin that answers are worth waiting for, so that a
/// busy exchange pays for none, and far below the second in which a wait has to end (RR-LIV-02).
const SPIN_SLICE: Duration = Duration::from_millis(1);

/// Time to spin before sleeping, unless the port says otherwise: about what a sleep and a wake-up cost. Nothing where
/// there is one processor, because no other thread runs while this one spins.
pub(crate) fn default_spin() -> Duration {
    static SPIN: OnceLock<Duration> = OnceLock::new();
    *SPIN.get_or_init(|| match std::thread::available_parallelism() {
        Ok(processors) if processors.get() > 1 => Duration::from_micros(5),
        _ => Duration::ZERO,
    })
}

/// A port whose owner waits.
pub(crate) trait WaitingPort {
    /// The word on which it sleeps; `None` if senders do not know it.
    fn wake_word(&self) -> Option<&AtomicU64>;
    /// Its notification pipe, if it has one.
    fn notification_pipe(&self) -> Option<&NotificationPipe>;
    /// Its notification pipe, made if need be; `None` if nobody would ring.
    ///
    /// # Errors
    /// Those of the system.
    fn make_notification_pipe(&self) -> Result<Option<Rc<NotificationPipe>>, SystemError>;
    /// Checks the liveness of peers, if that is due, and syncs with the registry.
    fn check_peers(&self);
    /// A wait has ended, and the thread had to sleep or not.
    fn record_wait(&self, slept: bool);
}

/// How much a poll covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PollDepth {
    /// For messages.
    Quick,
    /// For everything that ends the wait.
    Thorough,
}

/// Waits on all of the ports until `look` finds something, at most `timeout`: then `None`.
pub(crate) fn wait<P: Deref<Target: WaitingPort>, T>(
    ports: &[P],
    timeout: Duration,
    spin: Duration,
    mut look: impl FnMut(PollDepth) -> Option<T>,
) -> Option<T> {
    let mut slept = false;
    let result = poll_spin_sleep(ports, timeout, spin, &mut slept, &mut look);
    for port in ports {
        port.record_wait(slept);
    }
    result
}

fn poll_spin_sleep<P: Deref<Target: WaitingPort>, T>(
    ports: &[P],
    timeout: Duration,
    spin: Duration,
    slept: &mut bool,
    look: &mut impl FnMut(PollDepth) -> Option<T>,
) -> Option<T> {
    let mut found = look(PollDepth::Thorough);
    if found.is_none() && timeout.is_zero() {
        // A caller that never waits checks its peers as well, however rarely it calls.
        check_peers(ports);
        found = look(PollDepth::Thorough);
    }
    if found.is_some() || timeout.is_zero() {
        return found;
    }
    let start = Instant::now();
    found = self::spin(ports, start, spin.min(timeout), look);
    if found.is_some() {
        return found;
    }
    loop {
        // A time that never comes, such as Duration::MAX, is not reckoned.
        let left = timeout.saturating_sub(start.elapsed());
        if left.is_zero() {
            return None;
        }
        let (armed, list, slice) = Armed::new(ports);
        let mut found = look(PollDepth::Thorough);
        if found.is_none() {
            *slept = true;
            list.sleep(slice.min(left));
        }
        drop(armed);
        found = found.or_else(|| look(PollDepth::Quick));
        if found.is_some() {
            return found;
        }
        check_peers(ports);
    }
}

fn check_peers<P: Deref<Target: WaitingPort>>(ports: &[P]) {
    for port in ports {
        port.check_peers();
    }
}

/// Polls for messages without a pause, and now and then for everything, because peers that die or finish send none.
#[inline]
fn spin<P: Deref<Target: WaitingPort>, T>(
    ports: &[P],
    start: Instant,
    spin: Duration,
    look: &mut impl FnMut(PollDepth) -> Option<T>,
) -> Option<T> {
    let mut thorough = SPIN_SLICE;
    loop {
        let elapsed = start.elapsed();
        if elapsed >= spin {
            return None;
        }
        if elapsed >= thorough {
            thorough = elapsed + SPIN_SLICE;
            check_peers(ports);
            let found = look(PollDepth::Thorough);
            if found.is_some() {
                return found;
            }
        }
        for _ in 0..LOOKS {
            std::hint::spin_loop();
            let found = look(PollDepth::Quick);
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Ports that say that their owner sleeps.
struct Armed<'a, P: Deref<Target: WaitingPort>>(&'a [P]);

impl<'a, P: Deref<Target: WaitingPort>> Armed<'a, P> {
    /// With the words to sleep on, and for how long at most.
    fn new(ports: &'a [P]) -> (Self, SleepList<'a>, Duration) {
        let armed = Self(ports);
        let mut list = SleepList::default();
        let mut notified = true;
        for port in ports {
            let listed = port.wake_word().is_some_and(|word| {
                let value = word::arm(word, WakeMethod::Futex);
                value.is_some_and(|value| list.push(word, value))
            });
            notified &= listed;
        }
        // The sleeper's fence of the module `word`: behind what was just said, before the poll.
        fence(Ordering::SeqCst);
        let slice = if notified && list.wakes_on_all() { SLICE } else { SLICE_UNNOTIFIED };
        (armed, list, slice)
    }
}

impl<P: Deref<Target: WaitingPort>> Drop for Armed<'_, P> {
    fn drop(&mut self) {
        for word in self.0.iter().filter_map(|port| port.wake_word()) {
            word::disarm(word, WakeMethod::Futex);
        }
    }
}
