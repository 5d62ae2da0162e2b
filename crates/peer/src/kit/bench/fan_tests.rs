//! Rows of ports in two threads, over queues that break in every way.

use std::collections::VecDeque;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::super::floor::WORDS_MIN;
use super::super::record::Record;
use super::*;
use crate::bench_protocol::BenchCollected;
use crate::kit::implementation::{Arrivals, Touch};

const LONG: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_millis(50);

const LOAD: Load = Load {
    timing: Timing::Throughput,
    outstanding: 1,
    responses: 1,
    idle_clients: 0,
    touch: Touch::All,
    rate_per_s: 0,
    arrivals: Arrivals::Poisson,
    clients: 1,
    servers: 1,
};

fn plan(load: Load) -> BenchPlan {
    BenchPlan {
        warmup: Duration::from_millis(2),
        duration: Duration::from_millis(5),
        slice_requests: 10,
        slice_floors: 10,
        waiting: Waiting::Spin,
        load,
        seed: 7,
    }
}

/// What the last server does to a request, or to a response.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Broken {
    Nothing,
    LoseRequest(u64),
    DoubleRequest(u64),
    /// With the next one of the same client.
    SwapRequests(u64),
    Lose(u64),
    Double(u64),
    Falsify(u64),
    /// With the next one of the same request.
    Swap(u64),
}

struct ClientPort {
    to: Vec<Sender<u64>>,
    from: Receiver<u64>,
    load: Load,
    pending: VecDeque<u64>,
    /// Responses that the oldest request still waits for.
    left: usize,
    kept: Vec<u64>,
}

impl BenchClient for ClientPort {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        self.pending.push_back(sequence);
        assert!(self.pending.len() <= self.load.outstanding, "more requests of a client under way than the load says");
        self.to.iter().try_for_each(|to| to.send(sequence)).map_err(|_| "a server is gone".to_owned())
    }

    /// Responses to later requests are kept until it is their turn, as an implementation does.
    fn poll(&mut self) -> Result<Option<u64>, String> {
        self.kept.extend(self.from.try_iter());
        let Some(oldest) = self.pending.front().copied() else { return Ok(None) };
        let is_later =
            |number: u64| (oldest + 1..oldest + 1000).contains(&((number - 1) / self.load.answers() as u64 + 1));
        let Some(at) = self.kept.iter().position(|number| !is_later(*number)) else { return Ok(None) };
        self.left -= 1;
        if self.left == 0 {
            self.left = self.load.answers();
            self.pending.pop_front();
        }
        Ok(Some(self.kept.remove(at)))
    }
}

struct ServerPort {
    index: usize,
    from: Vec<Receiver<u64>>,
    to: Vec<Sender<u64>>,
    load: Load,
    broken: Broken,
    /// A request that is served before any other.
    held: Option<u64>,
}

impl ServerPort {
    fn answer(&mut self, sequence: u64) -> Result<(), String> {
        let mut numbers: Vec<u64> = self.load.numbering(self.index).numbers(sequence).collect();
        let at = |number| numbers.iter().position(|own| *own == number);
        match self.broken {
            Broken::Lose(number) => numbers.retain(|own| *own != number),
            Broken::Double(number) => {
                if let Some(at) = at(number) {
                    numbers.insert(at, number);
                }
            }
            Broken::Falsify(number) => {
                numbers.iter_mut().filter(|own| **own == number).for_each(|own| *own += 1_000_000);
            }
            Broken::Swap(number) => {
                if let Some(at) = at(number) {
                    numbers.swap(at, at + 1);
                }
            }
            _ => {}
        }
        let to = &self.to[(sequence - 1) as usize % self.load.clients];
        numbers.into_iter().try_for_each(|number| to.send(number)).map_err(|_| "the client is gone".to_owned())
    }
}

