//! From `bench.prepare` to `bench.collect`.

use std::path::Path;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::delay::{Delay, Delayed};
use super::fan::{self, Turns, Window};
use super::floor::{Floor, WORDS_MIN};
use super::plan::BenchPlan;
use super::record::{Measurements, Record, Tally};
use super::usage::{Meter, monotonic_ns};
use super::wait::TIMEOUT;
use super::{client, server};
use crate::bench_protocol::{BenchCollected, BenchPrepare, BenchRole, BenchStart};
use crate::kit::implementation::{BenchSetup, BenchSubject};
use crate::kit::reply::Stop;
use shmark_engine::shm::Mapping;

/// A start is at most so far ahead.
const START_AHEAD_NS_MAX: u64 = 60_000_000_000;
/// The rest of the wait for the start is spun: longer than a sleeper oversleeps.
const START_SPIN_NS: u64 = 2_000_000;

/// What a session needs of the benchmark mode, whatever the subject is.
pub(in crate::kit) trait Bench {
    /// Pins, creates the ports and allocates everything.
    fn prepare(&mut self, prepare: &BenchPrepare) -> Result<(), Stop>;
    /// Accepts the start; the trial runs in [`Bench::run_if_started`].
    fn start(&mut self, start: BenchStart) -> Result<(), Stop>;
    /// Runs the trial if one was started.
    fn run_if_started(&mut self);
    /// What the trial came to.
    fn collect(&mut self) -> Result<BenchCollected, Stop>;
}

/// The benchmark mode of one subject.
pub(in crate::kit) struct BenchHost<B: BenchSubject> {
    state: State<B>,
    timeout: Duration,
}

enum State<B: BenchSubject> {
    Idle,
    Prepared(Trial<B>),
    Started(Trial<B>, BenchStart),
    /// Ports are kept until the result is fetched, so that the other side never misses one in the middle of its own end.
    Over(Option<Port<B>>, Box<Record>, Option<String>),
}

enum Port<B: BenchSubject> {
    Client(B::Client),
    Server(B::Server),
    /// Of a load with several ports on either side.
    Clients(Vec<B::Client>, Turns),
    /// Likewise; a window for each.
    Servers(Vec<B::Server>, Vec<Window>),
}

impl<B: BenchSubject> Port<B> {
    fn new(role: BenchRole, setup: &BenchSetup) -> Result<Self, Stop> {
        let load = &setup.load;
        Ok(match (role, load.has_several_ports()) {
            (BenchRole::Server, false) => Self::Server(B::bench_server(setup)?),
            (BenchRole::Client, false) => Self::Client(B::bench_client(setup)?),
            (BenchRole::Server, true) => {
                let servers = counted("servers", B::bench_servers(setup)?, load.servers)?;
                Self::Servers(servers, (0..load.servers).map(|_| Window::new(load)).collect())
            }
            (BenchRole::Client, true) => {
                Self::Clients(counted("clients", B::bench_clients(setup)?, load.clients)?, Turns::new(load))
            }
        })
    }
}

/// An implementation that makes other ports than it was asked for is broken.
fn counted<T>(what: &str, ports: Vec<T>, asked: usize) -> Result<Vec<T>, Stop> {
    match ports.len() {
        made if made == asked => Ok(ports),
        made => Err(Stop::fault(format!("the peer made {made} {what} and was asked for {asked}"))),
    }
}

struct Trial<B: BenchSubject> {
    port: Port<B>,
    calibration: Mapping,
    plan: BenchPlan,
    record: Record,
}

impl<B: BenchSubject> BenchHost<B> {
    pub(in crate::kit) fn new() -> Self {
        Self::with_timeout(TIMEOUT)
    }

    /// For tests, which have less of it.
    pub(super) fn with_timeout(timeout: Duration) -> Self {
        Self { state: State::Idle, timeout }
    }
}

impl<B: BenchSubject> Bench for BenchHost<B> {
    fn prepare(&mut self, prepare: &BenchPrepare) -> Result<(), Stop> {
        if !matches!(self.state, State::Idle) {
            return Err(Stop::fault("a trial is prepared already; bench.collect ends it"));
        }
        let plan = BenchPlan::check(prepare).map_err(Stop::Fault)?;
        // Before anything is allocated, so that memory is near the processor that uses it.
        prepare.pin.map_or(Ok(()), pin)?;
        let calibration = calibration(&prepare.calibration)?;
        let measurements = match prepare.role {
            BenchRole::Server => None,
            BenchRole::Client => Some(Measurements::new(&plan).map_err(Stop::Fault)?),
        };
        let port = Port::new(prepare.role, &prepare.setup)?;
        let delay = match prepare.role {
            BenchRole::Client => Delay::from_environment().map_err(Stop::Fault)?,
            BenchRole::Server => None,
        };
        let record = Record { tally: Tally::default(), meter: Meter::default(), measurements, delay };
        self.state = State::Prepared(Trial { port, calibration, plan, record });
        Ok(())
    }

