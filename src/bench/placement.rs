//! Where the host of a virtual machine has put the two processors, and waiting until they are close together.
//!
//! The host moves virtual processors between real ones whenever they have slept: onto cores that share a cache, or onto
//! cores that do not. Each placement has figures of its own ([`super::regimes`]), so a run that met only one cannot be
//! compared with a run that met only the other. So before each trial the line between the processors is measured for some
//! milliseconds, and if they are far apart the run sleeps, which leaves the host free to move them, and looks again, for
//! until it has waited long enough in all. A line that takes tens of microseconds tells something else: other programs have the
//! processors in between, which no waiting for the host ends. Whatever the trial itself meets afterwards is in its floors.

use std::thread;
use std::time::Duration;

use super::validity::FLOOR_NS_PLAUSIBLE;
use crate::harness::interrupt::{NOTICE_MS, interrupted};
use crate::results::events::{Event, Observer};

mod probe;

/// Longest round trip of a line between processors that share a cache, ns. Where they do, it takes 30 to 130 ns; where they
/// do not, 200 ns and more.
pub const NEAR_NS: f64 = 150.0;
/// How long a run waits in all.
const WAIT: Duration = Duration::from_mins(1);
/// How long a quick run waits in all.
const WAIT_QUICK: Duration = Duration::from_secs(15);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(NOTICE_MS);

/// How long a run on a virtual machine waits in all for processors that are close together.
pub fn wait_max(quick: bool) -> Duration {
    if quick { WAIT_QUICK } else { WAIT }
}

/// What is left of a run's wait for its processors.
#[derive(Debug)]
pub(super) struct Placement {
    left: Duration,
    was_said: bool,
    shared_was_said: bool,
}

impl Placement {
    /// Waits so long in all; with zero, nothing is looked at.
    pub fn new(wait: Duration) -> Self {
        Self { left: wait, was_said: false, shared_was_said: false }
    }

    /// Waits until the processors of client and server are close together, if there is time left. Says so the first
    /// time, and when the time is over. An interrupt ends it.
    pub fn wait(&mut self, pin: (usize, usize), observer: &mut dyn Observer) {
        self.wait_with(&mut || probe::floor_ns(pin), &mut thread::sleep, observer);
    }

    fn say_shared(&mut self, floor_ns: f64, observer: &mut dyn Observer) {
        if std::mem::replace(&mut self.shared_was_said, true) {
            return;
        }
        let text = format!(
            "other programs use the processors of client and server (a line takes {:.0} µs there and back, where two \
             processors of their own take less than one); stop them, or choose other processors (--pin)",
            floor_ns / 1e3
        );
        observer.event(&Event::Warning { text });
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
            if floor_ns > *FLOOR_NS_PLAUSIBLE.end() {
                self.say_shared(floor_ns, observer);
                return;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn processors_that_are_shared_are_not_called_far_apart() {
        let mut placement = Placement::new(Duration::from_secs(1));
        let (looks, slept, said) = wait(&mut placement, &[500_000.0]);
        assert_eq!((looks, slept), (1, Duration::ZERO));
        assert!(said.len() == 1 && said[0].contains("500 µs") && !said[0].contains("far"), "{said:?}");
        assert_eq!(wait(&mut placement, &[500_000.0]).2, Vec::<String>::new(), "once");
        let (_, slept, said) = wait(&mut placement, &[330.0, 66.0]);
        assert!(slept == PAUSE && said.len() == 1 && said[0].contains("far apart"), "{said:?}");
    }

    #[test]
    fn the_wait_ends_once_and_for_the_whole_run() {
        let mut placement = Placement::new(3 * PAUSE);
        let (looks, slept, said) = wait(&mut placement, &[330.0]);
        assert_eq!((looks, slept), (3, 3 * PAUSE));
        assert!(said.len() == 2 && said[1].contains("still far apart"), "{said:?}");
        assert_eq!(wait(&mut placement, &[330.0]), (0, Duration::ZERO, vec![]));
        assert_eq!(wait(&mut Placement::new(Duration::ZERO), &[330.0]), (0, Duration::ZERO, vec![]));
    }
}
