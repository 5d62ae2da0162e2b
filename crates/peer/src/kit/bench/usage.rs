//! What a process used, from the kernel. Every function is a system call: at slice borders only.

use nix::sys::resource::{Usage, UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::time::{ClockId, clock_gettime};

use crate::bench_protocol::BenchResources;

/// Processor time of this thread, ns.
pub(super) fn thread_cpu_ns() -> Result<u64, String> {
    clock_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// The clock that the runner gives start times in, ns.
pub(super) fn monotonic_ns() -> Result<u64, String> {
    clock_ns(ClockId::CLOCK_MONOTONIC)
}

fn clock_ns(clock: ClockId) -> Result<u64, String> {
    let time = clock_gettime(clock).map_err(|errno| format!("clock_gettime: {errno}"))?;
    Ok(time.tv_sec().unsigned_abs() * 1_000_000_000 + time.tv_nsec().unsigned_abs())
}

/// Resources over the counted time.
#[derive(Debug, Default)]
pub(super) struct Meter {
    before: Option<Usage>,
    used: BenchResources,
}

impl Meter {
    /// The counted time begins, unless it has already.
    pub(super) fn begin(&mut self) -> Result<(), String> {
        if self.before.is_none() {
            self.before = Some(usage()?);
        }
        Ok(())
    }

    /// Processor time of a counted load slice.
    pub(super) fn add_load_cpu_ns(&mut self, ns: u64) {
        self.used.load_cpu_ns += ns;
    }

    /// The counted time ends.
    pub(super) fn end(&mut self) -> Result<(), String> {
        let Some(before) = self.before else { return Ok(()) };
        let after = usage()?;
        let since = |count: fn(&Usage) -> i64| count(&after).saturating_sub(count(&before)).max(0).unsigned_abs();
        self.used = BenchResources {
            user_ns: since(|usage| ns(usage.user_time())),
            system_ns: since(|usage| ns(usage.system_time())),
            load_cpu_ns: self.used.load_cpu_ns,
            context_switches_voluntary: since(Usage::voluntary_context_switches),
            context_switches_involuntary: since(Usage::involuntary_context_switches),
            page_faults_minor: since(Usage::minor_page_faults),
            page_faults_major: since(Usage::major_page_faults),
            // The kernel counts in units of 1024 bytes, from the process's start.
            rss_bytes_peak: after.max_rss().max(0).unsigned_abs() * 1024,
        };
        Ok(())
    }

    pub(super) fn used(&self) -> BenchResources {
        self.used
    }
}

fn ns(time: TimeVal) -> i64 {
    time.num_microseconds() * 1000
}

fn usage() -> Result<Usage, String> {
    getrusage(UsageWho::RUSAGE_SELF).map_err(|errno| format!("getrusage: {errno}"))
}
