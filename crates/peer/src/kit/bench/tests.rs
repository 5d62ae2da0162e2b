//! Both sides of a trial in two threads, with ports that break in every way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use super::floor::{Floor, Phase, WORDS_MIN};
use super::plan::BenchPlan;
use super::record::{Measurements, Record, Tally};
use super::usage::Meter;
use super::{client, server};
use crate::bench_protocol::BenchCollected;
use crate::kit::implementation::{Arrivals, BenchClient, BenchServer, Load, Timing, Touch, Waiting};

/// For tests in which nothing is supposed to run out.
const LONG: Duration = Duration::from_secs(3600);
/// For tests in which it is.
const SHORT: Duration = Duration::from_millis(50);

const PLAN: BenchPlan = BenchPlan {
    warmup: Duration::from_millis(2),
    duration: Duration::from_millis(20),
    slice_requests: 10,
    slice_floors: 10,
    waiting: Waiting::Spin,
    load: Load {
        timing: Timing::RoundTrip,
        outstanding: 1,
        responses: 1,
        idle_clients: 0,
        touch: Touch::All,
        rate_per_s: 0,
        arrivals: Arrivals::Poisson,
        clients: 1,
        servers: 1,
    },
    seed: 7,
};

fn words() -> Arc<Vec<AtomicU64>> {
    Arc::new((0..WORDS_MIN).map(|_| AtomicU64::new(0)).collect())
}

/// What a port of the tests does to the message with this sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
enum PortFault {
    None,
    Fail(u64),
    Lose(u64),
    Falsify(u64),
    Double(u64),
    /// Once, it takes so long.
    Stall(u64, Duration),
    /// Every message takes so long.
    Slow(Duration),
}

struct Port {
    to: Sender<u64>,
    from: Receiver<u64>,
    faults: PortFault,
    load: Load,
    /// Requests sent and responses received.
    sent: u64,
    received: u64,
}

impl Port {
    fn put(&self, sequence: u64) -> Result<(), String> {
        let sequence = match self.faults {
            PortFault::Fail(at) if at == sequence => return Err("broken on purpose".to_owned()),
            PortFault::Lose(at) if at == sequence => return Ok(()),
            PortFault::Falsify(at) if at == sequence => sequence + 1_000_000,
            PortFault::Double(at) if at == sequence => {
                self.to.send(sequence).map_err(|_| "the other port is gone".to_owned())?;
                sequence
            }
            PortFault::Stall(at, time) if at == sequence => {
                thread::sleep(time);
                sequence
            }
            PortFault::Slow(time) => {
                thread::sleep(time);
                sequence
            }
            _ => sequence,
        };
        self.to.send(sequence).map_err(|_| "the other port is gone".to_owned())
    }

    fn take(&self) -> Option<u64> {
        self.from.try_recv().ok()
    }
}

impl BenchClient for Port {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.sent += 1;
        let answered = self.received / self.load.responses as u64;
        assert!(self.sent - answered <= self.load.outstanding as u64, "more requests under way than the load says");
        self.put(sequence)
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let taken = self.take();
        self.received += u64::from(taken.is_some());
        Ok(taken)
    }
}

impl BenchServer for Port {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let Some(sequence) = self.take() else { return Ok(None) };
        self.load.numbers(sequence).try_for_each(|number| self.put(number))?;
        Ok(Some(sequence))
    }
}

/// Runs both sides; what the client and what the server collect.
fn trial(plan: BenchPlan, faults: [PortFault; 2], timeout: [Duration; 2]) -> [BenchCollected; 2] {
    trial_with_room(plan, plan, faults, timeout)
}