impl BenchServer for ServerPort {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        // The last client first: not as requests were sent.
        let next = || self.from.iter().rev().find_map(|from| from.try_recv().ok());
        let Some(mut sequence) = self.held.take().or_else(next) else { return Ok(None) };
        match self.broken {
            Broken::LoseRequest(at) if at == sequence => return Ok(None),
            Broken::DoubleRequest(at) if at == sequence => {
                self.broken = Broken::Nothing;
                self.held = Some(sequence);
            }
            Broken::SwapRequests(at) if at == sequence => {
                self.broken = Broken::Nothing;
                self.held = Some(sequence);
                let client = (sequence - 1) as usize % self.load.clients;
                sequence = self.from[client].recv().map_err(|_| "the client is gone".to_owned())?;
            }
            _ => {}
        }
        self.answer(sequence)?;
        Ok(Some(sequence))
    }
}

/// Runs both sides; what the clients and what the servers collect.
fn trial(load: Load, broken: Broken, timeout: [Duration; 2]) -> [BenchCollected; 2] {
    load.check().unwrap();
    let plan = plan(load);
    let words: Vec<AtomicU64> = (0..WORDS_MIN).map(|_| AtomicU64::new(0)).collect();
    let (to_clients, from_servers): (Vec<_>, Vec<_>) = (0..load.clients).map(|_| channel()).unzip();
    let mut to_servers = vec![Vec::new(); load.clients];
    let mut servers = Vec::new();
    for index in 0..load.servers {
        let (to, from): (Vec<_>, Vec<_>) = (0..load.clients).map(|_| channel()).unzip();
        to_servers.iter_mut().zip(to).for_each(|(row, to)| row.push(to));
        let broken = if index + 1 == load.servers { broken } else { Broken::Nothing };
        servers.push(ServerPort { index, from, to: to_clients.clone(), load, broken, held: None });
    }
    let port = |(to, from)| ClientPort { to, from, load, pending: VecDeque::new(), left: load.answers(), kept: vec![] };
    let mut clients: Vec<_> = to_servers.into_iter().zip(from_servers).map(port).collect();
    let record = || Record { tally: Tally::default(), meter: Meter::default(), measurements: None, delay: None };
    thread::scope(|scope| {
        let server = scope.spawn(|| {
            let mut record = record();
            let mut floor = Floor::new(&words, timeout[1]).unwrap();
            let mut windows: Vec<_> = (0..load.servers).map(|_| Window::new(&load)).collect();
            let (tally, meter) = (&mut record.tally, &mut record.meter);
            let result = server(&mut servers, &mut windows, &mut floor, &plan, tally, meter);
            if result.is_err() {
                floor.give_up();
            }
            record.collect(result.err()).unwrap()
        });
        let (mut record, mut measurements) = (record(), Measurements::new(&plan).unwrap());
        let mut floor = Floor::new(&words, timeout[0]).unwrap();
        let (tally, meter) = (&mut record.tally, &mut record.meter);
        let mut turns = Turns::new(&load);
        let result = client(&mut clients, &mut turns, &mut floor, &plan, tally, meter, &mut measurements);
        if result.is_err() {
            floor.give_up();
        }
        record.measurements = Some(measurements);
        [record.collect(result.err()).unwrap(), server.join().unwrap()]
    })
}

const LOADS: [Load; 5] = [
    Load { clients: 3, ..LOAD },
    Load { clients: 4, outstanding: 2, responses: 2, ..LOAD },
    Load { timing: Timing::RoundTrip, servers: 3, ..LOAD },
    Load { servers: 2, outstanding: 3, responses: 2, ..LOAD },
    Load { clients: 3, servers: 2, outstanding: 2, ..LOAD },
];

/// Servers take requests in another order than they were sent in, and answers of several servers come as they like.
#[test]
fn messages_of_several_ports_are_counted_one_by_one_in_any_order_between_them() {
    for load in LOADS {
        let [client, server] = trial(load, Broken::Nothing, [LONG; 2]);
        assert_eq!((client.error, server.error), (None, None), "{load:?}");
        let (requests, responses) = (client.sent * load.servers as u64, client.sent * load.answers() as u64);
        assert_eq!([server.received, server.verified], [requests; 2], "{load:?}");
        assert_eq!([server.sent, client.received, client.verified], [responses; 3], "{load:?}");
        assert_eq!(client.checksum, server.checksum, "{load:?}");
        assert!(!client.intervals.is_empty());
        for interval in &client.intervals {
            let counts = if load.timing == Timing::RoundTrip { (5, 5) } else { (10 * load.answers() as u64, 0) };
            assert_eq!((interval.load_count, interval.whole_loads), counts, "{load:?}");
        }
    }
}

