//! One `u64` round trip with both ports in this thread, the reference engine beside iceoryx2: what the processor has to
//! do, without the time that cache lines take between two processors.
//!
//!     cargo run --release --manifest-path subjects/iceoryx2/peer/Cargo.toml --example one_thread
//!     cargo run --release --manifest-path subjects/iceoryx2/peer/Cargo.toml --example one_thread -- --quick --json FILE
//!
//! Both are measured in turns, in slices of a millisecond or so, and compared pair by pair, so that a machine that changes
//! its pace does so for both.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use iceoryx2::port::{client::Client, server::Server};
use iceoryx2::prelude::{
    Config, FileName, LogLevel, NodeBuilder, Path as IceoryxPath, SemanticString, ServiceName, SignalHandlingMode, ipc,
    set_log_level,
};
use shmark::statistics::{median, median_interval};

type Res<T> = Result<T, Box<dyn Error>>;

/// Ports of one implementation in one thread, default settings.
trait Pair {
    /// One complete round trip: loan, write, send, receive, read, in both directions, and everything dropped.
    fn round_trip(&self, number: u64) -> Res<u64>;
}

struct Reference {
    server: shmark_engine::Server<u64, u64>,
    client: shmark_engine::Client<u64, u64>,
}

impl Reference {
    fn new(root: &Path) -> Res<Self> {
        let node = shmark_engine::Node::builder().config(shmark_engine::Config::default()).root(root).create()?;
        let name = shmark_engine::ServiceName::new("pair")?;
        let service = node.service_builder(&name).request_response::<u64, u64>().create()?;
        Ok(Self { server: service.server_builder().create()?, client: service.client_builder().create()? })
    }
}

impl Pair for Reference {
    #[inline]
    fn round_trip(&self, number: u64) -> Res<u64> {
        let pending = self.client.loan_uninit()?.write_payload(number).send()?;
        let active = self.server.receive()?.ok_or("no request")?;
        active.loan_uninit()?.write_payload(*active + 1).send()?;
        let response = pending.receive()?.ok_or("no response")?;
        Ok(*response)
    }
}

struct Iceoryx2 {
    server: Server<ipc::Service, u64, (), u64, ()>,
    client: Client<ipc::Service, u64, (), u64, ()>,
}

impl Iceoryx2 {
    fn new(root: &Path, prefix: &str) -> Res<Self> {
        set_log_level(LogLevel::Error);
        let mut config = Config::default();
        config.global.set_root_path(&IceoryxPath::new(root.as_os_str().as_encoded_bytes())?);
        config.global.prefix = FileName::new(prefix.as_bytes())?;
        let node = NodeBuilder::new()
            .config(&config)
            .signal_handling_mode(SignalHandlingMode::Disabled)
            .create::<ipc::Service>()?;
        let service = node.service_builder(&ServiceName::new("pair")?).request_response::<u64, u64>().create()?;
        Ok(Self { server: service.server_builder().create()?, client: service.client_builder().create()? })
    }
}

impl Pair for Iceoryx2 {
    #[inline]
    fn round_trip(&self, number: u64) -> Res<u64> {
        let pending = self.client.loan_uninit()?.write_payload(number).send()?;
        let active = self.server.receive()?.ok_or("no request")?;
        active.loan_uninit()?.write_payload(*active + 1).send()?;
        let response = pending.receive()?.ok_or("no response")?;
        Ok(*response)
    }
}

/// Start of the names of everything that iceoryx2 puts into shared memory.
fn token(root: &Path) -> String {
    format!("{}_", root.file_name().unwrap_or_default().to_string_lossy())
}

/// How long it takes.
struct Plan {
    slices: usize,
    /// Round trips in a slice of the reference, and of iceoryx2.
    round_trips: [u64; 2],
}

/// Mean of one round trip over a slice, ns.
#[inline(never)]
fn slice(pair: &impl Pair, round_trips: u64) -> Res<f64> {
    let start = Instant::now();
    for number in 0..round_trips {
        if pair.round_trip(black_box(number))? != number + 1 {
            return Err("a wrong response came".into());
        }
    }
    Ok(start.elapsed().as_nanos() as f64 / round_trips as f64)
}

fn measure(plan: &Plan, root: &Path) -> Res<[Vec<f64>; 2]> {
    let folders = ["reference", "iceoryx2"].map(|name| root.join(name));
    folders.iter().try_for_each(std::fs::create_dir)?;
    let (reference, iceoryx2) = (Reference::new(&folders[0])?, Iceoryx2::new(&folders[1], &token(root))?);
    // A tenth of it for caches, branch predictors and first uses of memory.
    let warm_up = plan.slices / 10 + 1;
    let mut measured = [Vec::new(), Vec::new()];
    for turn in 0..warm_up + plan.slices {
        let order = if turn % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in order {
            let count = plan.round_trips[which];
            let ns = if which == 0 { slice(&reference, count)? } else { slice(&iceoryx2, count)? };
            if turn >= warm_up {
                measured[which].push(ns);
            }
        }
    }
    Ok(measured)
}

fn main() -> Res<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    let json = arguments.iter().position(|argument| argument == "--json").and_then(|at| arguments.get(at + 1));
    let plan = match (!has("--test"), has("--quick")) {
        // As a test: that it works, whatever it takes.
        (false, _) => Plan { slices: 10, round_trips: [20, 5] },
        (true, true) => Plan { slices: 100, round_trips: [5_000, 700] },
        (true, false) => Plan { slices: 1_000, round_trips: [10_000, 1_400] },
    };
    let root = tempfile::Builder::new().prefix("shmark-one-thread-").tempdir_in("/dev/shm")?;
    let measured = measure(&plan, root.path());
    // iceoryx2 keeps a file for each namespace that it had.
    for entry in std::fs::read_dir("/dev/shm")?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&token(root.path())) {
            // Somebody may have cleaned it already.
            let _ = std::fs::remove_file(entry.path());
        }
    }
    let [reference, iceoryx2] = measured?;
    let ratios: Vec<f64> = reference.iter().zip(&iceoryx2).map(|(ours, theirs)| ours / theirs).collect();
    let figure = |values: &[f64]| -> Res<[f64; 3]> {
        let [low, high] = median_interval(values).ok_or("too few slices")?;
        Ok([median(values).ok_or("no slice")?, low, high])
    };
    let [reference, iceoryx2, ratio] = [figure(&reference)?, figure(&iceoryx2)?, figure(&ratios)?];
    println!("one u64 round trip, both ports in one thread, {} slices in turns; median, 95 % interval", plan.slices);
    for (name, [middle, low, high]) in [("reference", reference), ("iceoryx2", iceoryx2)] {
        println!("  {name:<10} {middle:>8.1} ns  ({low:.1} to {high:.1})");
    }
    let [middle, low, high] = ratio;
    println!("  ratio      {middle:>8.4}     ({low:.4} to {high:.4}), or 1 to {:.1}", 1.0 / middle);
    if let Some(path) = json {
        let figures = serde_json::json!({ "reference_ns": reference, "iceoryx2_ns": iceoryx2, "ratio": ratio });
        std::fs::write(path, format!("{figures}\n"))?;
    }
    Ok(())
}
