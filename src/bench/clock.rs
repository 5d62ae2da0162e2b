//! What reading the clock costs. Every timed round trip, of load and of floor alike, includes one reading.

use std::hint::black_box;
use std::time::Instant;

use super::statistics::median;

const BATCHES: usize = 101;
const READINGS: u32 = 1000;

/// Time of one clock reading on this machine, ns: median over batches. Takes a few milliseconds.
pub fn cost_ns() -> f64 {
    let batch = |_| {
        let start = Instant::now();
        for _ in 0..READINGS {
            black_box(Instant::now());
        }
        start.elapsed().as_nanos() as f64 / f64::from(READINGS)
    };
    // There is at least one batch.
    median(&(0..BATCHES).map(batch).collect::<Vec<_>>()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_reading_takes_time() {
        assert!(super::cost_ns() > 0.0);
    }
}
