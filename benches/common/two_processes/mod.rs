//! Benchmarks between two processes, each with a server of its own: the program itself, started once more.
//!
//! criterion says how many round trips it wants, and gets their time (`iter_custom`). Every message has a number that the
//! receiving side checks, and every response a deadline; what goes wrong ends the program.

mod client;
mod line;
mod message;
mod process;
mod question;
mod server;

use std::error::Error;
use std::time::Duration;

use criterion::{Bencher, BenchmarkId, Criterion, Throughput};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use shmark::bench::pin;

use super::interrupt;
use client::Timed;
use process::Serving;
use question::{PAYLOADS, Question, STREAM};

pub use server::serve;

type Res<T> = Result<T, Box<dyn Error>>;
/// Of the client and of the server.
type Processors = (usize, usize);

/// Argument that makes the program a server.
pub const SERVE: &str = "--serve";
/// How long the other process is waited for: its start, a response, its end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Polls between two looks at the clock: so many that it costs nothing.
const POLLS: u32 = 1 << 16;

/// The groups `rtt`, `stream` and `payload`.
pub fn benchmarks(criterion: &mut Criterion) -> Res<()> {
    let Some(processors) = pin::choose(None, &pin::allowed()?)? else {
        println!("SKIPPED: benchmarks between two processes need two processors");
        return Ok(());
    };
    let mut group = criterion.benchmark_group("rtt");
    for (name, question) in [("bare line", Question::Line), ("round trip", Question::RoundTrip)] {
        measure(question, processors, |run| {
            group.bench_function(name, run);
        })?;
    }
    group.finish();
    let mut group = criterion.benchmark_group("stream");
    group.throughput(Throughput::Elements(STREAM));
    let id = BenchmarkId::from_parameter(STREAM);
    measure(Question::Stream, processors, |run| {
        group.bench_function(id, run);
    })?;
    group.finish();
    let mut group = criterion.benchmark_group("payload");
    for bytes in PAYLOADS {
        group.throughput(Throughput::Bytes(bytes as u64));
        let id = BenchmarkId::from_parameter(bytes);
        measure(Question::Payload(bytes), processors, |run| {
            group.bench_function(id, run);
        })?;
    }
    group.finish();
    Ok(())
}

/// Starts nothing where the benchmark is filtered out: then `benchmark` does not call what it is given.
fn measure(
    question: Question,
    processors: Processors,
    benchmark: impl FnOnce(&mut dyn FnMut(&mut Bencher)),
) -> Res<()> {
    let mut pair = None;
    benchmark(&mut |bencher| {
        let pair = pair.get_or_insert_with(|| interrupt::done(Pair::start(question, processors)));
        bencher.iter_custom(|times| interrupt::done((pair.client)(times)));
    });
    pair.map_or(Ok(()), Pair::stop)
}

/// A client in this process and its server, in the order in which they go.
struct Pair {
    client: Timed,
    server: Serving,
    _scratch: tempfile::TempDir,
}

impl Pair {
    fn start(question: Question, (ours, theirs): Processors) -> Res<Self> {
        let scratch = interrupt::scratch()?;
        std::fs::write(Question::line(scratch.path()), [0; 4096])?;
        let server = Serving::start(question, scratch.path(), theirs)?;
        pin_to(ours)?;
        Ok(Self { client: client::connect(question, scratch.path())?, server, _scratch: scratch })
    }

    fn stop(self) -> Res<()> {
        drop(self.client);
        self.server.stop()
    }
}

fn pin_to(processor: usize) -> Res<()> {
    let mut set = CpuSet::new();
    set.set(processor)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}
