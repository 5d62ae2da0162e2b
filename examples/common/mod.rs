//! What the examples share: how often they go round, and how they end.
//!
//! They print with `writeln!`: `println!` panics when nobody reads any more, as after `| head -1`, and a panic that aborts
//! leaves files in shared memory until somebody cleans up.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Goes round once a cycle, until Ctrl-C or, if the program was given a number, so many times.
#[derive(Debug)]
pub struct Cycles {
    cycle: Duration,
    left: Option<u64>,
    interrupted: Arc<AtomicBool>,
}

impl Cycles {
    /// Reads the number from the command line.
    ///
    /// # Errors
    /// If the first argument is no number.
    pub fn from_arguments(cycle: Duration) -> Result<Self, Box<dyn Error>> {
        let left = std::env::args().nth(1).map(|count| count.parse()).transpose()?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        Ok(Self { cycle, left, interrupted })
    }

    /// Sleeps for a cycle; `false` if it is time to end.
    pub fn next(&mut self) -> bool {
        if let Some(left) = &mut self.left {
            if *left == 0 {
                return false;
            }
            *left -= 1;
        }
        std::thread::sleep(self.cycle);
        // Relaxed: the flag stands for itself.
        !self.interrupted.load(Ordering::Relaxed)
    }
}
