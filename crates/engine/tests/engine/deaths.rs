//! Processes that are killed, stopped and continued at any moment (RR-LIV).

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use shmark_engine::{ActiveRequest, AllocationStrategy, Config, Node, NodeState, Response};

use crate::common::{Random, Scratch, eventually, no_hang, numbers, numbers_in_chunks, slices, until};
use crate::processes::Process;

/// What a requirement gives one second: machines are shared, so a test gives it more, and no more than a hang would take.
const SOON: Duration = Duration::from_secs(10);

/// A message there and back through either service, with what is there now and no second try (RR-LIV-03).
pub fn exchange(root: &Path) {
    let began = Instant::now();
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let service = numbers(&node).max_servers(100).max_clients(100).open_or_create().unwrap();
    let (server, client) = (service.server_builder().create().unwrap(), service.client_builder().create().unwrap());
    let pending = client.send_copy(20).unwrap();
    let own = |active: &ActiveRequest<u64, u64>| active.client_id() == client.id();
    let active = eventually("the request", || server.receive().unwrap().filter(own));
    active.send_copy(21).unwrap();
    // Others may have answered it too.
    eventually("the response", || pending.receive().unwrap().filter(|response| **response == 21));
    let service = slices(&node).max_servers(100).max_clients(100).open_or_create().unwrap();
    let grows = AllocationStrategy::PowerOfTwo;
    let server = service.server_builder().allocation_strategy(grows).create().unwrap();
    let client = service.client_builder().allocation_strategy(grows).create().unwrap();
    let pending = client.loan_slice_uninit(3000).unwrap().write_from_fn(|i| i as u64).send().unwrap();
    let own = |active: &ActiveRequest<[u64], [u64]>| active.client_id() == client.id();
    let active = eventually("the long request", || server.receive().unwrap().filter(own));
    assert!(active.iter().enumerate().all(|(i, word)| *word == i as u64));
    active.loan_slice_uninit(5000).unwrap().write_from_fn(|i| i as u64).send().unwrap();
    let right = |response: &Response<[u64]>| response.iter().enumerate().all(|(i, word)| *word == i as u64);
    eventually("the long response", || pending.receive().unwrap().filter(|r| r.len() == 5000 && right(r)));
    assert!(began.elapsed() < SOON, "took {:?}", began.elapsed());
}

/// An [`exchange`] by a process that was not there before.
#[track_caller]
fn exchange_afresh(root: &Scratch, moment: &str) {
    println!("{moment}");
    Process::start("exchange", root.path(), 0).finish();
}

/// Kills processes at random moments of everything that they do; whatever is left, a fresh one starts at once, and in the
/// end nothing is left. Repeat a failure with the seed that it prints.
#[test]
fn a_process_killed_at_any_moment_stops_nobody_and_leaves_nothing() {
    let seed = std::env::var("SHMARK_TEST_SEED").map_or(0x5eed, |seed| seed.parse().unwrap());
    // Set by scripts/kills.
    let wanted: Option<u32> = std::env::var("SHMARK_KILLS").ok().map(|kills| kills.parse().unwrap());
    let mut numbers = Random::seed_from_u64(seed);
    let began = Instant::now();
    let mut kills = 0;
    while kills < wanted.unwrap_or(60) || (wanted.is_none() && kills < 200 && began.elapsed() < SOON) {
        let root = Scratch::new();
        // One or two at once, so that they are killed while they talk to each other or wait for each other's locks.
        let mut processes: Vec<_> = (0..=numbers.random_range(0..2))
            .map(|_| Process::start("churn", root.path(), numbers.next_u64()))
            .collect();
        for _ in 0..processes.len() {
            std::thread::sleep(Duration::from_micros(numbers.next_u64() % 4000));
            processes.swap_remove(numbers.random_range(0..processes.len())).kill();
            kills += 1;
            exchange_afresh(&root, &format!("seed {seed}, kill {kills}, {:?}", began.elapsed()));
        }
        Node::clean_up(root.path()).unwrap();
        assert_eq!(root.files(), Vec::<std::path::PathBuf>::new(), "seed {seed}, after {kills} kills: left behind");
    }
    println!("{kills} kills, each followed by a fresh process that found everything in order; nothing is left");
}

