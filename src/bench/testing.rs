//! Made-up trials for tests.
#![allow(clippy::unwrap_used, reason = "tests")]

use hdrhistogram::Histogram;

use super::asked::Asked;
use super::histogram;
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::bench_protocol::{BenchCollected, BenchResources, Interval};
use shmark_peer::kit::implementation::Timing;

/// One response to each request.
pub(super) const PLAIN: Asked = Asked { servers: 1, responses: 1, rate_per_s: None };

pub(super) fn case() -> BenchCase {
    BenchCase {
        payload: "u64".to_owned(),
        kind: "fixed".to_owned(),
        len: 1,
        waiting: "spin".to_owned(),
        ..BenchCase::default()
    }
}

pub(super) fn scenario(rounds: usize) -> BenchScenario {
    BenchScenario {
        name: "rtt".to_owned(),
        title: "How long does a round trip take?".to_owned(),
        timing: Timing::RoundTrip,
        cases: vec![case()],
        rounds,
        duration_ms: 1000,
        warmup_ms: 100,
        slice_requests: 1000,
        slice_floors: 1000,
        width_percent: None,
        baselines: vec![],
        file: "rtt.toml".to_owned(),
    }
}

/// Intervals of `(floor, load)`, each of one round trip in 1000 ns.
pub(super) fn intervals(slices: &[(f64, f64)]) -> Vec<Interval> {
    slices
        .iter()
        .enumerate()
        .map(|(i, (floor_p50_ns, load_p50_ns))| Interval {
            at_ns: i as u64 * 2000,
            floor_p50_ns: *floor_p50_ns,
            load_p50_ns: *load_p50_ns,
            load_count: 1,
            load_ns: 1000,
            whole_floors: 0,
            whole_floors_ns: 0,
            whole_loads: 0,
            whole_loads_ns: 0,
            offered_ns: 0,
        })
        .collect()
}

/// The same, each with a part that is timed as a whole in which floor and round trip take less by a clock reading.
pub(super) fn with_whole_parts(slices: &[(f64, f64)], clock_ns: f64) -> Vec<Interval> {
    let whole = |interval: Interval| Interval {
        whole_floors: 10,
        whole_floors_ns: (10.0 * (interval.floor_p50_ns - clock_ns)) as u64,
        whole_loads: 3,
        whole_loads_ns: (3.0 * (interval.load_p50_ns - clock_ns)) as u64,
        ..interval
    };
    intervals(slices).into_iter().map(whole).collect()
}

/// Either side of a trial of `count` round trips.
pub(super) fn collected(count: u64) -> BenchCollected {
    BenchCollected {
        sent: count,
        received: count,
        verified: count,
        checksum: 0x5eed,
        error: None,
        histogram: String::new(),
        floor_histogram: String::new(),
        intervals: vec![],
        clock_ns: None,
        delay_ns: None,
        resources: BenchResources { load_cpu_ns: 500 * count, ..BenchResources::default() },
    }
}

pub(super) fn server(count: u64) -> BenchCollected {
    collected(count)
}

pub(super) fn client(slices: &[(f64, f64)]) -> BenchCollected {
    let encode = |values: &mut dyn Iterator<Item = f64>| {
        let mut histogram = Histogram::<u64>::new(3).unwrap();
        values.for_each(|value| histogram.record(value as u64).unwrap());
        histogram::encode(&histogram).unwrap()
    };
    let count = slices.len() as u64;
    BenchCollected {
        histogram: encode(&mut slices.iter().map(|(_, load)| *load)),
        floor_histogram: encode(&mut slices.iter().map(|(floor, _)| *floor)),
        intervals: intervals(slices),
        resources: BenchResources { load_cpu_ns: 300 * count, ..BenchResources::default() },
        ..collected(count)
    }
}
