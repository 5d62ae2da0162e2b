//! A bare cache line over to another process and back: what no round trip between two processors takes less than.
//!
//! Odd numbers are the answering side's turn. Release and Acquire, throughout: what an engine needs to hand anything over.

use std::error::Error;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Hands the line over and waits for it, with a look at the clock after so many `polls`.
pub fn over_and_back(word: &AtomicU64, polls: u32, patience: Duration) -> Result<(), Box<dyn Error>> {
    // Relaxed: this side has read or written it last.
    let answer = word.load(Ordering::Relaxed) + 2;
    word.store(answer - 1, Ordering::Release);
    let mut since = None;
    loop {
        for _ in 0..polls {
            let number = word.load(Ordering::Acquire);
            if number == answer {
                return Ok(());
            }
            if number != answer - 1 {
                return Err(format!("number {number} came back on the line, and not {answer}").into());
            }
            spin_loop();
        }
        if since.get_or_insert_with(Instant::now).elapsed() > patience {
            return Err(format!("the line has not come back for {} s", patience.as_secs()).into());
        }
    }
}

/// The other side: answers for so many `polls` with what is said for the next number, unless nothing is.
pub fn answer(word: &AtomicU64, polls: u32, said: &impl Fn(u64) -> Option<u64>) {
    for _ in 0..polls {
        let number = word.load(Ordering::Acquire);
        if number.is_multiple_of(2) {
            spin_loop();
        } else if let Some(next) = said(number + 1) {
            word.store(next, Ordering::Release);
        }
    }
}