/// Any number of cleaners at once, killed while they clean (RR-LIV-05).
#[test]
fn cleaners_clean_beside_each_other_and_are_killed() {
    let root = Scratch::new();
    let mut numbers = Random::seed_from_u64(0xc1ea);
    let mut cleaners: Vec<_> = (0..3).map(|_| Process::start("clean", root.path(), 0)).collect();
    for round in 0..60 {
        let dead = Process::start("churn", root.path(), numbers.next_u64());
        std::thread::sleep(Duration::from_micros(numbers.next_u64() % 3000));
        dead.signal(Signal::SIGKILL);
        // They are at it at once, so one of them is killed at once, or a moment later.
        let end = Instant::now() + Duration::from_micros(numbers.next_u64() % 600);
        while Instant::now() < end {}
        cleaners.remove(0).kill();
        dead.kill();
        println!("round {round}");
        exchange(root.path());
        cleaners.push(Process::start("clean", root.path(), 0));
    }
    // Whatever they were at when they were killed, one that looks afterwards finishes it.
    cleaners.into_iter().for_each(Process::kill);
    Node::clean_up(root.path()).unwrap();
    root.assert_empty();
}

#[test]
fn open_or_create_by_several_processes_ends_with_one_service() {
    for _ in 0..5 {
        let root = Scratch::new();
        let mut processes: Vec<_> = (0..4).map(|_| Process::begin("open-or-create", root.path(), 0)).collect();
        processes.iter_mut().for_each(Process::wait_until_ready);
        let node = root.node();
        let services = node.services().unwrap();
        assert_eq!(services.len(), 1);
        assert_eq!(services[0].nodes.len(), 4, "each of the processes has it open");
        processes.into_iter().for_each(Process::finish);
        drop(node);
        root.assert_empty();
    }
}

#[test]
fn the_places_of_a_killed_client_are_free_and_its_request_is_not_awaited() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers_in_chunks(&node).max_clients(1).max_nodes(2).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let process = Process::start("client", root.path(), 0);
    let active = eventually("the request", || server.receive().unwrap());
    assert!(active.is_connected());
    let [dead] = service.info().clients.try_into().unwrap();
    process.kill();
    let states = || node.list().unwrap().into_iter().filter(|info| info.id == dead.node).map(|info| info.state);
    assert!(states().all(|state| state == NodeState::Dead), "a killed process is dead at once: {:?}", states().next());
    // RR-LIV-02 gives it one second.
    let began = Instant::now();
    until("the death to be noticed", || !active.is_connected());
    assert!(began.elapsed() < SOON);
    assert_eq!(*active, 7, "unchanged as long as it is held (RR-ACT-04)");
    active.send_copy(1).unwrap();
    let client = service.client_builder().create().unwrap();
    let _pending = client.send_copy(9).unwrap();
    assert_eq!(*server.receive().unwrap().unwrap(), 9);
    assert_eq!(server.chunks_in_use(), 0);
    let other = root.node();
    drop(numbers(&other).open().unwrap());
}

/// Its place is taken over by the first one who needs it, with nobody who polls and finds out before.
#[test]
fn the_places_of_the_killed_are_free_for_whoever_needs_them() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).max_servers(1).max_nodes(2).create().unwrap();
    for _ in 0..5 {
        let process = Process::start("idle-server", root.path(), 0);
        assert!(service.server_builder().create().is_err());
        process.kill();
        drop(service.server_builder().create().unwrap());
    }
    assert_eq!(service.info().nodes, [node.id()]);
}

