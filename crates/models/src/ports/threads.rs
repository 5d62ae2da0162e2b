//! Clients and servers in threads, each with a node of its own: what every message has to keep, whatever the order.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::time::{Duration, Instant};

use rand::{RngExt as _, SeedableRng as _};

use super::acting::{both, contents};
use super::records::{DEADLINE, RequestRecord, Table};
use super::system::LENS;
use super::{ClientShape, PortSettings, Ports, Refused, ServerShape, SharedService, Sizing, Threaded, Tried};
use crate::explore::{Log, panic_text};
use crate::failure::{Broken, Rule, demand};
use crate::random::Random;
use crate::segment::Growth;
use crate::{Config, RuleViolation};

const SERVERS: usize = 2;
const CLIENTS: usize = 3;
/// Requests of each client thread, in one meeting.
const REQUESTS: usize = 300;

/// How long a server finds nothing, after the last client has gone, before it believes that there is nothing.
const SILENCE: Duration = Duration::from_millis(50);

fn sizing(numbers: &mut Random) -> Sizing {
    let growth = Growth::GROWING[numbers.random_range(0..Growth::GROWING.len())];
    Sizing { growth, len_initial: 1, preallocate: [None, Some(1), Some(3)][numbers.random_range(0..3)] }
}

fn refused(what: &str, error: Refused) -> Broken {
    Broken { rule: Rule::Pattern, happened: format!("{what} was refused: {error:?}") }
}

/// Sends from one client after the other.
fn send<P: Ports>(ports: &mut P, table: &Table, mut numbers: Random) -> Result<(), Broken> {
    let (mut sent, mut number_of_client) = (0, 0);
    while sent < REQUESTS {
        table.in_time("a client that is to be created")?;
        let shape = ClientShape { node: 0, max_active_requests: None, handler: false, sizing: sizing(&mut numbers) };
        let client = match ports.create_client(shape) {
            Ok(client) => client,
            // Servers catch up.
            Err(Refused::TooManyDeparted { .. }) => {
                std::thread::yield_now();
                continue;
            }
            Err(error) => return Err(refused("a client", error)),
        };
        number_of_client += 1;
        let mut pendings = Vec::new();
        for _ in 0..=numbers.random_range(0..8) {
            let (request, len) = (table.number(), LENS[numbers.random_range(0..LENS.len())]);
            let fate = RequestRecord { len, client: number_of_client, ..RequestRecord::default() };
            table.records(|records| records.insert(request, fate));
            let payload = contents(request as usize, len);
            let loan = ports.loan(&client, request, &payload).map_err(|error| refused("a loan", error))?;
            let (pending, delivered) = match ports.send(loan) {
                Ok(sent) => sent,
                Err(Refused::TooManyActiveRequests { .. }) => {
                    table.records(|records| records.remove(&request));
                    pendings.clear();
                    continue;
                }
                Err(error) => return Err(refused("a request", error)),
            };
            table.records(|records| records.entry(request).or_default().delivered = Some(delivered));
            pendings.push((request, pending));
            sent += 1;
            for (request, pending) in &pendings {
                listen(ports, *request, pending, numbers.random_range(0..20))?;
            }
        }
        if numbers.random_range(0..2) == 0 {
            drop(client);
        }
    }
    Ok(())
}

/// Receives what answers a request, for a moment.
fn listen<P: Ports>(ports: &mut P, request: u64, pending: &P::Pending, times: usize) -> Result<(), Broken> {
    let mut seen = Vec::new();
    for _ in 0..times {
        let received = ports.receive_response(pending).map_err(|error| refused("receiving a response", error))?;
        let Some(response) = received else { continue };
        let got = ports.response(&response);
        let number = got.header & 0xffff_ffff;
        let is_whole = got.payload == contents(number as usize, got.payload.len());
        let is_right = got.header >> 32 == request && is_whole && !seen.contains(&number);
        demand(is_right, Rule::Pattern, || {
            format!(
                "request {request} received {:x}: of another one, twice or damaged (RR-PND-01, RR-TYP-05)",
                got.header
            )
        })?;
        seen.push(number);
    }
    Ok(())
}

