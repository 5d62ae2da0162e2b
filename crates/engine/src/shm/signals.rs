//! Signals of threads that the engine starts.

use std::mem::MaybeUninit;

/// Keeps all signals from the calling thread, so that they reach the program's own.
pub(crate) fn block_signals() {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset writes the whole set before pthread_sigmask reads it; no old set is asked for. Neither keeps the
    // pointer, and nothing here comes from a peer.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}