/// A send that waits for room at a process that is killed ends; by the requirement within a second (RR-LIV-02).
#[test]
fn a_blocked_request_outlives_a_killed_server() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service =
            numbers_in_chunks(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
        let service = service.create().unwrap();
        let process = Process::start("idle-server", root.path(), 0);
        let (full, is_full) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let client = service.client_builder().create().unwrap();
                drop(client.send_copy(1).unwrap());
                full.send(()).unwrap();
                let pending = client.send_copy(2).unwrap();
                let ended = Instant::now();
                (ended, pending.number_of_server_connections(), pending.is_connected(), client.chunks_in_use())
            });
            is_full.recv().unwrap();
            let killed = Instant::now();
            process.kill();
            let (ended, delivered, connected, chunks) = sender.join().unwrap();
            assert!(ended.duration_since(killed) < SOON);
            assert_eq!((delivered, connected, chunks), (0, false, 0));
        });
    });
}

/// As above, for a response (RR-LIV-02).
#[test]
fn a_blocked_response_outlives_a_killed_client() {
    no_hang(|| {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers_in_chunks(&node).enable_safe_overflow_for_responses(false).max_response_buffer_size(1);
        let service = service.create().unwrap();
        let server = service.server_builder().create().unwrap();
        let process = Process::start("client", root.path(), 0);
        let active = eventually("the request", || server.receive().unwrap());
        active.send_copy(1).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| process.kill());
            let began = Instant::now();
            active.send_copy(2).unwrap();
            assert!(began.elapsed() < SOON);
        });
        drop(active);
        until("the chunks of the killed client", || server.chunks_in_use() == 0);
    });
}

/// A loop that waits for a response or a disconnect ends when the server is killed, with the request read or not.
#[test]
fn a_pending_response_outlives_a_killed_server() {
    for role in ["server", "idle-server"] {
        let root = Scratch::new();
        let node = root.node();
        let service = numbers_in_chunks(&node).create().unwrap();
        let client = service.client_builder().create().unwrap();
        let process = Process::start(role, root.path(), 0);
        let pending = client.send_copy(1).unwrap();
        assert!(pending.is_connected());
        process.kill();
        let began = Instant::now();
        until("the death to be noticed", || !pending.is_connected());
        assert!(began.elapsed() < SOON);
        assert!(pending.receive().unwrap().is_none());
        drop(pending);
        assert_eq!(client.chunks_in_use(), 0, "chunks of a killed server come back (RR-RCL-02)");
    }
}

/// However long a process is stopped, it is not dead, and goes on with what it had (RR-LIV-04).
#[test]
fn a_stopped_process_is_never_taken_for_dead() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let [stopped_client, stopped_server] = ["client", "server"].map(|role| Process::start(role, root.path(), 0));
    let active = eventually("the request", || server.receive().unwrap());
    let pending = client.send_copy(1).unwrap();
    // The request of this process goes to its own server as well.
    let own = eventually("the own request", || server.receive().unwrap());
    drop(own);
    stopped_client.signal(Signal::SIGSTOP);
    stopped_server.signal(Signal::SIGSTOP);
    // Long enough for everybody who looks after its peers to look several times.
    let end = Instant::now() + Duration::from_millis(600);
    while Instant::now() < end {
        assert_eq!(Node::clean_up(root.path()).unwrap(), (0, 0));
        assert!(active.is_connected() && pending.is_connected());
        assert!(pending.receive().unwrap().is_none() && server.receive().unwrap().is_none());
        drop(root.node());
    }
    assert_eq!(service.info().nodes.len(), 3);
    assert!(node.list().unwrap().iter().all(|info| info.state == NodeState::Alive));
    stopped_client.signal(Signal::SIGCONT);
    stopped_server.signal(Signal::SIGCONT);
    active.send_copy(8).unwrap();
    stopped_client.finish();
    stopped_server.finish();
    // Sent by the server before it ended.
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
    until("the end of both", || service.info().nodes.len() == 1);
}