/// Receives and answers until no client comes any more.
fn serve<P: Ports>(ports: &mut P, table: &Table, (me, mut numbers): (usize, Random)) -> Result<(), Broken> {
    let shape = ServerShape { node: 0, max_loaned_responses: 2, handler: false, sizing: sizing(&mut numbers) };
    let server = ports.create_server(shape).map_err(|error| refused("a server", error))?;
    table.begin.wait();
    let mut newest: BTreeMap<u128, u64> = BTreeMap::new();
    let mut silent_since = None;
    loop {
        table.in_time("the requests that a server is to receive")?;
        let is_last = table.clients_left.load(Ordering::Acquire) == 0;
        let received = ports.receive(&server).map_err(|error| refused("receiving a request", error))?;
        let Some(active) = received else {
            if is_last && *silent_since.get_or_insert_with(Instant::now) + SILENCE < Instant::now() {
                return Ok(());
            }
            std::thread::yield_now();
            continue;
        };
        silent_since = None;
        let got = ports.request(&active);
        let (request, len) = (got.header, got.payload.len());
        let is_new = table.records(|records| {
            let fate = records.get_mut(&request).filter(|fate| fate.len == len && !fate.received_by.contains(&me));
            fate.map(|fate| fate.received_by.push(me)).is_some()
        });
        let is_right = is_new && got.payload == contents(request as usize, len);
        demand(is_right, Rule::Pattern, || {
            format!("request {request} came twice, damaged or from nowhere (RR-SND-11)")
        })?;
        let before = newest.insert(got.client, request).unwrap_or(0);
        demand(before <= request, Rule::Pattern, || format!("request {request} came behind {before} (RR-SND-11)"))?;
        for _ in 0..numbers.random_range(0..3) {
            let (response, len) = (table.number(), LENS[numbers.random_range(0..LENS.len())]);
            let header = both(request as usize, response as usize);
            let loan = ports.loan_response(&active, header, &contents(response as usize, len));
            let loan = loan.map_err(|error| refused("a loan of a response", error))?;
            ports.send_response(loan).map_err(|error| refused("a response", error))?;
        }
    }
}

fn broken(happened: String) -> Result<(), Broken> {
    Err(Broken { rule: Rule::Pattern, happened })
}

fn run_threads<M: SharedService>(service: M, settings: PortSettings, seed: u64) -> Result<u64, Broken> {
    let service = Arc::new(service);
    let table = Arc::new(Table {
        numbers: AtomicU64::new(1),
        records: Mutex::default(),
        clients_left: AtomicUsize::new(CLIENTS),
        begin: Barrier::new(SERVERS + CLIENTS),
        end: Instant::now() + DEADLINE,
        operations: AtomicU64::new(0),
    });
    let (done, is_done) = mpsc::channel();
    for thread in 0..SERVERS + CLIENTS {
        let (service, table, done) = (Arc::clone(&service), Arc::clone(&table), done.clone());
        let numbers = Random::seed_from_u64(seed.wrapping_mul(31).wrapping_add(thread as u64));
        std::thread::spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| {
                let mut ports = service.join();
                if thread < SERVERS {
                    return serve(&mut ports, &table, (thread, numbers));
                }
                table.begin.wait();
                let sent = send(&mut ports, &table, numbers);
                drop(ports);
                table.clients_left.fetch_sub(1, Ordering::Release);
                sent
            }));
            drop(service);
            let panicked = |text| Err(Broken { rule: Rule::NoPanic, happened: text });
            // Whoever does not listen any more has told of another failure.
            let _ = done.send(result.unwrap_or_else(|panic| panicked(panic_text(panic.as_ref()))));
        });
    }
    for _ in 0..SERVERS + CLIENTS {
        let Ok(result) = is_done.recv_timeout(2 * DEADLINE) else {
            return broken("a thread hangs".to_owned()).map(|()| 0);
        };
        result?;
    }
    for (request, fate) in table.records(std::mem::take) {
        let RequestRecord { len, client, delivered, received_by } = fate;
        let (delivered, received) = (delivered.unwrap_or(0), received_by.len());
        // With overflow, an older request may have made room.
        let is_right = received == delivered || (settings.overflow_requests && received < delivered);
        if !is_right {
            broken(format!(
                "request {request} of {len} elements, of client {client} of its thread, was delivered to {delivered} servers and \
                 received by {received} (RR-SND-01, RR-FNF-01)"
            ))?;
        }
    }
    let Some(service) = Arc::into_inner(service) else { return broken("a thread goes on".to_owned()).map(|()| 0) };
    let left = service.end();
    if left.is_empty() {
        Ok(table.operations.load(Ordering::Relaxed))
    } else {
        broken(format!("left: {left:?}")).map(|()| 0)
    }
}

pub(super) fn check(implementation: &impl Threaded, config: Config) -> Result<Tried, RuleViolation> {
    let mut tried = Tried::default();
    let fail = |broken: Broken, seed: u64, settings| RuleViolation {
        rule: broken.rule,
        tested: format!("{SERVERS} servers and {CLIENTS} clients in threads, seed {seed}, {settings:?}"),
        happened: broken.happened,
        operations: Log::new(),
        repeat: format!("{} cargo test", config.variables()),
    };
    for seed in config.seed..config.seed + u64::from(config.cases.div_ceil(100)) {
        let settings = PortSettings {
            overflow_requests: seed % 2 == 0,
            overflow_responses: seed % 4 < 2,
            fire_and_forget: true,
            max_active_requests: 4,
            max_loaned_requests: 2,
            max_borrowed_responses: 2,
            response_buffer: 2,
            max_servers: SERVERS,
            max_clients: CLIENTS,
            max_departed_clients: 256,
            max_nodes: SERVERS + CLIENTS,
        };
        let Some(service) = implementation.create(settings) else { continue };
        tried.operations += run_threads(service, settings, seed).map_err(|broken| fail(broken, seed, settings))?;
        tried.cases += 1;
    }
    Ok(tried)
}
