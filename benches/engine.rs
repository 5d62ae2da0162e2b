//! What the engine costs, from one word in a channel to a round trip between two processes.
//!
//!     cargo bench --bench engine                  everything
//!     cargo bench --bench engine -- --quick       the same in seconds, with wider intervals
//!     cargo bench --bench engine -- channel       what has this in its name
//!
//! The report is `target/criterion/report/index.html`. A benchmark that goes wrong ends the program with an exit code
//! that is not 0; nothing waits for ever. Ctrl-C ends it at once with 130, and leaves nothing in shared memory.
//!
//! Between processes, `shmark bench` is the better judge: it sets each figure against the cache line's own.

mod common;
#[path = "common/interrupt.rs"]
mod interrupt;
#[path = "common/line.rs"]
mod line;

use std::error::Error;
use std::hint::{black_box, spin_loop};
use std::io::{BufRead, BufReader, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Channel, Pair};
use criterion::{Criterion, PlottingBackend};
use nix::poll::{PollFd, PollFlags, poll};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;
use plotters::style::{FontStyle, register_font};
use shmark::bench::pin;
use shmark_engine::shm::Mapping;
use shmark_engine::{AllocationStrategy, Client, Config, Node, Server, ServiceName, TryReceived};

type Res<T> = Result<T, Box<dyn Error>>;

/// Argument that makes this program the server of the two-process round trip.
const SERVE: &str = "--serve";
/// Below the folder of both processes: the file with the bare line, and the root of the node.
const LINE: &str = "line";
const ROOT: &str = "root";
/// How long the other process is waited for: its start, a response, its end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Polls between two looks at the clock: so many that it costs nothing.
const POLLS: u32 = 1 << 16;

fn main() -> Res<()> {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, serve, root, cpu] = arguments.as_slice()
        && serve == SERVE
    {
        return serve_until_left(Path::new(root), cpu.parse()?);
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
    two_processes(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Panics, as criterion has no other way to say that a benchmark went wrong. Never returns where the end has begun, which
/// takes folder and server away from a benchmark.
fn done<T>(result: Result<T, Box<dyn Error>>) -> T {
    result.unwrap_or_else(|error| {
        drop(interrupt::live());
        panic!("{error}")
    })
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

fn two_processes(criterion: &mut Criterion) -> Res<()> {
    let Some((ours, theirs)) = pin::choose(None, &pin::allowed()?)? else {
        println!("SKIPPED: a round trip between two processes needs two processors");
        return Ok(());
    };
    let scratch = interrupt::scratch()?;
    std::fs::write(scratch.path().join(LINE), [0; 4096])?;
    let server = Serving::start(scratch.path(), theirs)?;
    pin_to(ours)?;
    let line = Mapping::open(&scratch.path().join(LINE), true)?;
    criterion.bench_function("bare cache line over and back, two processes", |bencher| {
        bencher.iter(|| done(line::over_and_back(&line.words()[0], POLLS, PATIENCE)));
    });
    line::end(&line.words()[0]);
    let node = Node::builder().config(Config::default()).root(scratch.path().join(ROOT)).create()?;
    let service = node.service_builder(&ServiceName::new("pair")?).request_response::<u64, u64>().open()?;
    let client = service.client_builder().create()?;
    let round_trip = |number: u64| -> Res<u64> {
        let pending = client.send_copy(number)?;
        let mut since = None;
        loop {
            for _ in 0..POLLS {
                match pending.try_receive()? {
                    TryReceived::Received(response) => return Ok(*response),
                    TryReceived::Empty => spin_loop(),
                    TryReceived::Disconnected => return Err("the server is gone".into()),
                }
            }
            if since.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
                return Err(format!("no response for {} s", PATIENCE.as_secs()).into());
            }
        }
    };
    criterion.bench_function("round trip, two processes", |bencher| {
        bencher.iter(|| assert_eq!(done(round_trip(black_box(7))), 8));
    });
    server.stop()
}

/// The server's process, which is [`interrupt::Live`]'s: an end takes it away as well.
struct Serving;

impl Serving {
    /// Returns when the server can be connected to.
    fn start(root: &Path, cpu: usize) -> Res<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVE).arg(root).arg(cpu.to_string()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let stdout = {
            let mut live = interrupt::live();
            live.server.insert(command.spawn()?).stdout.take().ok_or("no pipe")?
        };
        let server = Self;
        if poll(&mut [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)], PATIENCE.as_millis() as u16)? == 0 {
            return Err("the server does not start".into());
        }
        let mut said = String::new();
        BufReader::new(stdout).read_line(&mut said)?;
        if said == "ready\n" { Ok(server) } else { Err("the server did not start".into()) }
    }

    fn stop(self) -> Res<()> {
        let since = Instant::now();
        let status = loop {
            if let Some(server) = &mut interrupt::live().server {
                drop(server.stdin.take());
                if let Some(status) = server.try_wait()? {
                    break status;
                }
            }
            if since.elapsed() > PATIENCE {
                return Err("the server does not end".into());
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        // It has ended, so there is nothing to take away any more.
        drop(self);
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(mut server) = interrupt::live().server.take() {
            // Nothing is left to do where it is gone already.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Answers until standard input ends, which it does when the client's process does.
fn serve_until_left(root: &Path, cpu: usize) -> Res<()> {
    let node = Node::builder().config(Config::default()).root(root.join(ROOT)).create()?;
    let service = node.service_builder(&ServiceName::new("pair")?).request_response::<u64, u64>().create()?;
    let server = service.server_builder().create()?;
    let line = Mapping::open(&root.join(LINE), true)?;
    println!("ready");
    let left = std::thread::spawn(|| std::io::stdin().read_to_end(&mut Vec::new()));
    pin_to(cpu)?;
    while !left.is_finished() && !line::answer(&line.words()[0], POLLS) {}
    // The thread sleeps; whether it is over is one word to read.
    while !left.is_finished() {
        for _ in 0..1 << 12 {
            if let Some(active) = server.receive()? {
                active.send_copy(*active + 1)?;
            }
            spin_loop();
        }
    }
    Ok(())
}

fn pin_to(cpu: usize) -> Res<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}
