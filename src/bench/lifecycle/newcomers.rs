//! A pair that is busy while other processes create and drop ports beside it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::actor::{Stage, Stop};
use super::measured::Measured;
use super::pair::with_node;
use crate::bench::asked::Asked;
use crate::bench::histogram;
use crate::bench::launch::{Ended, TrialPlan};
use crate::bench::processes::{Processes, SERVICE};
use crate::bench::trial::Trial;
use crate::harness::space::{free_bytes, mebibytes, remedy};
use crate::scenario::lifecycle::LifecycleCase;
use crate::scenario::model::{BenchCase, BenchScenario};
use shmark_peer::bench_protocol::BenchCollected;
use shmark_peer::kit::implementation::Timing;

/// What the pair does: round trips with hardly a pause for floors.
const DURATION_MS: u64 = 1500;
const WARMUP_MS: u64 = 100;
const SLICE_REQUESTS: u64 = 1000;
const SLICE_FLOORS: u64 = 100;
/// Ports that the pair and the newcomers need together.
const MAX_SERVERS: usize = 2;
const MAX_CLIENTS: usize = 8;
/// Of the memory that the large server takes, so much has to be free, as parts of 4.
const FREE_QUARTERS: u64 = 5;
/// Clients that come and go for each large server.
const CLIENTS: usize = 20;

/// One round.
pub(super) fn run(
    stage: &Stage<'_>,
    case: &LifecycleCase,
    processes: &Processes,
    subject: usize,
) -> Result<Vec<Measured>, Stop> {
    let service = match case.word("beside") {
        "here" => Some(SERVICE),
        "elsewhere" => Some("shmark/elsewhere"),
        _ => None,
    };
    let ended = AtomicBool::new(false);
    let (measured, visits) = thread::scope(|scope| {
        let visitors = service.map(|service| scope.spawn(|| visit(stage, service, case.count("server_bytes"), &ended)));
        let measured = trial(stage, processes, subject);
        // Relaxed: nothing but the flag itself is told.
        ended.store(true, Ordering::Relaxed);
        let visits = visitors.map_or(Ok(0), |visitors| {
            visitors.join().unwrap_or_else(|_| Err(Stop::Broken("the newcomers' thread has panicked".to_owned())))
        });
        (measured, visits)
    });
    let visits = visits?;
    if service.is_some() && visits == 0 {
        return Err(Stop::Broken("no server came and went while the pair was busy".to_owned()));
    }
    let mut figures = measured?;
    figures.push(Measured::new("servers_that_came", visits as f64));
    Ok(figures)
}

/// Round trips of the pair.
fn trial(stage: &Stage<'_>, processes: &Processes, subject: usize) -> Result<Vec<Measured>, Stop> {
    let case = BenchCase {
        payload: "u64".to_owned(),
        kind: "slice".to_owned(),
        len: 1,
        waiting: "spin".to_owned(),
        counts: [("max_servers", MAX_SERVERS), ("max_clients", MAX_CLIENTS)].into(),
        ..BenchCase::default()
    };
    let scenario = BenchScenario {
        name: "newcomers".to_owned(),
        title: String::new(),
        timing: Timing::RoundTrip,
        cases: vec![case.clone()],
        rounds: 1,
        duration_ms: DURATION_MS,
        warmup_ms: WARMUP_MS,
        slice_requests: SLICE_REQUESTS,
        slice_floors: SLICE_FLOORS,
        width_percent: None,
        baselines: Vec::new(),
        file: String::new(),
    };
    let plan = TrialPlan { scenario: &scenario, case: &case, subject, round: 0 };
    match processes.trial_in(&plan, stage.namespace) {
        Ended::Measured { client, server } => {
            // That processors were taken away is what the newcomers do.
            if let Some(wrong) = Trial::of(&client, &server, Asked::by(&case)).err().filter(|e| !e.is_disturbance()) {
                return Err(Stop::Broken(wrong.to_string()));
            }
            figures(&client)
        }
        Ended::Unsupported(text) => Err(Stop::Unsupported(text)),
        Ended::Broken(text) => Err(Stop::Broken(text)),
        Ended::Interrupted => Err(Stop::Interrupted),
    }
}

fn figures(client: &BenchCollected) -> Result<Vec<Measured>, Stop> {
    let singles = histogram::decode(&client.histogram).map_err(Stop::Broken)?;
    let percentiles = histogram::percentiles(&singles);
    // Of a part that is timed as a whole: the time that its round trips but one take as a rule is not the longest one's.
    let longest_whole_ns = |interval: &shmark_peer::bench_protocol::Interval| {
        let others_ns = interval.load_p50_ns * interval.whole_loads.saturating_sub(1) as f64;
        if interval.whole_loads == 0 { 0.0 } else { interval.whole_loads_ns as f64 - others_ns }
    };
    let longest_ns = client.intervals.iter().map(longest_whole_ns).fold(percentiles.max, f64::max);
    Ok(vec![
        Measured::new("longest_ns", longest_ns),
        Measured::new("p99_99_ns", percentiles.p99_99),
        Measured::new("p50_ns", percentiles.p50),
    ])
}

/// Ports that come and go until the pair has ended; the number of large servers among them.
fn visit(stage: &Stage<'_>, service: &str, server_bytes: u64, ended: &AtomicBool) -> Result<u64, Stop> {
    let path = stage.namespace.path();
    if let Some(free) = free_bytes(path).filter(|free| *free < server_bytes / 4 * FREE_QUARTERS) {
        let (need, free) = (mebibytes(server_bytes), mebibytes(free));
        return Err(Stop::Unsupported(format!(
            "shared memory has {free} free, too little for a server of {need}; {}",
            remedy(path)
        )));
    }
    let mut visitor = with_node(stage.actor("visitor")?)?;
    visitor.needs(&["slice", "preallocate", "bench"])?;
    let payload = json!({ "type": "u64", "kind": "slice" });
    let qos = json!({ "max_servers": MAX_SERVERS, "max_clients": MAX_CLIENTS });
    let arguments: Value = json!({
        "node": "node", "as": "service", "name": service, "request": payload, "response": payload, "qos": qos,
    });
    visitor.call("service.open_or_create", arguments)?;
    let mut visits = 0;
    while !ended.load(Ordering::Relaxed) {
        for _ in 0..CLIENTS {
            visitor.call("client.create", json!({ "service": "service", "as": "client" }))?;
            visitor.call("drop", json!({ "on": "client" }))?;
        }
        let len = server_bytes.div_ceil(8);
        let server = json!({ "service": "service", "as": "server", "initial_max_slice_len": len, "preallocate": 1 });
        visitor.call("server.create", server)?;
        visitor.call("drop", json!({ "on": "server" }))?;
        visits += 1;
    }
    visitor.leave()?;
    Ok(visits)
}
