//! What a trial keeps. All memory is there, and touched, before the trial starts.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2Serializer};

use super::clock::Clock;
use super::delay::Delay;
use super::median::median;
use super::plan::{BenchPlan, Parts};
use super::schedule::Schedule;
use super::usage::Meter;
use crate::bench_protocol::{BenchCollected, Interval};

/// Longest duration that is told apart, ns: 60 s. Longer ones count as this.
const DURATION_NS_MAX: u64 = 60_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// Messages counted on one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) verified: u64,
    pub(super) checksum: u64,
}

impl Tally {
    /// Counts a received sequence, which should be `expected`.
    #[inline]
    pub(super) fn receive(&mut self, sequence: u64, expected: u64) {
        self.received += 1;
        self.verified += u64::from(sequence == expected);
        self.checksum = self.checksum.rotate_left(7) ^ sequence;
    }

    /// Counts a received request, which should be `expected`, and the responses to it.
    #[inline]
    pub(super) fn serve(&mut self, sequence: u64, expected: u64, responses: impl Iterator<Item = u64>) {
        self.received += 1;
        self.verified += u64::from(sequence == expected);
        for number in responses {
            self.sent += 1;
            self.checksum = self.checksum.rotate_left(7) ^ number;
        }
    }

    /// As [`Self::receive`], where the order is free; `is_next` says whether the sender's own order is kept.
    #[inline]
    pub(super) fn receive_unordered(&mut self, number: u64, is_next: bool) {
        self.received += 1;
        self.verified += u64::from(is_next);
        self.checksum = self.checksum.wrapping_add(scattered(number));
    }

    /// As [`Self::serve`], where the order is free.
    #[inline]
    pub(super) fn serve_unordered(&mut self, is_next: bool, responses: impl Iterator<Item = u64>) {
        self.received += 1;
        self.verified += u64::from(is_next);
        for number in responses {
            self.sent += 1;
            self.checksum = self.checksum.wrapping_add(scattered(number));
        }
    }

    /// What is wrong with the messages, if something is.
    fn complaint(&self, what: &str) -> Option<String> {
        let wrong = self.received - self.verified;
        let received = self.received;
        (wrong > 0).then(|| format!("{wrong} of {received} {what} did not carry the sequence number that was next"))
    }
}

/// What a number adds to a checksum that does not depend on the order: no sum of few numbers is that of others.
#[inline]
fn scattered(number: u64) -> u64 {
    let product = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    product ^ (product >> 32)
}

/// Times of one kind of slice.
#[derive(Debug)]
pub(super) struct Times {
    /// Round trips of the part that is timed as a whole.
    pub(super) whole: usize,
    /// Their time in the current slice, in ticks of the clock.
    pub(super) whole_ticks: u64,
    /// What was timed one by one in the current slice, in ticks of the clock.
    pub(super) singles: Vec<u64>,
    /// Messages that each of them stands for.
    each: u64,
    histogram: Histogram<u64>,
}

impl Times {
    pub(super) fn new(parts: Parts, each: u64) -> Result<Self, String> {
        let mut histogram = Histogram::new_with_bounds(1, DURATION_NS_MAX, SIGNIFICANT_DIGITS)
            .map_err(|error| format!("the histogram cannot be made: {error}"))?;
        // Writes every counter, so that no page of them is touched for the first time within the trial.
        histogram.reset();
        Ok(Self { whole: parts.whole, whole_ticks: 0, singles: vec![1; parts.single], each, histogram })
    }

    /// Takes what was timed one by one into the histogram; the median for one message and the sum, ns.
    fn fold(&mut self, clock: &Clock) -> (f64, u64) {
        for single in &mut self.singles {
            let duration_ns = clock.ns(*single);
            // Rounded to the nearest nanosecond, which is what the histogram tells apart.
            self.histogram.saturating_record_n((duration_ns + self.each / 2) / self.each, self.each);
            *single = duration_ns;
        }
        (median(&mut self.singles) / self.each as f64, self.singles.iter().sum())
    }

    fn messages(&self) -> u64 {
        self.singles.len() as u64 * self.each
    }

    fn encode(&self) -> Result<String, String> {
        let mut bytes = Vec::new();
        V2Serializer::new()
            .serialize(&self.histogram, &mut bytes)
            .map_err(|error| format!("the histogram cannot be written: {error}"))?;
        Ok(BASE64_STANDARD.encode(bytes))
    }
}

/// The client's measurements.
#[derive(Debug)]
pub(super) struct Measurements {
    pub(super) clock: Clock,
    /// Of the current floor slice, to be filled.
    pub(super) floors: Times,
    /// Of the current load slice, to be filled.
    pub(super) loads: Times,
    /// Of an open loop.
    pub(super) schedule: Option<Schedule>,
    intervals: Vec<Interval>,
    /// Intervals that there is room for.
    room: usize,
}

impl Measurements {
    pub(super) fn new(plan: &BenchPlan) -> Result<Self, String> {
        Self::with_clock(plan, Clock::new())
    }

    /// For tests, which have a clock of their own.
    pub(super) fn with_clock(plan: &BenchPlan, clock: Clock) -> Result<Self, String> {
        let unused = Interval {
            at_ns: 1,
            floor_p50_ns: 1.0,
            load_p50_ns: 1.0,
            load_count: 1,
            load_ns: 1,
            whole_floors: 1,
            whole_floors_ns: 1,
            whole_loads: 1,
            whole_loads_ns: 1,
            offered_ns: 1,
        };
        let room = plan.intervals_max();
        let mut intervals = vec![unused; room];
        intervals.clear();
        let (load_parts, each) = plan.load_parts();
        let (floors, loads) = (Times::new(plan.floor_parts(), 1)?, Times::new(load_parts, each)?);
        let schedule = Schedule::new(plan, &clock);
        Ok(Self { clock, floors, loads, schedule, intervals, room })
    }