/// As [`trial`], with the memory of another plan.
fn trial_with_room(
    plan: BenchPlan,
    room: BenchPlan,
    faults: [PortFault; 2],
    timeout: [Duration; 2],
) -> [BenchCollected; 2] {
    let words = words();
    let (to_server, from_client) = channel();
    let (to_client, from_server) = channel();
    let load = plan.load;
    let mut client_port = Port { to: to_server, from: from_server, faults: faults[0], load, sent: 0, received: 0 };
    let mut server_port = Port { to: to_client, from: from_client, faults: faults[1], load, sent: 0, received: 0 };
    let server_words = words.clone();
    let server = thread::spawn(move || {
        let mut record = Record { tally: Tally::default(), meter: Meter::default(), measurements: None, delay: None };
        let mut floor = Floor::new(&server_words, timeout[1]).unwrap();
        let result = server::run(&mut server_port, &mut floor, &plan, &mut record.tally, &mut record.meter);
        if result.is_err() {
            floor.give_up();
        }
        record.collect(result.err()).unwrap()
    });
    let mut record = Record { tally: Tally::default(), meter: Meter::default(), measurements: None, delay: None };
    let mut measurements = Measurements::new(&room).unwrap();
    let mut floor = Floor::new(&words, timeout[0]).unwrap();
    let (tally, meter) = (&mut record.tally, &mut record.meter);
    let result = client::run(&mut client_port, &mut floor, &plan, tally, meter, &mut measurements);
    if result.is_err() {
        floor.give_up();
    }
    record.measurements = Some(measurements);
    [record.collect(result.err()).unwrap(), server.join().unwrap()]
}