    fn start(&mut self, start: BenchStart) -> Result<(), Stop> {
        let now_ns = monotonic_ns().map_err(Stop::Fault)?;
        if start.at_ns > now_ns.saturating_add(START_AHEAD_NS_MAX) {
            return Err(Stop::fault(format!(
                "at_ns is {} s ahead of CLOCK_MONOTONIC; at most {} s make sense",
                (start.at_ns - now_ns) / 1_000_000_000,
                START_AHEAD_NS_MAX / 1_000_000_000
            )));
        }
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Prepared(trial) => {
                self.state = State::Started(trial, start);
                Ok(())
            }
            other => {
                self.state = other;
                Err(Stop::fault("no trial is prepared; bench.prepare comes first"))
            }
        }
    }

    fn run_if_started(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Idle) {
            State::Started(trial, start) => trial.run(start, self.timeout),
            other => other,
        };
    }

    fn collect(&mut self) -> Result<BenchCollected, Stop> {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Over(port, record, error) => {
                drop(port);
                record.collect(error).map_err(Stop::Fault)
            }
            State::Idle => Err(Stop::fault("no trial was prepared; bench.prepare comes first")),
            // Collecting ends a trial in whatever state it is.
            State::Prepared(_) | State::Started(..) => Err(Stop::fault("the trial was never started; it is over now")),
        }
    }
}

impl<B: BenchSubject> Trial<B> {
    fn run(mut self, start: BenchStart, timeout: Duration) -> State<B> {
        let record = &mut self.record;
        let result = Floor::new(self.calibration.words(), timeout).and_then(|mut floor| {
            wait_until(start.at_ns)?;
            let result = match (&mut self.port, &mut record.measurements) {
                (Port::Client(port), Some(measurements)) => {
                    let (plan, tally, meter) = (&self.plan, &mut record.tally, &mut record.meter);
                    match record.delay {
                        None => client::run(port, &mut floor, plan, tally, meter, measurements),
                        Some(delay) => {
                            let mut port = Delayed { client: port, delay };
                            client::run(&mut port, &mut floor, plan, tally, meter, measurements)
                        }
                    }
                }
                (Port::Clients(ports, turns), Some(measurements)) => {
                    let (plan, tally, meter) = (&self.plan, &mut record.tally, &mut record.meter);
                    match record.delay {
                        None => fan::client(ports, turns, &mut floor, plan, tally, meter, measurements),
                        Some(delay) => {
                            let delayed = |client| Delayed { client, delay };
                            let mut ports: Vec<_> = ports.iter_mut().map(delayed).collect();
                            fan::client(&mut ports, turns, &mut floor, plan, tally, meter, measurements)
                        }
                    }
                }
                (Port::Client(_) | Port::Clients(..), None) => {
                    Err("the client has no place for its measurements".to_owned())
                }
                (Port::Server(port), _) => {
                    server::run(port, &mut floor, &self.plan, &mut record.tally, &mut record.meter)
                }
                (Port::Servers(ports, windows), _) => {
                    fan::server(ports, windows, &mut floor, &self.plan, &mut record.tally, &mut record.meter)
                }
            };
            if result.is_err() {
                floor.give_up();
            }
            result
        });
        match result {
            Ok(()) => State::Over(Some(self.port), Box::new(self.record), None),
            // The ports go at once: a partner that blocks in the kernel wakes up when its other end is gone.
            Err(error) => State::Over(None, Box::new(self.record), Some(error)),
        }
    }
}

/// Sleeps, then spins, until `CLOCK_MONOTONIC` has reached a moment.
fn wait_until(at_ns: u64) -> Result<(), String> {
    let ahead_ns = at_ns.saturating_sub(monotonic_ns()?);
    std::thread::sleep(Duration::from_nanos(ahead_ns.saturating_sub(START_SPIN_NS)));
    while monotonic_ns()? < at_ns {
        std::hint::spin_loop();
    }
    Ok(())
}

fn pin(processor: usize) -> Result<(), Stop> {
    let mut set = CpuSet::new();
    set.set(processor)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .map_err(|errno| Stop::fault(format!("processor {processor} cannot be used by this process: {errno}")))
}

fn calibration(path: &str) -> Result<Mapping, Stop> {
    let mapping = Mapping::open(Path::new(path), true)
        .map_err(|error| Stop::fault(format!("the calibration file {path} cannot be mapped: {error}")))?;
    if mapping.words().len() < WORDS_MIN {
        return Err(Stop::fault(format!("the calibration file {path} is shorter than {WORDS_MIN} words of 8 bytes")));
    }
    if !Floor::is_fresh(mapping.words()) {
        return Err(Stop::fault(format!("the calibration file {path} was used before; each trial needs a new one")));
    }
    Ok(mapping)
}
