//! Whether the machine had too few processors for what ran on it: then a peer that was late need not be slow.

use std::fs;
use std::time::{Duration, Instant};

/// What the kernel tells of tasks that wait for a processor.
const PRESSURE: &str = "/proc/pressure/cpu";
/// So much of a time has to be one in which a task waited.
const SHARE_MIN: f64 = 0.5;

/// A time that is being watched.
#[derive(Debug, Clone, Copy)]
pub struct OverloadWatch {
    since: Instant,
    /// Time in which a task of this machine waited for a processor, since the machine's start.
    waited: Option<Duration>,
}

impl OverloadWatch {
    /// From now on.
    pub fn begin() -> Self {
        Self { since: Instant::now(), waited: waited() }
    }

    /// A sentence if tasks waited for a processor during at least half of the time until now. `None` also where the kernel
    /// does not tell (no `/proc/pressure`).
    pub fn overload(&self) -> Option<String> {
        sentence(waited()?.checked_sub(self.waited?)?, self.since.elapsed())
    }
}

fn waited() -> Option<Duration> {
    total(&fs::read_to_string(PRESSURE).ok()?)
}

/// `some avg10=0.00 avg60=0.00 avg300=0.00 total=4711`, in microseconds.
fn total(text: &str) -> Option<Duration> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.rsplit_once("total=")?.1.parse().ok().map(Duration::from_micros)
}

fn sentence(waited: Duration, elapsed: Duration) -> Option<String> {
    let is_overloaded = !elapsed.is_zero() && waited.as_secs_f64() >= SHARE_MIN * elapsed.as_secs_f64();
    is_overloaded.then(|| {
        let (waited, elapsed) = (waited.min(elapsed).as_millis(), elapsed.as_millis());
        format!(
            "the machine was overloaded: during {waited} of {elapsed} ms somebody waited for a processor. Repeat it on a \
             quieter machine, or with --timeout-multiplier"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_time_is_overload() {
        let [second, half, less] = [1000, 500, 499].map(Duration::from_millis);
        assert_eq!(sentence(less, second), None);
        assert_eq!(sentence(Duration::ZERO, Duration::ZERO), None);
        let said = sentence(half, second).unwrap();
        assert!(said.contains("500 of 1000 ms") && said.contains("--timeout-multiplier"), "{said}");
    }

    #[test]
    fn the_kernels_words_are_read() {
        let text = "some avg10=84.32 avg60=90.88 avg300=86.13 total=15942042246\nfull avg10=0.00 total=0\n";
        assert_eq!(total(text), Some(Duration::from_micros(15_942_042_246)));
        assert_eq!(total("full avg10=0.00 total=7\n"), None);
        assert_eq!(total("some total=many\n"), None);
    }
}
