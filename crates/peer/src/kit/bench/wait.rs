//! Waiting for the other peer, in one way everywhere: poll, pause, and check the deadline now and then.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::kit::implementation::Waiting;

/// How long a peer waits for a sign of the other one.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Polls between two looks at the clock: so many that the clock costs nothing.
const SPINS_BETWEEN_LOOKS: u32 = 1 << 16;

/// How one side waits for the other, and when it gives up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait<'a> {
    limit: Duration,
    /// Not 0 once the other peer gave up.
    given_up: &'a AtomicU64,
}

impl<'a> Wait<'a> {
    pub(super) fn new(limit: Duration, given_up: &'a AtomicU64) -> Self {
        Self { limit, given_up }
    }

    /// Waits for a bare line, which has no other form than spinning.
    #[inline]
    pub(super) fn spin<T>(&self, what: &str, mut poll: impl FnMut() -> Option<T>) -> Result<T, String> {
        self.wait(SPINS_BETWEEN_LOOKS, what, || Ok(poll()))
    }

    /// Waits for a port of the implementation. One that blocks sleeps within `poll`, so it is looked at each time.
    #[inline]
    pub(super) fn port<T>(
        &self,
        waiting: Waiting,
        what: &str,
        poll: impl FnMut() -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let spins = match waiting {
            Waiting::Spin => SPINS_BETWEEN_LOOKS,
            Waiting::Block => 1,
        };
        self.wait(spins, what, poll)
    }

    #[inline]
    fn wait<T>(
        &self,
        spins: u32,
        what: &str,
        mut poll: impl FnMut() -> Result<Option<T>, String>,
    ) -> Result<T, String> {
        let mut since = None;
        loop {
            for _ in 0..spins {
                if let Some(value) = poll()? {
                    return Ok(value);
                }
                std::hint::spin_loop();
            }
            self.look(&mut since, what)?;
        }
    }

    #[cold]
    fn look(&self, since: &mut Option<Instant>, what: &str) -> Result<(), String> {
        // Relaxed: nothing is read on the strength of it but the fact itself.
        if self.given_up.load(Ordering::Relaxed) != 0 {
            return Err(format!("the other peer gave up while this one waited for {what}; its own error says why"));
        }
        let since = since.get_or_insert_with(Instant::now);
        if since.elapsed() > self.limit {
            let seconds = self.limit.as_secs_f64();
            return Err(format!("no {what} from the other peer for {seconds} s: it is dead, stopped or stuck"));
        }
        // Both peers may have been put on one processor; then the other one needs it to get anywhere.
        std::thread::yield_now();
        Ok(())
    }
}
