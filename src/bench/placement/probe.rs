//! A probe of the line: two threads, each on its processor, pass one line back and forth for some milliseconds.
//!
//! On a busy machine either thread may be scheduled late, in the middle of the probe or after its end. So nobody waits
//! for a thread, and the end is a word of its own that is only ever set: nothing that is stored late takes it back.
//! Each wait sees the end, the deadline and an interrupt. A probe whose threads did not connect in time has no result.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use crate::harness::interrupt::{NOTICE_MS, interrupted};
use crate::statistics::median;

/// Time of a probe.
const PROBE_TIME: Duration = Duration::from_millis(3);
/// What has not come back by then does not: somebody else uses the processors.
const PROBE_TIME_MAX: Duration = Duration::from_millis(NOTICE_MS);
/// Round trips between two readings of the clock.
const BATCH: u32 = 20;

/// In the line before the server is there.
const EMPTY: u64 = 0;
/// The server is there. Behind this, the client counts up by two, and the server answers with one more.
const READY: u64 = 1;

/// A word that has its line, and the one beside it, to itself.
#[repr(align(128))]
struct Line(AtomicU64);

/// What the two sides share.
trait Table {
    /// Polls of a spinning side between two looks at the end: so many that these cost nothing.
    const POLLS: u32;
    fn token(&self) -> u64;
    fn put(&self, token: u64);
    fn is_over(&self) -> bool;
    /// Between two polls.
    fn pause(&self);
    /// Between two polls for somebody who may need this very processor first, to leave it.
    fn yield_now(&self);
}

/// A probe of real processors.
struct LineProbe {
    line: Line,
    /// Set once, never cleared.
    over: AtomicBool,
    until: Instant,
    interrupted: fn() -> bool,
}

impl LineProbe {
    fn new(time: Duration) -> Self {
        let line = Line(AtomicU64::new(EMPTY));
        Self { line, over: AtomicBool::new(false), until: Instant::now() + time, interrupted }
    }

    fn end(&self) {
        // Relaxed: nothing else is read on the strength of it.
        self.over.store(true, Ordering::Relaxed);
    }
}

impl Table for LineProbe {
    const POLLS: u32 = 1024;

    // Acquire and Release as in the floor that the peers measure.
    fn token(&self) -> u64 {
        self.line.0.load(Ordering::Acquire)
    }

    fn put(&self, token: u64) {
        self.line.0.store(token, Ordering::Release);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed) || (self.interrupted)() || Instant::now() >= self.until
    }

    fn pause(&self) {
        spin_loop();
    }

    fn yield_now(&self) {
        thread::yield_now();
    }
}

/// Time of a line from one processor to the other and back, ns: median over batches. `None` if the two sides did not meet
/// in time. Returns within [`PROBE_TIME_MAX`]; a thread that is scheduled later ends at once.
pub(super) fn floor_ns((client, server): (usize, usize)) -> Option<f64> {
    let look = Arc::new(LineProbe::new(PROBE_TIME_MAX));
    let (tell, told) = mpsc::channel();
    let (for_server, for_client) = (Arc::clone(&look), Arc::clone(&look));
    let spawn = |side: Box<dyn FnOnce() + Send>| thread::Builder::new().name("look".to_owned()).spawn(side).is_ok();
    let both = spawn(Box::new(move || {
        if pin(server) {
            answer(&*for_server);
        } else {
            for_server.end();
        }
    })) && spawn(Box::new(move || {
        let measured = pin(client).then(|| run_client(&*for_client)).flatten();
        // The result of a client that is too late is not used.
        let _ = tell.send(measured);
    }));
    let measured = both.then(|| told.recv_timeout(PROBE_TIME_MAX).ok()).flatten();
    look.end();
    median(&measured.flatten()?)
}

/// The server's side, until the end.
fn answer<T: Table>(table: &T) {
    if table.is_over() {
        return;
    }
    table.put(READY);
    let mut token = READY + 1;
    while await_token(table, token, T::POLLS, T::pause).is_some() {
        table.put(token + 1);
        token += 2;
    }
}

/// The client's side: round trips of the line, ns, each the mean of a batch.
fn run_client(table: &impl Table) -> Option<Vec<f64>> {
    let mut token = wait_for_server(table)?;
    let begin = Instant::now();
    let mut batches = Vec::new();
    while begin.elapsed() < PROBE_TIME {
        let start = Instant::now();
        for _ in 0..BATCH {
            token = round_trip(table, token)?;
        }
        batches.push(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
    }
    Some(batches)
}

/// Waits until the server is there. Returns the token, which is the client's then.
fn wait_for_server<T: Table>(table: &T) -> Option<u64> {
    await_token(table, READY, 1, T::yield_now).map(|()| READY)
}

/// Once over and back. Returns the token, which is the client's again.
#[inline]
fn round_trip<T: Table>(table: &T, token: u64) -> Option<u64> {
    table.put(token + 1);
    await_token(table, token + 2, T::POLLS, T::pause).map(|()| token + 2)
}

/// Waits for a token, and looks at the end every so many polls. `None` when the probe is over.
#[inline]
fn await_token<T: Table>(table: &T, token: u64, every: u32, between: impl Fn(&T)) -> Option<()> {
    let mut polls = 0_u32;
    while table.token() != token {
        polls = polls.wrapping_add(1);
        if polls.is_multiple_of(every) && table.is_over() {
            return None;
        }
        between(table);
    }
    Some(())
}

/// Puts this thread on a processor; `false` if it may not run there, which is the peers' to report.
fn pin(cpu: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)).is_ok()
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
