//! From `bench.prepare` to `bench.collect`.

use std::path::Path;
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

use super::delay::{Delay, Delayed};
use super::floor::{Floor, WORDS_MIN};
use super::plan::BenchPlan;
use super::record::{Measurements, Record, Tally};
use super::usage::{Meter, monotonic_ns};
use super::wait::TIMEOUT;
use super::{client, server};
use crate::bench_protocol::{BenchCollected, BenchPrepare, BenchRole, BenchStart};
use crate::kit::implementation::BenchSubject;
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
        let (port, measurements) = match prepare.role {
            BenchRole::Server => (Port::Server(B::bench_server(&prepare.setup)?), None),
            BenchRole::Client => {
                let measurements = Measurements::new(&plan).map_err(Stop::Fault)?;
                (Port::Client(B::bench_client(&prepare.setup)?), Some(measurements))
            }
        };
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
                (Port::Client(_), None) => Err("the client has no place for its measurements".to_owned()),
                (Port::Server(port), _) => {
                    server::run(port, &mut floor, &self.plan, &mut record.tally, &mut record.meter)
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
