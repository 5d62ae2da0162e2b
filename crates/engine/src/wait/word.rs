//! The wake word of a port: what its owner asks of those who send to it.
//!
//! The owner sets bits, senders take them away when they have seen them; whatever a broken peer writes there costs a spurious
//! wake-up, a system call too many, or a slice of delay, because nobody sleeps longer than a slice without looking.
//!
//! Why no wake-up is lost, with F as the fence that [`arm`] is followed by and that a sender either executes or is given:
//!
//! | sender            | sleeper                        |
//! |-------------------|--------------------------------|
//! | push              | word := ASLEEP                 |
//! | F                 | F                              |
//! | word has ASLEEP?  | look: is there a message?      |
//!
//! Of two full fences one comes first. If it is the sender's, the push is seen by the look; if it is the sleeper's, ASLEEP
//! is seen by the sender. In between, at the call of futex, the kernel compares the word once more.
//!
//! The textbook puts F into every send. Here a sender executes F only if FENCE is in the word, or if the kernel does not let
//! its process [take part](shm::register_for_fences) in `membarrier`. An owner that finds FENCE missing sets it and calls
//! [`shm::fence_all`], once in a long while instead of once a message: what a sender did before its share of that is seen by
//! the look, and what it does behind sees FENCE. From then on both fence, which costs a sender next to nothing beside the
//! system call that it mostly makes as well.

use std::sync::atomic::{AtomicU64, Ordering, compiler_fence, fence};

use crate::shm;

/// The owner sleeps on the word.
const ASLEEP: u64 = 1;
/// The owner waits for a byte in its notification pipe.
const NOTIFY_PIPE: u64 = 2;
/// The owner sleeps now and then: senders fence between a push and their look at the other bits.
pub(super) const FENCE: u64 = 4;

/// A wake word with all that the protocol does beside it: the facade through which it runs on mapped memory and under an
/// exploration of schedules. Accesses are relaxed, since what has to be ordered is ordered by fences.
pub(crate) trait WakeWord {
    /// What is asked.
    fn bits(&self) -> u64;
    /// Adds bits, and returns what was there before.
    fn add(&self, bits: u64) -> u64;
    /// Takes bits away, and returns what was there before.
    fn remove(&self, bits: u64) -> u64;
    /// A full fence.
    fn fence(&self);
    /// A fence for the compiler alone.
    fn compiler_fence(&self);
    /// A full fence in every sender that does not fence by itself, as [`shm::fence_all`].
    fn fence_all(&self) -> bool;
    /// Wakes who sleeps on the word.
    fn wake(&self);
}

impl WakeWord for AtomicU64 {
    #[inline]
    fn bits(&self) -> u64 {
        self.load(Ordering::Relaxed)
    }
    fn add(&self, bits: u64) -> u64 {
        self.fetch_or(bits, Ordering::Relaxed)
    }
    fn remove(&self, bits: u64) -> u64 {
        self.fetch_and(!bits, Ordering::Relaxed)
    }
    #[inline]
    fn fence(&self) {
        fence(Ordering::SeqCst);
    }
    #[inline]
    fn compiler_fence(&self) {
        compiler_fence(Ordering::SeqCst);
    }
    fn fence_all(&self) -> bool {
        shm::fence_all()
    }
    fn wake(&self) {
        shm::wake(self);
    }
}

/// How the owner is to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum WakeMethod {
    /// It will sleep on the word.
    Futex = ASLEEP,
    /// It will wait for a byte.
    Pipe = NOTIFY_PIPE,
}

/// Asks for a wake-up. The owner looks for messages behind a `fence(SeqCst)` that follows, and then sleeps while the
/// word is the one that is returned. `None`: senders may not see it, so the sleep has to be short.
#[must_use]
pub(crate) fn arm(word: &impl WakeWord, method: WakeMethod) -> Option<u64> {
    // The fence orders it before the poll.
    let before = word.add(method as u64 | FENCE);
    if before & FENCE == 0 && !word.fence_all() {
        // Or it would be believed the next time.
        clear_fence(word);
        return None;
    }
    Some(before | method as u64 | FENCE)
}

/// Clears what no sender has seen.
pub(crate) fn disarm(word: &impl WakeWord, method: WakeMethod) {
    // A sender that still sees the bit wakes spuriously.
    if word.bits() & method as u64 != 0 {
        word.remove(method as u64);
    }
}

/// The owner has not slept for a while: senders need not fence any more.
pub(crate) fn clear_fence(word: &impl WakeWord) {
    // A fence too many does no harm, and before the owner sleeps again it makes sure that nobody lacks one.
    word.remove(FENCE);
}

/// The sender's check, behind its push. `fences` unless its process is [registered](shm::register_for_fences).
#[inline]
pub(crate) fn is_quiet(word: &impl WakeWord, fences: bool) -> bool {
    if fences {
        word.fence();
    } else {
        // The compiler must not look before it pushes. The processor may: then the barrier of whoever sleeps tells.
        word.compiler_fence();
    }
    // What matters is the order of the push and this look, and both fences above are about that.
    word.bits() == 0
}

/// Does what the word asks a sender to do, except for writing to the notification pipe, which takes a file: whether that is
/// left to do.
#[cold]
#[must_use]
pub(crate) fn wake_owner(word: &impl WakeWord) -> bool {
    // The F of the module's table.
    word.fence();
    if word.bits() & (ASLEEP | NOTIFY_PIPE) == 0 {
        return false;
    }
    // Nothing but the bits is exchanged here. Of several senders one takes them away and calls; one that dies in
    // between leaves the owner asleep for a slice.
    let asked = word.remove(ASLEEP | NOTIFY_PIPE);
    if asked & ASLEEP != 0 {
        word.wake();
    }
    asked & NOTIFY_PIPE != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_does_what_is_asked_once() {
        let word = AtomicU64::new(0);
        assert!(is_quiet(&word, false) && is_quiet(&word, true));
        assert_eq!(arm(&word, WakeMethod::Pipe), Some(NOTIFY_PIPE | FENCE));
        assert!(!is_quiet(&word, false));
        assert_eq!([wake_owner(&word), wake_owner(&word)], [true, false], "whether to write");
        assert_eq!(arm(&word, WakeMethod::Futex), Some(ASLEEP | FENCE));
        assert!(!wake_owner(&word));
        assert_eq!(word.load(Ordering::Relaxed), FENCE, "asleep until somebody calls, and fenced until it is calm");
        clear_fence(&word);
        assert!(is_quiet(&word, false));
    }

    #[test]
    fn a_disarmed_word_wakes_nobody() {
        let word = AtomicU64::new(0);
        let _ = arm(&word, WakeMethod::Pipe);
        let _ = arm(&word, WakeMethod::Futex);
        disarm(&word, WakeMethod::Pipe);
        disarm(&word, WakeMethod::Futex);
        assert!(!wake_owner(&word));
    }
}
