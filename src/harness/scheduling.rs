//! Real-time scheduling of peers: nothing but the kernel and what is of a higher priority takes their processor away.
#![allow(unsafe_code, reason = "no safe crate sets the policy of another process")]

use std::io;

/// Lowest real-time priority: before every ordinary process, behind everything else that is real-time.
const PRIORITY: libc::c_int = 1;

/// Puts the main thread of a process under `SCHED_FIFO`; threads that it starts from then on are as well.
///
/// # Errors
/// `EPERM` without `CAP_SYS_NICE` or a limit of real-time priorities (`ulimit -r`); `ESRCH` if it is gone.
pub fn real_time(pid: u32) -> io::Result<()> {
    set(pid.cast_signed(), libc::SCHED_FIFO, PRIORITY)
}

/// Whether this process may do that.
///
/// # Errors
/// As [`real_time`].
pub fn may_be_real_time() -> io::Result<()> {
    // 0 is the calling thread, which is ordinary again at once.
    set(0, libc::SCHED_FIFO, PRIORITY)?;
    set(0, libc::SCHED_OTHER, 0)
}

fn set(pid: libc::pid_t, policy: libc::c_int, priority: libc::c_int) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: priority };
    // SAFETY: the kernel reads one `sched_param` and keeps no reference to it; it checks all three values itself.
    let code = unsafe { libc::sched_setscheduler(pid, policy, &raw const parameter) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// Field 41 of `/proc/PID/stat` is the policy; the name in parentheses may hold spaces.
    fn policy(pid: u32) -> i32 {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')').unwrap().1.split_ascii_whitespace().nth(38).unwrap().parse().unwrap()
    }

    #[test]
    fn a_process_becomes_real_time_where_it_may() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        match real_time(child.id()) {
            Ok(()) => assert_eq!(policy(child.id()), libc::SCHED_FIFO),
            Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EPERM), "{error}"),
        }
        let may = may_be_real_time();
        assert_eq!(may.is_ok(), policy(child.id()) == libc::SCHED_FIFO, "{may:?}");
        drop(child.stdin.take());
        child.wait().unwrap();
        assert_eq!(policy(std::process::id()), libc::SCHED_OTHER, "this one is as it was");
    }

    #[test]
    fn a_process_that_is_gone_is_an_error() {
        assert!(real_time(i32::MAX as u32).is_err());
    }
}
