//! A peer that is slower on purpose: what a comparison of builds has to find.

use std::hint::black_box;
use std::time::Instant;

use crate::kit::implementation::BenchClient;

/// Time that the client of a trial spends on each response beyond its own, in ns. Whoever sets it wants to know whether a
/// build that is slower by so much is found; every result says that it was set.
pub const DELAY_VARIABLE: &str = "SHMARK_KIT_DELAY_NS";
/// Longest delay, ns.
const DELAY_NS_MAX: f64 = 1e6;
/// Steps in a batch, and batches.
const STEPS: u64 = 20_000;
const BATCHES: usize = 31;

/// How long, in steps of a loop that takes about a nanosecond each: a clock could not be read so often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delay {
    pub(super) ns: f64,
    steps: u64,
}

impl Delay {
    /// The one that is asked for in the environment, if there is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn from_environment() -> Result<Option<Self>, String> {
        let Some(word) = std::env::var_os(DELAY_VARIABLE) else { return Ok(None) };
        Self::parse(&word.to_string_lossy()).map(Some)
    }

    fn parse(word: &str) -> Result<Self, String> {
        match word.parse::<f64>() {
            Ok(ns) if (0.0..=DELAY_NS_MAX).contains(&ns) => Ok(Self { ns, steps: (ns / step_ns()).round() as u64 }),
            _ => Err(format!("{DELAY_VARIABLE} is `{word}`; it has to be a number of ns from 0 to {DELAY_NS_MAX}")),
        }
    }

    #[inline]
    fn pass(self) {
        run(self.steps);
    }
}

/// Steps that depend on each other, so that no two of them are made at once.
#[inline]
fn run(steps: u64) {
    let mut number = 1_u64;
    for _ in 0..steps {
        number = black_box(number.wrapping_mul(3));
    }
}

/// What a step takes, ns: the median of some batches, at most some milliseconds in all.
fn step_ns() -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            run(STEPS);
            start.elapsed().as_nanos() as f64 / STEPS as f64
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2].max(f64::MIN_POSITIVE)
}

/// A client that takes longer for each response.
#[derive(Debug)]
pub(super) struct Delayed<'a, C> {
    pub(super) client: &'a mut C,
    pub(super) delay: Delay,
}

impl<C: BenchClient> BenchClient for Delayed<'_, C> {
    #[inline]
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.client.send(sequence)
    }

    #[inline]
    fn poll(&mut self) -> Result<Option<u64>, String> {
        let polled = self.client.poll();
        if let Ok(Some(_)) = &polled {
            self.delay.pass();
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_delay_takes_at_least_about_what_it_says() {
        let delay = Delay::parse("200000").unwrap();
        // Calibrated on a machine that may have become faster since; a slower one proves nothing, so the shortest counts.
        let shortest = (0..50).map(|_| {
            let start = Instant::now();
            delay.pass();
            start.elapsed()
        });
        let shortest = shortest.min().unwrap();
        assert!(shortest >= Duration::from_micros(50), "200 µs were over in {shortest:?}");
        assert_eq!(Delay::parse("0").unwrap().steps, 0);
    }

    #[test]
    fn nonsense_is_refused_with_the_range() {
        for word in ["", "x", "-1", "NaN", "inf", "1e7", "5%"] {
            let error = Delay::parse(word).unwrap_err();
            assert!(error.contains(DELAY_VARIABLE) && error.contains("from 0 to 1000000"), "{error}");
        }
    }

    struct Counting(u64);

    impl BenchClient for Counting {
        fn send(&mut self, _: u64) -> Result<(), String> {
            Ok(())
        }
        fn poll(&mut self) -> Result<Option<u64>, String> {
            self.0 += 1;
            Ok(self.0.is_multiple_of(2).then_some(self.0))
        }
    }

    #[test]
    fn the_client_behind_it_is_the_same() {
        let mut client = Counting(0);
        let mut delayed = Delayed { client: &mut client, delay: Delay { ns: 1.0, steps: 1 } };
        assert_eq!((delayed.send(1), delayed.poll(), delayed.poll()), (Ok(()), Ok(None), Ok(Some(2))));
    }
}
