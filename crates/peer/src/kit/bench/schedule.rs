//! When the requests of an open loop are to be sent. All of it is there before the trial starts.

use rand_distr::{Distribution, Exp1};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::SeedableRng;

use super::clock::Clock;
use super::plan::BenchPlan;
use crate::kit::implementation::{Arrivals, Timing};

/// Gaps kept, at most: after so many requests they begin anew.
const GAPS_MAX: u64 = 1 << 20;

/// Gaps between the moments at which requests are to be sent, and what the current load slice came to.
#[derive(Debug)]
pub(super) struct Schedule {
    /// In ticks of the clock; used in turn, over all slices. At least one.
    gaps: Vec<u64>,
    /// The gap with which the next slice begins, `0..gaps.len()`.
    first: usize,
    /// From the start of the slice to the moment of its last request, in ticks.
    pub(super) offered_ticks: u64,
    /// From the start of the slice to its last response, in ticks.
    pub(super) taken_ticks: u64,
}

/// The moment of one request of a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// In ticks of the clock.
    pub(super) ticks: u64,
    gap: usize,
}

impl Schedule {
    /// `None` unless the load is an open loop.
    pub(super) fn new(plan: &BenchPlan, clock: &Clock) -> Option<Self> {
        if plan.load.timing != Timing::OpenLoop {
            return None;
        }
        let gap_ticks = 1e9 / plan.load.rate_per_s.max(1) as f64 * clock.ticks_per_ns();
        let seconds = (plan.warmup + plan.duration).as_secs_f64();
        let count = (plan.load.rate_per_s as f64 * seconds) as u64;
        let mut generator = Pcg64::seed_from_u64(plan.seed);
        let gap = || match plan.load.arrivals {
            Arrivals::Poisson => gap_ticks * Distribution::<f64>::sample(&Exp1, &mut generator),
            Arrivals::Fixed => gap_ticks,
        };
        let gaps = whole(std::iter::repeat_with(gap).take(count.clamp(1, GAPS_MAX) as usize));
        Some(Self { gaps, first: 0, offered_ticks: 1, taken_ticks: 1 })
    }

    /// The first moment of a slice that starts at `start`.
    #[inline]
    pub(super) fn begin(&self, start: u64) -> Moment {
        Moment { ticks: start.saturating_add(self.gaps[self.first]), gap: self.first }
    }

    /// The moment behind another one.
    #[inline]
    pub(super) fn next(&self, moment: Moment) -> Moment {
        let gap = if moment.gap + 1 < self.gaps.len() { moment.gap + 1 } else { 0 };
        Moment { ticks: moment.ticks.saturating_add(self.gaps[gap]), gap }
    }

    /// Ends a slice whose requests were due before the moment `behind`; the next one begins with that.
    pub(super) fn end(&mut self, start: u64, behind: Moment, now: u64) {
        self.first = behind.gap;
        let last = behind.ticks.saturating_sub(self.gaps[behind.gap]);
        self.offered_ticks = last.saturating_sub(start);
        self.taken_ticks = now.saturating_sub(start);
    }
}

/// Whole ticks whose sum is that of the gaps: what is cut off one is added to the next.
fn whole(gaps: impl Iterator<Item = f64>) -> Vec<u64> {
    let mut exact = 0.0;
    let mut ticks = 0;
    gaps.map(|gap| {
        exact += gap;
        let before = std::mem::replace(&mut ticks, exact as u64);
        ticks - before
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kit::implementation::{Load, Waiting};

    fn plan(rate_per_s: usize, arrivals: Arrivals, seed: u64) -> BenchPlan {
        BenchPlan {
            warmup: Duration::ZERO,
            duration: Duration::from_secs(1),
            slice_requests: 10,
            slice_floors: 10,
            waiting: Waiting::Spin,
            load: Load { timing: Timing::OpenLoop, rate_per_s, arrivals, ..Load::default() },
            seed,
        }
    }

    fn schedule(rate_per_s: usize, arrivals: Arrivals, seed: u64) -> Schedule {
        Schedule::new(&plan(rate_per_s, arrivals, seed), &Clock::mock().0).unwrap()
    }

    #[test]
    fn fixed_gaps_have_the_rate_even_where_a_gap_is_no_whole_number_of_ticks() {
        let schedule = schedule(3_000_000, Arrivals::Fixed, 0);
        assert_eq!(schedule.gaps.len(), GAPS_MAX as usize);
        assert!(schedule.gaps.iter().all(|gap| [333, 334].contains(gap)));
        let sum: u64 = schedule.gaps[..999_999].iter().sum();
        assert!((333_332_999..=333_333_001).contains(&sum), "{sum}");
    }

    /// Of an exponential distribution the standard deviation is the mean; 1 - 1/e of all values are below it.
    #[test]
    fn poisson_gaps_are_exponential() {
        let schedule = schedule(100_000, Arrivals::Poisson, 1);
        let count = schedule.gaps.len() as f64;
        let mean = schedule.gaps.iter().sum::<u64>() as f64 / count;
        let deviation = (schedule.gaps.iter().map(|gap| (*gap as f64 - mean).powi(2)).sum::<f64>() / count).sqrt();
        let below = schedule.gaps.iter().filter(|gap| (**gap as f64) < mean).count() as f64 / count;
        assert_eq!(schedule.gaps.len(), 100_000);
        assert!(
            (mean / 10_000.0 - 1.0).abs() < 0.02 && (deviation / 10_000.0 - 1.0).abs() < 0.03,
            "{mean} {deviation}"
        );
        assert!((below - 0.632).abs() < 0.01, "{below}");
    }

    /// A seed of a report has to mean the same on another machine and in a later version.
    #[test]
    fn a_seed_stands_for_the_same_gaps_everywhere() {
        let gaps = |seed| schedule(1000, Arrivals::Poisson, seed).gaps;
        assert_eq!(gaps(42)[..4], [1_173_671, 1_053_334, 2_407_317, 234_007]);
        assert_eq!(gaps(42), gaps(42));
        assert_ne!(gaps(42), gaps(43));
    }

    #[test]
    fn slices_use_the_gaps_in_turn() {
        let mut schedule = schedule(5, Arrivals::Fixed, 0);
        schedule.gaps = vec![1, 10, 100];
        let first = schedule.begin(1000);
        let second = schedule.next(first);
        assert_eq!((first.ticks, second.ticks), (1001, 1011));
        schedule.end(1000, schedule.next(second), 1050);
        assert_eq!((schedule.offered_ticks, schedule.taken_ticks), (11, 50));
        let third = schedule.begin(2000);
        assert_eq!((third.ticks, schedule.next(third).ticks), (2100, 2101), "the last gap, and the first one again");
    }

    #[test]
    fn a_closed_loop_has_no_schedule() {
        let closed = BenchPlan { load: Load::default(), ..plan(0, Arrivals::Fixed, 0) };
        assert!(Schedule::new(&closed, &Clock::mock().0).is_none());
    }
}
