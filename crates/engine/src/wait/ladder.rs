//! The ladder: look, spin for a bounded while, then sleep in slices.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::time::{Duration, Instant};

use super::bell::Bell;
use super::word::{self, Wish};
use crate::error::SystemError;
use crate::shm::SleepList;

/// Longest sleep without a look at everything: peers die without a word.
pub(crate) const SLICE: Duration = Duration::from_millis(100);
/// Longest sleep where it is not certain that senders would wake.
pub(crate) const SLICE_UNHEARD: Duration = Duration::from_millis(1);
/// Looks between two looks at the clock while spinning.
const LOOKS: u32 = 8;
/// Time between two thorough looks while spinning: longer than a spin that answers are worth waiting for, so that a busy
/// exchange pays for none, and far below the second in which a wait has to end (RR-LIV-02).
const SPIN_SLICE: Duration = Duration::from_millis(1);

/// Time to spin before sleeping, unless the port says otherwise: about what a sleep and a wake-up cost. Nothing where there
/// is one processor, because nobody else gets on while this thread spins.
pub(crate) fn spin_by_default() -> Duration {
    static SPIN: OnceLock<Duration> = OnceLock::new();
    *SPIN.get_or_init(|| match std::thread::available_parallelism() {
        Ok(processors) if processors.get() > 1 => Duration::from_micros(5),
        _ => Duration::ZERO,
    })
}

/// A port whose owner waits.
pub(crate) trait Sleeps {
    /// The word on which it sleeps; `None` if senders do not know it.
    fn wake_word(&self) -> Option<&AtomicU64>;
    /// Its bell, if it has one.
    fn bell(&self) -> Option<&Bell>;
    /// Its bell, made if need be; `None` if nobody would ring.
    ///
    /// # Errors
    /// Those of the system.
    fn make_bell(&self) -> Result<Option<Rc<Bell>>, SystemError>;
    /// Looks whether peers live, if that is due, and follows what has changed in the service.
    fn look_after_peers(&self);
    /// A wait has ended, and the thread had to sleep or not.
    fn has_waited(&self, slept: bool);
}

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// For messages.
    Quick,
    /// For everything that ends the wait.
    Thorough,
}

/// Waits on all of the ports until `look` finds something, at most `timeout`: then `None`.
pub(crate) fn wait<P: Deref<Target: Sleeps>, T>(
    ports: &[P],
    timeout: Duration,
    spin: Duration,
    mut look: impl FnMut(Look) -> Option<T>,
) -> Option<T> {
    let mut slept = false;
    let result = climb(ports, timeout, spin, &mut slept, &mut look);
    for port in ports {
        port.has_waited(slept);
    }
    result
}

fn climb<P: Deref<Target: Sleeps>, T>(
    ports: &[P],
    timeout: Duration,
    spin: Duration,
    slept: &mut bool,
    look: &mut impl FnMut(Look) -> Option<T>,
) -> Option<T> {
    let mut found = look(Look::Thorough);
    if found.is_none() && timeout.is_zero() {
        // Who never waits looks after peers as well, however seldom it comes here.
        look_after_peers(ports);
        found = look(Look::Thorough);
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
        let mut found = {
            let (armed, list, slice) = Armed::new(ports);
            let found = look(Look::Thorough);
            if found.is_none() {
                *slept = true;
                list.sleep(slice.min(left));
            }
            drop(armed);
            found
        };
        if found.is_none() {
            found = look(Look::Quick);
        }
        if found.is_some() {
            return found;
        }
        look_after_peers(ports);
    }
}

fn look_after_peers<P: Deref<Target: Sleeps>>(ports: &[P]) {
    for port in ports {
        port.look_after_peers();
    }
}

/// Looks for messages without a pause, and now and then for everything, because peers that die or finish send none.
#[inline]
fn spin<P: Deref<Target: Sleeps>, T>(
    ports: &[P],
    start: Instant,
    spin: Duration,
    look: &mut impl FnMut(Look) -> Option<T>,
) -> Option<T> {
    let mut thorough = SPIN_SLICE;
    loop {
        let elapsed = start.elapsed();
        if elapsed >= spin {
            return None;
        }
        if elapsed >= thorough {
            thorough = elapsed + SPIN_SLICE;
            look_after_peers(ports);
            let found = look(Look::Thorough);
            if found.is_some() {
                return found;
            }
        }
        for _ in 0..LOOKS {
            std::hint::spin_loop();
            let found = look(Look::Quick);
            if found.is_some() {
                return found;
            }
        }
    }
}

/// Ports that say that their owner sleeps.
struct Armed<'a, P: Deref<Target: Sleeps>>(&'a [P]);

impl<'a, P: Deref<Target: Sleeps>> Armed<'a, P> {
    /// With the words to sleep on, and for how long at most.
    fn new(ports: &'a [P]) -> (Self, SleepList<'a>, Duration) {
        let armed = Self(ports);
        let mut list = SleepList::new();
        let mut heard = true;
        for port in ports {
            let listed = port.wake_word().is_some_and(|word| {
                let value = word::arm(word, Wish::Wake);
                value.is_some_and(|value| list.push(word, value))
            });
            heard &= listed;
        }
        // The sleeper's fence of the module `word`: behind what was just said, in front of the look.
        fence(Ordering::SeqCst);
        let slice = if heard && list.is_heard() { SLICE } else { SLICE_UNHEARD };
        (armed, list, slice)
    }
}

impl<P: Deref<Target: Sleeps>> Drop for Armed<'_, P> {
    fn drop(&mut self) {
        for word in self.0.iter().filter_map(|port| port.wake_word()) {
            word::disarm(word, Wish::Wake);
        }
    }
}
