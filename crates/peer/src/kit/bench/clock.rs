//! The clock that times single round trips.
//!
//! Where the processor's counter advances evenly, it is read without a system call and without waiting for what stands in
//! front of it: some nanoseconds, in steps below one. Elsewhere it is `CLOCK_MONOTONIC`. Which of them, and what a counter's
//! step is worth, is `quanta`'s business.

use std::hint::black_box;

/// Readings in a batch.
const READINGS: u32 = 1000;
const BATCHES: usize = 31;
/// What a reading takes where tests say what time it is, ns.
#[cfg(test)]
pub(super) const MOCK_READING_NS: u64 = 10;

/// What a reading of the clock that times single round trips takes on this machine, ns. Takes at most some 200 ms.
pub fn reading_ns() -> f64 {
    Clock::new().reading_ns()
}

/// Reads ticks, and says what they are worth.
#[derive(Debug)]
pub(super) struct Clock {
    counter: quanta::Clock,
    reading_ns: f64,
    #[cfg(test)]
    mock: Option<std::sync::Arc<quanta::Mock>>,
}

impl Clock {
    /// Calibrates the counter, and measures what a reading takes: at most some 200 ms.
    pub(super) fn new() -> Self {
        let clock = quanta::Clock::new();
        let batch = |_| {
            let start = clock.raw();
            for _ in 0..READINGS {
                black_box(clock.raw());
            }
            clock.delta_as_nanos(start, clock.raw()) as f64 / f64::from(READINGS)
        };
        let mut batches: Vec<f64> = (0..BATCHES).map(batch).collect();
        batches.sort_by(f64::total_cmp);
        let reading_ns = batches[BATCHES / 2];
        Self {
            counter: clock,
            reading_ns,
            #[cfg(test)]
            mock: None,
        }
    }

    /// Now, in ticks of an unknown length.
    #[inline]
    pub(super) fn ticks(&self) -> u64 {
        #[cfg(test)]
        if let Some(mock) = &self.mock {
            mock.increment(MOCK_READING_NS);
        }
        self.counter.raw()
    }

    /// A number of ticks in ns.
    pub(super) fn ns(&self, ticks: u64) -> u64 {
        self.counter.delta_as_nanos(0, ticks)
    }

    /// How many ticks a nanosecond has.
    pub(super) fn ticks_per_ns(&self) -> f64 {
        const MANY: u64 = 1 << 40;
        MANY as f64 / self.ns(MANY) as f64
    }

    /// One whose ticks are nanoseconds, and which advances with each reading and when it is told to.
    #[cfg(test)]
    pub(super) fn mock() -> (Self, std::sync::Arc<quanta::Mock>) {
        let (clock, mock) = quanta::Clock::mock();
        (Self { counter: clock, reading_ns: MOCK_READING_NS as f64, mock: Some(mock.clone()) }, mock)
    }

    /// What a reading takes, ns: the median of some batches.
    pub(super) fn reading_ns(&self) -> f64 {
        self.reading_ns
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn ticks_are_worth_what_the_monotonic_clock_says() {
        let clock = Clock::new();
        assert!(clock.reading_ns() > 0.0 && clock.ns(0) == 0);
        // A process that is not scheduled between the readings is tried again.
        let found = (0..100).any(|_| {
            let (start, ticks) = (Instant::now(), clock.ticks());
            while start.elapsed() < Duration::from_millis(2) {
                std::hint::spin_loop();
            }
            let (ns, expected) = (clock.ns(clock.ticks() - ticks) as f64, start.elapsed().as_nanos() as f64);
            (ns / expected - 1.0).abs() < 0.02
        });
        assert!(found, "2 ms of CLOCK_MONOTONIC were never within 2 % of what the ticks said");
    }
}