#[test]
fn both_sides_of_a_trial_come_to_the_same_counts() {
    let [client, server] = trial(PLAN, [PortFault::None; 2], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    assert!(client.sent > PLAN.slice_requests as u64, "{} sent", client.sent);
    assert_eq!(
        [client.received, client.verified, server.sent, server.received, server.verified],
        [client.sent; 5],
        "every message arrives once and in order"
    );
    assert_eq!(client.checksum, server.checksum);
    assert!(!client.intervals.is_empty() && server.intervals.is_empty());
    assert!(server.histogram.is_empty());
    assert!(client.clock_ns.is_some_and(|ns| ns > 0.0) && server.clock_ns.is_none());
    for interval in &client.intervals {
        assert_eq!(interval.load_count + interval.whole_loads, PLAN.slice_requests as u64, "{interval:?}");
        assert_eq!(interval.whole_floors, PLAN.slice_floors as u64 / 2, "{interval:?}");
        assert!(
            interval.whole_loads > 0 && interval.whole_loads_ns > 0 && interval.whole_floors_ns > 0,
            "{interval:?}"
        );
        assert!(interval.at_ns >= PLAN.warmup.as_nanos() as u64, "the warm-up does not count");
        assert!(interval.load_ns as f64 >= interval.load_p50_ns, "{interval:?}");
    }
    assert!(client.intervals.is_sorted_by_key(|interval| interval.at_ns));
}

/// Several requests at a time, several responses to each.
const STREAMS: BenchPlan =
    BenchPlan { load: Load { timing: Timing::Throughput, outstanding: 4, responses: 3, ..PLAN.load }, ..PLAN };

#[test]
fn many_messages_under_way_are_counted_one_by_one() {
    let [client, server] = trial(STREAMS, [PortFault::None; 2], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    assert_eq!([server.received, server.verified], [client.sent; 2], "every request arrives once and in order");
    assert_eq!([server.sent, client.received, client.verified], [3 * client.sent; 3], "and has three responses");
    assert_eq!(client.checksum, server.checksum);
    for interval in &client.intervals {
        assert_eq!((interval.load_count, interval.whole_loads), (3 * STREAMS.slice_requests as u64, 0));
        let mean = interval.load_ns as f64 / interval.load_count as f64;
        assert!((interval.load_p50_ns - mean).abs() < 1e-6, "a slice has one duration, shared by its messages");
    }
}

#[test]
fn a_response_that_a_stream_loses_is_an_error_and_not_a_hang() {
    let [client, server] = trial(STREAMS, [PortFault::None, PortFault::Lose(7)], [SHORT, LONG]);
    // The next one takes its place, until none comes any more.
    assert!(client.error.is_some() && server.error.is_some(), "{:?} {:?}", client.error, server.error);
    assert!(client.verified < client.received || client.received < 3 * client.sent);
}

/// Requests every 100 µs, at most 16 of them under way.
const OPEN: BenchPlan = BenchPlan {
    duration: Duration::from_millis(100),
    slice_requests: 200,
    load: Load {
        timing: Timing::OpenLoop,
        outstanding: 16,
        rate_per_s: 10_000,
        arrivals: Arrivals::Fixed,
        ..PLAN.load
    },
    ..PLAN
};

#[test]
fn requests_of_an_open_loop_are_counted_one_by_one() {
    for arrivals in [Arrivals::Fixed, Arrivals::Poisson] {
        let plan = BenchPlan { load: Load { arrivals, ..OPEN.load }, ..OPEN };
        let [client, server] = trial(plan, [PortFault::None; 2], [LONG; 2]);
        assert_eq!((client.error, server.error), (None, None));
        assert_eq!(
            [client.received, client.verified, server.sent, server.received, server.verified],
            [client.sent; 5],
            "every message arrives once and in order"
        );
        assert_eq!(client.checksum, server.checksum);
        for interval in &client.intervals {
            assert_eq!((interval.load_count, interval.whole_loads), (200, 0), "{interval:?}");
            assert!(
                interval.load_ns >= interval.offered_ns,
                "the last response comes before its request: {interval:?}"
            );
        }
        let offered_ns: u64 = client.intervals.iter().map(|interval| interval.offered_ns).sum();
        let rate = 200.0 * client.intervals.len() as f64 * 1e9 / offered_ns as f64;
        let share = if arrivals == Arrivals::Fixed { 0.01 } else { 0.5 };
        assert!((rate / 10_000.0 - 1.0).abs() < share, "asked for 10000/s, and the schedule has {rate}/s");
    }
}

/// 20 ms in which 200 requests were to be sent, of some thousand. Whoever asked in the first half waited for at least 10.
#[test]
fn a_stall_is_in_the_latency_of_everybody_who_would_have_asked_meanwhile() {
    let stall = Duration::from_millis(20);
    // Behind the warm-up, and in the first half of a slice.
    let at = 201 + 50;
    let [client, server] = trial(OPEN, [PortFault::None, PortFault::Stall(at, stall)], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    let p99 = Duration::from_nanos(decoded(&client.histogram).value_at_quantile(0.99));
    assert!(p99 >= stall / 2, "the server stood still for {stall:?}, and p99 is {p99:?}");
}

/// A server that takes a millisecond for each request has 1000 of them in a second, not 10000.
#[test]
fn a_rate_that_cannot_be_reached_takes_longer_than_its_schedule() {
    let plan = BenchPlan { slice_requests: 20, duration: Duration::from_millis(60), ..OPEN };
    let [client, server] = trial(plan, [PortFault::None, PortFault::Slow(Duration::from_millis(1))], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    for interval in &client.intervals {
        assert!(interval.load_ns > 2 * interval.offered_ns, "{interval:?}");
    }
}

#[test]
fn an_open_loop_notices_what_is_lost_doubled_or_altered() {
    let [client, server] = trial(OPEN, [PortFault::None, PortFault::Lose(7)], [SHORT, LONG]);
    assert!(client.error.is_some() && server.error.is_some(), "lost: {:?} {:?}", client.error, server.error);
    for fault in [PortFault::Double(7), PortFault::Falsify(7)] {
        let [client, server] = trial(OPEN, [PortFault::None, fault], [LONG; 2]);
        let error = client.error.unwrap_or_default();
        assert!(error.contains("did not carry the sequence number that was next"), "{fault:?}: {error}");
        assert_ne!(client.checksum, server.checksum, "{fault:?}");
    }
}

fn decoded(histogram: &str) -> Histogram<u64> {
    let bytes = BASE64_STANDARD.decode(histogram).unwrap();
    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
}

#[test]
fn a_trial_counts_one_pair_of_slices_however_short_it_is() {
    let plan = BenchPlan { warmup: Duration::ZERO, duration: Duration::from_nanos(1), ..PLAN };
    let [client, server] = trial(plan, [PortFault::None; 2], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    assert_eq!(client.intervals.len(), 1);
    assert_eq!(server.sent, PLAN.slice_requests as u64 + 1);
}

#[test]
fn a_trial_ends_early_when_its_intervals_are_used_up() {
    let room = BenchPlan { warmup: Duration::ZERO, duration: Duration::from_micros(1), ..PLAN };
    let endless = BenchPlan { duration: LONG, ..room };
    let [client, server] = trial_with_room(endless, room, [PortFault::None; 2], [LONG; 2]);
    assert_eq!((client.error, server.error), (None, None));
    assert_eq!(client.intervals.len(), room.intervals_max());
}

#[test]
fn a_port_that_fails_ends_both_sides_at_once() {
    let [client, server] = trial(PLAN, [PortFault::Fail(5), PortFault::None], [LONG; 2]);
    assert_eq!(client.error.as_deref(), Some("broken on purpose"));
    assert!(server.error.as_deref().unwrap().contains("gave up"), "{:?}", server.error);

    let [client, server] = trial(PLAN, [PortFault::None, PortFault::Fail(5)], [LONG; 2]);
    assert_eq!(server.error.as_deref(), Some("broken on purpose"));
    assert!(client.error.is_some(), "{client:?}");
}

#[test]
fn a_lost_message_is_an_error_and_not_a_hang() {
    let [client, server] = trial(PLAN, [PortFault::None, PortFault::Lose(7)], [SHORT, LONG]);
    assert!(client.error.as_deref().unwrap().contains("no response from the other peer"), "{:?}", client.error);
    assert_eq!((client.sent, client.received), (7, 6));
    assert!(server.error.as_deref().unwrap().contains("gave up"), "{:?}", server.error);
}

#[test]
fn a_wrong_sequence_is_counted_and_said() {
    let [client, server] = trial(PLAN, [PortFault::None, PortFault::Falsify(3)], [LONG; 2]);
    assert_eq!(client.received, client.verified + 1);
    assert!(client.error.as_deref().unwrap().starts_with("1 of "), "{:?}", client.error);
    assert_eq!(server.error, None);
    assert_ne!(client.checksum, server.checksum);
}

#[test]
fn a_partner_that_is_not_there_ends_the_wait_with_what_is_missing() {
    let words = words();
    let mut floor = Floor::new(&words, SHORT).unwrap();
    let error = floor.open(Phase::WarmUp).unwrap_err();
    assert!(error.contains("no pong from the other peer for 0.05 s"), "{error}");
    let words = self::words();
    let error = Floor::new(&words, SHORT).unwrap().opened().unwrap_err();
    assert!(error.contains("no ping"), "{error}");
}

#[test]
fn the_token_carries_the_phase_and_returns_in_the_same_word() {
    let words = words();
    let server_words = words.clone();
    let server = thread::spawn(move || {
        let mut floor = Floor::new(&server_words, LONG).unwrap();
        let mut phases = Vec::new();
        loop {
            phases.push(floor.opened().unwrap());
            floor.pong();
            if phases.last() == Some(&Phase::End) {
                return phases;
            }
            for _ in 0..100 {
                floor.answer().unwrap();
            }
        }
    });
    let mut floor = Floor::new(&words, LONG).unwrap();
    for phase in [Phase::WarmUp, Phase::Counted, Phase::Counted] {
        floor.open(phase).unwrap();
        for _ in 0..100 {
            floor.round_trip().unwrap();
        }
    }
    floor.open(Phase::End).unwrap();
    assert_eq!(server.join().unwrap(), [Phase::WarmUp, Phase::Counted, Phase::Counted, Phase::End]);
    assert!(words[1..].iter().all(|word| word.load(Ordering::Relaxed) == 0), "one line moves, and no other");
    assert_eq!(words[0].load(Ordering::Relaxed), 304 << 3 | 4);
}

#[test]
fn a_calibration_file_that_is_too_short_is_refused() {
    let words: Vec<AtomicU64> = (0..3).map(AtomicU64::new).collect();
    assert!(Floor::new(&words, SHORT).is_err());
    assert!(!Floor::is_fresh(&words));
}