    /// Counts the current pair of slices.
    pub(super) fn fold(&mut self, at_ns: u64) {
        let (floor_p50_ns, _) = self.floors.fold(&self.clock);
        let (load_p50_ns, singles_ns) = self.loads.fold(&self.clock);
        let (load_ns, offered_ns) = match &self.schedule {
            // Latencies overlap, so their sum says nothing.
            Some(schedule) => (self.clock.ns(schedule.taken_ticks), self.clock.ns(schedule.offered_ticks)),
            None => (singles_ns, 0),
        };
        self.intervals.push(Interval {
            at_ns,
            floor_p50_ns,
            load_p50_ns,
            load_count: self.loads.messages(),
            load_ns,
            whole_floors: self.floors.whole as u64,
            whole_floors_ns: self.clock.ns(self.floors.whole_ticks),
            whole_loads: self.loads.whole as u64,
            whole_loads_ns: self.clock.ns(self.loads.whole_ticks),
            offered_ns,
        });
    }

    /// Whether there is no room for another interval.
    pub(super) fn is_full(&self) -> bool {
        self.intervals.len() >= self.room
    }

    /// Whether anything was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }
}

/// Everything that one side of a trial comes to.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) tally: Tally,
    pub(super) meter: Meter,
    /// The client's.
    pub(super) measurements: Option<Measurements>,
    /// What the client was slowed down by, on purpose.
    pub(super) delay: Option<Delay>,
}

impl Record {
    /// The answer of `bench.collect`.
    pub(super) fn collect(self, error: Option<String>) -> Result<BenchCollected, String> {
        let what = if self.measurements.is_some() { "responses" } else { "requests" };
        let error = error.or_else(|| self.tally.complaint(what));
        let Tally { sent, received, verified, checksum } = self.tally;
        let resources = self.meter.used();
        let clock_ns = self.measurements.as_ref().map(|all| all.clock.reading_ns());
        let (histogram, floor_histogram, intervals) = match self.measurements {
            Some(all) => (all.loads.encode()?, all.floors.encode()?, all.intervals),
            None => Default::default(),
        };
        Ok(BenchCollected {
            sent,
            received,
            verified,
            checksum,
            error,
            histogram,
            floor_histogram,
            intervals,
            clock_ns,
            delay_ns: self.delay.map(|delay| delay.ns),
            resources,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_beyond_the_bounds_is_counted_at_the_bound() {
        let mut times = Times::new(Parts { whole: 0, single: 2 }, 1).unwrap();
        times.singles.copy_from_slice(&[0, u64::MAX / 4]);
        times.fold(&Clock::new());
        assert_eq!(times.histogram.len(), 2);
        assert!(times.histogram.max() >= DURATION_NS_MAX);
    }

    #[test]
    fn a_duration_of_many_messages_counts_once_for_each() {
        let mut times = Times::new(Parts { whole: 0, single: 1 }, 8).unwrap();
        let clock = Clock::new();
        let ticks = (1..1 << 20).find(|ticks| clock.ns(*ticks) >= 1004).unwrap();
        times.singles[0] = ticks;
        let (median, sum) = times.fold(&clock);
        assert!((median - sum as f64 / 8.0).abs() < f64::EPSILON && sum == clock.ns(ticks) && times.messages() == 8);
        assert_eq!(times.histogram.len(), 8);
        assert!((126..=127).contains(&times.histogram.max()), "{}", times.histogram.max());
    }

    #[test]
    fn both_sides_come_to_one_checksum() {
        let (mut client, mut server) = (Tally::default(), Tally::default());
        for request in 1..=3 {
            server.serve(request, request, 2 * request - 1..=2 * request);
        }
        (1..=6).for_each(|number| client.receive(number, number));
        assert_eq!((server.received, server.sent, server.verified), (3, 6, 3));
        assert_eq!(client.checksum, server.checksum);
    }

    #[test]
    fn the_checksum_of_several_ports_tells_what_came_and_not_in_which_order() {
        let sum = |numbers: &[u64]| {
            let mut tally = Tally::default();
            for number in numbers {
                tally.receive_unordered(*number, true);
            }
            tally.checksum
        };
        assert_eq!(sum(&[1, 2, 3]), sum(&[3, 1, 2]));
        assert_eq!(sum(&[1, 2, 3]), 0xb54c_da59_4bf0_2a17, "as the protocol's document says");
        // Sums of the numbers, or of their squares, do not differ.
        assert_ne!(sum(&[1, 4]), sum(&[2, 3]));
        assert_ne!(sum(&[1, 8]), sum(&[4, 7]));
    }

    #[test]
    fn the_checksum_tells_the_order() {
        let sum = |sequences: [u64; 3]| {
            let mut tally = Tally::default();
            for sequence in sequences {
                tally.receive(sequence, sequence);
            }
            tally.checksum
        };
        assert_ne!(sum([1, 2, 3]), sum([1, 3, 2]));
        assert_eq!(sum([1, 2, 3]), (1_u64.rotate_left(7) ^ 2).rotate_left(7) ^ 3);
    }
}
