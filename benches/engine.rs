//! What the engine costs, from one word in a channel to a round trip between two processes.
//!
//!     cargo bench --bench engine                  everything
//!     cargo bench --bench engine -- --quick       the same in seconds, with wider intervals
//!     cargo bench --bench engine -- channel       what has this in its name
//!     cargo bench --bench engine -- '^payload/'   one of the groups between two processes: rtt, stream, payload
//!
//! The report is `target/criterion/report/index.html`. A benchmark that goes wrong ends the program with an exit code
//! that is not 0; nothing waits for ever. Ctrl-C ends it at once with 130, and leaves nothing in shared memory.
//!
//! Between processes, `shmark bench` is the better judge: it sets each figure against the cache line's own.

pub(crate) mod common;
#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "common/two_processes/mod.rs"]
mod two_processes;

use std::error::Error;
use std::hint::black_box;
use std::time::Duration;

use common::{Channel, Pair};
use criterion::{Criterion, PlottingBackend};
use interrupt::done;
use plotters::style::{FontStyle, register_font};
use shmark_engine::{AllocationStrategy, Client, Config, Node, Server, ServiceName};

type Res<T> = Result<T, Box<dyn Error>>;

fn main() -> Res<()> {
    run(Some)
}

/// The program. As a server, it sends what is `said` for each number.
pub(crate) fn run(said: impl Fn(u64) -> Option<u64>) -> Res<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [serve, rest @ ..] = arguments.as_slice()
        && serve == two_processes::SERVE
    {
        return two_processes::serve(rest, said);
    }
    interrupt::install()?;
    // Where the end has begun, its own exit code counts.
    benchmarks().inspect_err(|_| drop(interrupt::live()))
}

fn benchmarks() -> Res<()> {
    let short = Duration::from_secs(1);
    // Drawn alike everywhere, without gnuplot and without fonts of the system.
    register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).map_err(|_| "the font cannot be read")?;
    let criterion = Criterion::default().plotting_backend(PlottingBackend::Plotters);
    let mut criterion = criterion.warm_up_time(short).measurement_time(3 * short).configure_from_args();
    channel(&mut criterion);
    one_thread(&mut criterion)?;
    sizes(&mut criterion)?;
    two_processes::benchmarks(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn channel(criterion: &mut Criterion) {
    for (name, overflow) in [("with overflow", true), ("without overflow", false)] {
        let mut channel = Channel::new(4, overflow);
        criterion.bench_function(&format!("channel push and take, {name}"), |bencher| {
            bencher.iter(|| done(channel.push_and_take(black_box(7))));
        });
    }
}

fn one_thread(criterion: &mut Criterion) -> Res<()> {
    let pair = Pair::new(interrupt::scratch()?)?;
    criterion.bench_function("loan and drop", |bencher| bencher.iter(|| done(pair.loan_and_drop(black_box(7)))));
    criterion.bench_function("round trip, one thread", |bencher| bencher.iter(|| done(pair.round_trip(black_box(7)))));
    Ok(())
}

/// Payloads that are loaned, sent, received and dropped, and never touched.
fn sizes(criterion: &mut Criterion) -> Res<()> {
    for (name, bytes) in [("64 B", 64), ("64 MiB", 64 << 20)] {
        let (_scratch, server, client) = slices(bytes)?;
        let send = || -> Res<usize> {
            let pending = client.loan_slice_uninit(bytes)?.assume_init().send()?;
            let active = server.receive()?.ok_or("no request")?;
            drop(pending);
            Ok(active.len())
        };
        criterion.bench_function(&format!("loan, send and receive {name}"), |bencher| {
            bencher.iter(|| assert_eq!(done(send()), bytes));
        });
    }
    Ok(())
}

/// A service's folder and its ports.
type Slices = (tempfile::TempDir, Server<[u8], [u8]>, Client<[u8], [u8]>);

/// Ports of slices, with the smallest limits.
fn slices(bytes: usize) -> Res<Slices> {
    let scratch = interrupt::scratch()?;
    let node = Node::builder().config(Config::default()).root(scratch.path()).create()?;
    let service = node.service_builder(&ServiceName::new("slices")?).request_response::<[u8], [u8]>();
    let service = service.max_active_requests_per_client(1).max_loaned_requests(1).max_servers(1).create()?;
    let client = service.client_builder().allocation_strategy(AllocationStrategy::Static);
    let (client, server) = (client.initial_max_slice_len(bytes).create()?, service.server_builder().create()?);
    Ok((scratch, server, client))
}
