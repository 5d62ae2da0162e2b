//! Where the host of a virtual machine has put the two processors, and waiting until they are close together.
//!
//! The host moves virtual processors between real ones whenever they have slept: onto cores that share a cache, or onto
//! cores that do not. Each placement has figures of its own ([`super::regimes`]), so a run that met only one cannot be
//! compared with a run that met only the other. So before each trial the line between the processors is measured for some
//! milliseconds, and if they are far apart the run sleeps, which leaves the host free to move them, and looks again, for
//! as long as its patience lasts. Whatever the trial itself meets afterwards is in its floors.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::statistics::median;
use crate::harness::interrupt::{NOTICE_MS, interrupted};
use crate::report::events::{Event, Observer};

/// Longest round trip of a line between processors that share a cache, ns. Where they do, it takes 30 to 130 ns; where they
/// do not, 200 ns and more.
pub const NEAR_NS: f64 = 150.0;
/// How long a run waits in all.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long a quick run waits in all.
const PATIENCE_QUICK: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(NOTICE_MS);
/// Time of a look.
const LOOK: Duration = Duration::from_millis(3);
/// A line that has not come back by then does not: somebody else uses the processors.
const LOOK_MAX: Duration = Duration::from_millis(30);
/// Round trips between two readings of the clock.
const BATCH: u32 = 20;

/// How long a run on a virtual machine waits in all for processors that are close together.
pub fn patience(quick: bool) -> Duration {
    if quick { PATIENCE_QUICK } else { PATIENCE }
}

/// A run's patience with where its processors are.
#[derive(Debug)]
pub(super) struct Placement {
    left: Duration,
    was_said: bool,
}

impl Placement {
    /// With all of its patience; without any, nothing is looked at.
    pub fn new(patience: Duration) -> Self {
        Self { left: patience, was_said: false }
    }

    /// Waits until the processors of client and server are close together, if there is patience left. Says so the first
    /// time, and when the patience is at its end. An interrupt ends it.
    pub fn wait(&mut self, pin: (usize, usize), observer: &mut dyn Observer) {
        self.wait_with(&mut || floor_ns(pin), &mut thread::sleep, observer);
    }

    fn wait_with(
        &mut self,
        look: &mut dyn FnMut() -> Option<f64>,
        sleep: &mut dyn FnMut(Duration),
        observer: &mut dyn Observer,
    ) {
        let mut far_ns = || look().filter(|floor_ns| *floor_ns > NEAR_NS);
        while !self.left.is_zero() && !interrupted() {
            let Some(floor_ns) = far_ns() else { return };
            if !self.was_said {
                self.was_said = true;
                let text = format!(
                    "the host has put the two processors far apart (a line takes {floor_ns:.0} ns there and back); waiting \
                     up to {} s in all for it to put them close together (--any-placement: do not wait)",
                    self.left.as_secs()
                );
                observer.event(&Event::Warning { text });
            }
            sleep(PAUSE);
            self.left = self.left.saturating_sub(PAUSE);
            if self.left.is_zero() {
                let text = "the processors are still far apart, and the run goes on where they are; its figures are not \
                            comparable with those of a run that had them close together";
                observer.event(&Event::Warning { text: text.to_owned() });
            }
        }
    }
}

/// A word that has its line, and the one beside it, to itself.
#[repr(align(128))]
struct Line(AtomicU64);

/// In the line before the server is there.
const EMPTY: u64 = 0;
/// The server is there. Behind this, the client counts up by two, and the server answers with one more.
const READY: u64 = 1;
/// The look is over.
const END: u64 = u64::MAX;

/// Time of a line from one processor to the other and back, ns: median over batches. `None` if nobody was there to answer.
fn floor_ns((client, server): (usize, usize)) -> Option<f64> {
    let line = &Line(AtomicU64::new(EMPTY));
    thread::scope(|scope| {
        thread::Builder::new().spawn_scoped(scope, move || answer(server, &line.0)).ok()?;
        let client = thread::Builder::new().spawn_scoped(scope, move || play(client, &line.0));
        let batches = client.ok().and_then(|client| client.join().ok().flatten());
        line.0.store(END, Ordering::Release);
        median(&batches?)
    })
}

/// The server's side, until the end.
fn answer(cpu: usize, line: &AtomicU64) {
    if pin(cpu) {
        line.store(READY, Ordering::Release);
    }
    let mut expected = READY + 1;
    loop {
        // Acquire and Release, here and below, as in the floor that the peers measure.
        match line.load(Ordering::Acquire) {
            END => return,
            ball if ball == expected => {
                // Not over an end that has come meanwhile: a client that has given up does not wait for this.
                // Relaxed where it fails: nothing is read then.
                let answered = line.compare_exchange(ball, ball + 1, Ordering::Release, Ordering::Relaxed);
                expected += 2 * u64::from(answered.is_ok());
            }
            _ => spin_loop(),
        }
    }
}

