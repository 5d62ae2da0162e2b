//! Sleeping on words of shared memory, waking who sleeps there, and the fence that a sleeper puts in everybody's way.
//!
//! Futexes compare 32 bits: the low half of a word. None of these is private to the process: the kernel finds the word by
//! its file and offset, so sleepers and wakers may have it mapped anywhere.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Most words that one thread sleeps on at once: the kernel's limit.
pub const WORDS_MAX: usize = 128;

/// The kernel's `struct futex_waitv`.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
struct Waiter {
    value: u64,
    address: u64,
    flags: u32,
    reserved: u32,
}

/// The kernel's `FUTEX2_SIZE_U32`, without the flag for private ones.
const WAITER_U32: u32 = 2;

/// Whether the kernel, or what filters its calls, has refused to let a thread sleep on several words.
static ONE_AT_A_TIME: AtomicBool = AtomicBool::new(false);

/// What is compared of a word.
fn low_half(word: &AtomicU64) -> *const u32 {
    let halves = std::ptr::from_ref(word).cast::<u32>();
    // The second half is within the word too, where that is the low one.
    if cfg!(target_endian = "big") { halves.wrapping_add(1) } else { halves }
}

pub(super) fn timespec(duration: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: libc::time_t::try_from(duration.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}

/// Words to sleep on, on the stack.
#[derive(Debug)]
pub struct SleepList<'a> {
    waiters: [Waiter; WORDS_MAX],
    first: Option<&'a AtomicU64>,
    len: usize,
}

/// Without words.
impl Default for SleepList<'_> {
    fn default() -> Self {
        Self { waiters: [Waiter::default(); WORDS_MAX], first: None, len: 0 }
    }
}

impl<'a> SleepList<'a> {
    /// Adds a word, to be slept on while its low half is that of `value`; `false` if the list is full.
    #[must_use]
    pub fn push(&mut self, word: &'a AtomicU64, value: u64) -> bool {
        let Some(waiter) = self.waiters.get_mut(self.len) else { return false };
        let address = low_half(word).expose_provenance() as u64;
        *waiter = Waiter { value: u64::from(value as u32), address, flags: WAITER_U32, reserved: 0 };
        self.first = self.first.or(Some(word));
        self.len += 1;
        true
    }

    /// Whether the thread would be woken by every word of the list. It is not where the kernel lets it sleep on one word
    /// alone.
    pub fn wakes_on_all(&self) -> bool {
        // Relaxed: a fact about the kernel, which nothing else depends on.
        self.len == 1 || (self.len > 1 && !ONE_AT_A_TIME.load(Ordering::Relaxed))
    }

    /// Sleeps until one of the words is woken, at most `timeout`; not at all if a word has changed. Wakes up without a
    /// reason now and then, so the caller looks what has happened in any case.
    pub fn sleep(&self, timeout: Duration) {
        match self.first {
            None => std::thread::sleep(timeout),
            Some(word) if !self.wakes_on_all() || self.len == 1 => sleep(word, self.waiters[0].value as u32, timeout),
            Some(_) => self.sleep_on_all(timeout),
        }
    }

    fn sleep_on_all(&self, timeout: Duration) {
        let mut now = timespec(Duration::ZERO);
        // SAFETY: the call writes to `now` alone.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        let now = Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec.unsigned_abs() as u32);
        let end = timespec(now.saturating_add(timeout));
        // SAFETY: `len` waiters lie in the array; their addresses are of words that the list borrows, and the kernel only
        // reads there. What a peer writes into the words decides about sleeping and nothing else.
        let result = unsafe {
            libc::syscall(
                libc::SYS_futex_waitv,
                self.waiters.as_ptr(),
                self.len as libc::c_uint,
                0,
                &raw const end,
                libc::CLOCK_MONOTONIC,
            )
        };
        let refused = || matches!(io::Error::last_os_error().raw_os_error(), Some(libc::ENOSYS | libc::EPERM));
        if result < 0 && refused() {
            ONE_AT_A_TIME.store(true, Ordering::Relaxed); // As `wakes_on_all`.
        }
    }
}

fn sleep(word: &AtomicU64, value: u32, timeout: Duration) {
    let timeout = timespec(timeout);
    // SAFETY: the word is mapped as long as the reference lives, and the kernel only reads it. Why the call returns is of no
    // matter: the caller looks.
    unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAIT, value, &raw const timeout) };
}

/// Wakes the one thread that sleeps on the word, if there is one.
pub fn wake(word: &AtomicU64) {
    // SAFETY: the kernel does not touch the word: its address is a name. A mapping whose file was shortened is an error.
    unsafe { libc::syscall(libc::SYS_futex, low_half(word), libc::FUTEX_WAKE, 1) };
}

/// Lets [`fence_all`] of any process reach the threads of this one, before its first message. Asked for once: processes do
/// not lose it, and forked ones inherit it.
///
/// `false` if the kernel, or what filters its calls, does not know how: then every sender has to fence after every push.
#[must_use]
pub fn register_for_fences() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| membarrier(libc::MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED))
}

/// A full memory fence in every running thread of every process that takes part: between two of its instructions, at some
/// moment between the call and its return. `false` if the kernel refuses: then a sleeper cannot rely on being woken.
#[must_use]
pub fn fence_all() -> bool {
    membarrier(libc::MEMBARRIER_CMD_GLOBAL_EXPEDITED)
}

fn membarrier(command: libc::c_int) -> bool {
    // SAFETY: touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}