#[test]
fn what_is_lost_is_an_error_and_not_a_hang() {
    for load in LOADS {
        for broken in [Broken::LoseRequest(3), Broken::Lose(3 * load.answers() as u64)] {
            let [client, server] = trial(load, broken, [SHORT, LONG]);
            assert!(client.error.is_some() && server.error.is_some(), "{load:?} {broken:?}: {client:?} {server:?}");
        }
    }
}

#[test]
fn a_request_that_comes_twice_or_overtakes_one_of_its_own_client_is_noticed() {
    for load in LOADS {
        // Takes the place of the last one of the slice, which is never answered.
        let [client, server] = trial(load, Broken::DoubleRequest(3), [SHORT, LONG]);
        assert!(client.error.is_some() && server.error.is_some(), "{load:?}: {client:?} {server:?}");
    }
    for load in LOADS.into_iter().filter(|load| load.outstanding > 1) {
        let [client, server] = trial(load, Broken::SwapRequests(3), [LONG; 2]);
        let error = server.error.unwrap_or_default();
        assert!(error.starts_with("1 of ") && error.contains("requests did not carry"), "{load:?}: {error}");
        assert_eq!((client.error, client.checksum), (None, server.checksum), "{load:?}: nothing is missing");
    }
}

#[test]
fn a_response_that_is_doubled_altered_or_overtakes_one_of_its_own_server_is_noticed() {
    for load in LOADS {
        // Of the last server, which is the one that breaks, the first response to the third request.
        let number = load.numbering(load.servers - 1).numbers(3).next().unwrap();
        let [client, server] = trial(load, Broken::Falsify(number), [LONG; 2]);
        assert!(client.error.is_some() && client.verified < client.received, "{load:?}: {client:?}");
        assert_ne!(client.checksum, server.checksum, "{load:?}");
        if load.responses > 1 {
            let [client, _] = trial(load, Broken::Swap(number), [LONG; 2]);
            assert!(client.error.is_some_and(|error| error.contains("responses did not carry")), "{load:?}");
            let [client, _] = trial(load, Broken::Double(number), [LONG; 2]);
            assert!(client.error.is_some() && client.verified < client.received, "{load:?}: {client:?}");
        }
    }
}

#[test]
fn each_response_of_a_request_counts_once_and_in_the_order_of_its_server() {
    let taken = |numbers: [u64; 4]| {
        let mut turns = Turns::new(&Load { responses: 2, servers: 2, ..LOAD });
        turns.pass(1);
        numbers.map(|number| turns.take(number))
    };
    assert_eq!(taken([5, 6, 7, 8]), [true; 4]);
    assert_eq!(taken([7, 5, 8, 6]), [true; 4], "in any order between servers");
    assert_eq!(taken([6, 5, 7, 8]), [false, true, true, true], "out of order within one");
    assert_eq!(taken([5, 5, 7, 8]), [true, false, true, true], "doubled");
    assert_eq!(taken([4, 9, 0, u64::MAX]), [false; 4], "of other requests");
}

#[test]
fn a_window_tells_clients_apart_however_many_requests_there_were() {
    let load = Load { clients: 3, outstanding: 2, ..LOAD };
    let mut window = Window::new(&load);
    for round in 0..1000 {
        let order = [3, 2, 5, 1, 6, 4].map(|sequence| window.take(6 * round + sequence));
        assert_eq!(order, [true; 6], "{round}");
    }
    let more = [6001, 6001, 6005, 6002, 6008, 0, u64::MAX].map(|sequence| window.take(sequence));
    assert_eq!(more, [true, false, false, true, true, false, false]);
    assert!(!Window::new(&load).take(0) && !Window::new(&load).take(4) && Window::new(&load).take(3));
}
