//! A checked `bench.prepare`.

use std::time::Duration;

use super::stamp::{STAMP_BYTES, payload_bytes};
use crate::bench_protocol::BenchPrepare;
use crate::kit::implementation::{Load, Timing, Waiting};

/// Round trips in a slice, at most: their durations are kept until the slice is over.
const SLICE_MAX: u64 = 1 << 20;
/// Longest warm-up and longest trial.
const DURATION_MS_MAX: u64 = 60 * 60 * 1000;
/// Intervals kept, at most; a trial ends when they are used up.
const INTERVALS_MAX: u64 = 1 << 18;
/// No round trip between two cores is shorter, so that the time bounds the number of intervals.
const ROUND_TRIP_NS_MIN: u64 = 20;

/// What one trial does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BenchPlan {
    pub(super) warmup: Duration,
    pub(super) duration: Duration,
    pub(super) slice_requests: usize,
    pub(super) slice_floors: usize,
    pub(super) waiting: Waiting,
    pub(super) load: Load,
    /// Of the moments of an open loop.
    pub(super) seed: u64,
}

/// The two parts of a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parts {
    /// Round trips that are timed as a whole.
    pub(super) whole: usize,
    /// Durations that are taken one by one, at least one.
    pub(super) single: usize,
}

impl Parts {
    fn of(len: usize) -> Self {
        Self { whole: len / 2, single: len.div_ceil(2) }
    }
}

impl BenchPlan {
    /// # Errors
    /// The text of a fault.
    pub(super) fn check(prepare: &BenchPrepare) -> Result<Self, String> {
        for (name, value) in [("slice_requests", prepare.slice_requests), ("slice_floors", prepare.slice_floors)] {
            if !(1..=SLICE_MAX).contains(&value) {
                return Err(format!("{name} is {value}; it has to be from 1 to {SLICE_MAX}"));
            }
        }
        for (name, value, min) in [("warmup_ms", prepare.warmup_ms, 0), ("duration_ms", prepare.duration_ms, 1)] {
            if !(min..=DURATION_MS_MAX).contains(&value) {
                return Err(format!("{name} is {value}; it has to be from {min} to {DURATION_MS_MAX}"));
            }
        }
        prepare.setup.load.check()?;
        if prepare.setup.load.timing == Timing::OpenLoop && prepare.setup.waiting == Waiting::Block {
            return Err(
                "an open loop cannot wait by sleeping: between two polls the next moment to send may come".to_owned()
            );
        }
        if prepare.setup.load.has_several_ports() && prepare.setup.waiting == Waiting::Block {
            return Err("several clients or servers cannot wait by sleeping: one thread polls them in turn".to_owned());
        }
        let bytes = payload_bytes(&prepare.setup);
        if bytes < STAMP_BYTES {
            return Err(format!(
                "a payload of {bytes} bytes has no room for its sequence number of {STAMP_BYTES} bytes"
            ));
        }
        Ok(Self {
            warmup: Duration::from_millis(prepare.warmup_ms),
            duration: Duration::from_millis(prepare.duration_ms),
            slice_requests: prepare.slice_requests as usize,
            slice_floors: prepare.slice_floors as usize,
            waiting: prepare.setup.waiting,
            load: prepare.setup.load,
            seed: prepare.seed.unwrap_or_default(),
        })
    }

    /// How a load slice is divided, and the messages that a duration of its second part stands for.
    pub(super) fn load_parts(&self) -> (Parts, u64) {
        match self.load.timing {
            Timing::RoundTrip => (Parts::of(self.slice_requests), 1),
            // One duration, of all of them together.
            Timing::Throughput => {
                (Parts { whole: 0, single: 1 }, self.slice_requests as u64 * self.load.answers() as u64)
            }
            // Each has a moment of its own.
            Timing::OpenLoop => (Parts { whole: 0, single: self.slice_requests }, 1),
        }
    }

    /// How a floor slice is divided.
    pub(super) fn floor_parts(&self) -> Parts {
        Parts::of(self.slice_floors)
    }

    /// Intervals to make room for.
    pub(super) fn intervals_max(&self) -> usize {
        // Messages that follow each other closely may take less than a round trip; the floors may not.
        let trips = match self.load.timing {
            Timing::RoundTrip => self.slice_requests + self.slice_floors,
            Timing::Throughput | Timing::OpenLoop => self.slice_floors,
        };
        let pair_ns_min = trips as u64 * ROUND_TRIP_NS_MIN;
        let pairs = self.duration.as_nanos() as u64 / pair_ns_min + 1;
        pairs.min(INTERVALS_MAX) as usize
    }
}
