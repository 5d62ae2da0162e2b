//! Ctrl-C: the first one ends the run early with what was measured so far, the second one ends everything at once. A
//! terminal that goes away (SIGHUP) counts as the first one, however often it is told.
//!
//! Every live process group and every namespace folder is registered in `live`, so that neither way leaves one behind.

use std::fs;
use std::io;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::leftovers;
use super::live::live;
use super::removal::remove_run;

/// How long any wait of the harness may go on after [`interrupted`] has become true, ms.
pub const NOTICE_MS: u64 = 50;

/// How long the end of everything waits for killed peers to be gone.
const END_TIME: Duration = Duration::from_secs(1);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether the run is to end early.
pub fn interrupted() -> bool {
    // A lone flag: nothing else is read on the strength of it.
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Ends the run early, as the first Ctrl-C does.
pub fn interrupt() {
    INTERRUPTED.store(true, Ordering::Relaxed);
}

/// Makes SIGINT, SIGTERM and SIGHUP end the run: at the first one [`interrupted`] becomes true; at a second one that is no
/// SIGHUP every peer is killed, every namespace removed, and the process ends with exit code 130. A SIGHUP that was ignored
/// from the start, as `nohup` does, stays so. Later calls do nothing.
///
/// # Errors
/// The handlers cannot be installed.
pub fn install() -> io::Result<()> {
    static ONCE: Once = Once::new();
    let mut outcome = Ok(());
    ONCE.call_once(|| outcome = listen());
    outcome
}

fn listen() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    if !is_ignored(SIGHUP, &fs::read_to_string("/proc/self/status").unwrap_or_default()) {
        signals.add_signal(SIGHUP)?;
    }
    thread::Builder::new().name("interrupt".to_owned()).spawn(move || {
        for signal in signals.forever() {
            // A terminal's end is told by the shell and by the kernel.
            if interrupted() && signal != SIGHUP {
                end_everything();
                std::process::exit(130);
            }
            interrupt();
        }
    })?;
    Ok(())
}

/// Whether this process ignores a signal, by the text of `/proc/self/status`.
fn is_ignored(signal: i32, status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

/// Kills all groups and removes all namespaces. Keeps the lock, so that nothing new can be started.
fn end_everything() {
    let live = std::mem::ManuallyDrop::new(live());
    for group in &live.groups {
        let _ = killpg(Pid::from_raw(*group), Signal::SIGKILL);
    }
    // What is inside a system call may still make a file.
    let deadline = Instant::now() + END_TIME;
    let is_gone = |group: &i32| leftovers::state(group.cast_unsigned()).is_none_or(|state| !leftovers::is_alive(state));
    while !live.groups.iter().all(is_gone) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(1));
    }
    for folder in &live.folders {
        remove_run(folder);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_nohup_ignores_is_known() {
        assert!(is_ignored(SIGHUP, "Name:\tx\nSigIgn:\t0000000000001001\n"));
        assert!(!is_ignored(SIGHUP, "SigIgn:\t0000000000001002\nSigCgt:\t0000000000000001\n"));
        assert!(!is_ignored(SIGHUP, ""), "without /proc it is handled");
    }
}