/// The client's side: round trips of the line, ns, each the mean of a batch. `None` if one did not come back.
fn play(cpu: usize, line: &AtomicU64) -> Option<Vec<f64>> {
    let first = Instant::now();
    if !pin(cpu) {
        return None;
    }
    while line.load(Ordering::Acquire) == EMPTY {
        if first.elapsed() > LOOK_MAX {
            return None;
        }
        // The server may have to leave this very processor first.
        thread::yield_now();
    }
    let begin = Instant::now();
    let mut batches = Vec::new();
    let mut ball = READY;
    while begin.elapsed() < LOOK {
        let start = Instant::now();
        for _ in 0..BATCH {
            ball += 1;
            line.store(ball, Ordering::Release);
            ball += 1;
            let mut polls = 0_u32;
            while line.load(Ordering::Acquire) != ball {
                polls = polls.wrapping_add(1);
                if polls.is_multiple_of(1024) && begin.elapsed() > LOOK_MAX {
                    return None;
                }
                spin_loop();
            }
        }
        batches.push(start.elapsed().as_nanos() as f64 / f64::from(BATCH));
    }
    Some(batches)
}

/// Puts this thread on a processor; `false` if it may not run there, which is the peers' to report.
fn pin(cpu: usize) -> bool {
    let mut set = CpuSet::new();
    set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::sync::Arc;

    use super::*;
    use crate::bench::pin::allowed;

    #[derive(Default)]
    struct Said(Vec<String>);

    impl Observer for Said {
        fn event(&mut self, event: &Event) {
            let Event::Warning { text } = event else { panic!("only warnings are expected, not {event:?}") };
            self.0.push(text.clone());
        }
    }

    /// Waits where the looks give `floors`, the last one for ever; looks, time slept, and what was said.
    fn wait(placement: &mut Placement, floors: &[f64]) -> (usize, Duration, Vec<String>) {
        let (mut looks, mut slept, mut said) = (0, Duration::ZERO, Said::default());
        let mut look = || {
            looks += 1;
            floors.get(looks - 1).or(floors.last()).copied()
        };
        placement.wait_with(&mut look, &mut |pause| slept += pause, &mut said);
        (looks, slept, said.0)
    }

    #[test]
    fn processors_close_together_are_not_waited_for() {
        let mut placement = Placement::new(Duration::from_secs(1));
        assert_eq!(wait(&mut placement, &[130.0]), (1, Duration::ZERO, vec![]));
        assert_eq!(wait(&mut placement, &[]), (1, Duration::ZERO, vec![]), "a look that shows nothing says nothing");
    }

    #[test]
    fn a_run_waits_until_they_are_close_together_and_says_so_once() {
        let mut placement = Placement::new(Duration::from_secs(1));
        let (looks, slept, said) = wait(&mut placement, &[330.0, 270.0, 66.0]);
        assert_eq!((looks, slept), (3, 2 * PAUSE));
        assert!(said.len() == 1 && said[0].contains("330 ns") && said[0].contains("up to 1 s"), "{said:?}");
        let (looks, slept, said) = wait(&mut placement, &[330.0, 66.0]);
        assert_eq!((looks, slept, said), (2, PAUSE, vec![]));
    }

    #[test]
    fn patience_ends_once_and_for_the_whole_run() {
        let mut placement = Placement::new(3 * PAUSE);
        let (looks, slept, said) = wait(&mut placement, &[330.0]);
        assert_eq!((looks, slept), (3, 3 * PAUSE));
        assert!(said.len() == 2 && said[1].contains("still far apart"), "{said:?}");
        assert_eq!(wait(&mut placement, &[330.0]), (0, Duration::ZERO, vec![]));
        assert_eq!(wait(&mut Placement::new(Duration::ZERO), &[330.0]), (0, Duration::ZERO, vec![]));
    }

    /// The client gives up just as the server answers.
    #[test]
    fn an_end_is_never_answered_over() {
        let cpu = *allowed().unwrap().last().unwrap();
        for _ in 0..500 {
            let line = Arc::new(Line(AtomicU64::new(EMPTY)));
            let shared = Arc::clone(&line);
            let server = thread::spawn(move || answer(cpu, &shared.0));
            let since = Instant::now();
            let in_time = || assert!(since.elapsed() < Duration::from_secs(20), "the server neither begins nor ends");
            while line.0.load(Ordering::Acquire) == EMPTY {
                in_time();
                thread::yield_now();
            }
            line.0.store(READY + 1, Ordering::Release);
            line.0.store(END, Ordering::Release);
            while !server.is_finished() {
                in_time();
                thread::yield_now();
            }
        }
    }

    #[test]
    fn a_look_measures_a_line_or_says_nothing() {
        let allowed = allowed().unwrap();
        let [first, .., last] = allowed[..] else { return };
        // A busy machine may not give two processors at once; then the look ends all the same, and the next one succeeds.
        let since = Instant::now();
        let found = std::iter::repeat_with(|| floor_ns((first, last)))
            .find(|found| found.is_some() || since.elapsed() > Duration::from_secs(20))
            .flatten();
        assert!(found.is_some_and(|floor_ns| floor_ns > 1.0), "no look has measured a line: {found:?}");
        assert_eq!(floor_ns((first, CpuSet::count() + 1)), None, "there is no such processor");
    }
}
