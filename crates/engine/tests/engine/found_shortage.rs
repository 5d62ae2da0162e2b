//! Faults that came out by running programs against the engine in a shortage of descriptors or address space. In processes of
//! their own, since limits hold for the whole process.

use std::fs::File;
use std::path::Path;

use shmark_engine::error::{PortError, ReceiveError};
use shmark_engine::{AllocationStrategy, Config, Node, Server, Service};

use crate::common::{Scratch, name, numbers, until};
use crate::processes::Process;
use crate::shortage::Limit;

type Bytes = Service<[u8], u64>;

fn bytes(node: &Node) -> Bytes {
    node.service_builder(&name("bytes")).request_response::<[u8], u64>().open_or_create().unwrap()
}

fn folder(root: &Path) -> std::path::PathBuf {
    std::fs::read_dir(root.join("services")).unwrap().next().unwrap().unwrap().path()
}

fn files_like(root: &Path, prefix: &str) -> usize {
    let names = std::fs::read_dir(folder(root)).unwrap().map(|entry| entry.unwrap().file_name());
    names.filter(|name| name.to_string_lossy().starts_with(prefix)).count()
}

/// Lengths of everything that is there to receive, in order.
fn lengths(server: &Server<[u8], u64>) -> Vec<usize> {
    std::iter::from_fn(|| server.receive().unwrap().map(|active| active.len())).collect()
}

fn handed_over(node: &Node) {
    let service = bytes(node);
    let server = service.server_builder().create().unwrap();
    let growing = service.client_builder().allocation_strategy(AllocationStrategy::BestFit).preallocate(1);
    let client = growing.create().unwrap();
    let lens = [100_000, 16 << 20];
    for len in lens {
        drop(client.loan_slice_uninit(len).unwrap().write_from_fn(|_| 1).send().unwrap());
    }
    // It has grown once more, and sent nothing from there.
    drop(client.loan_slice_uninit((16 << 20) + 1).unwrap());
    drop(client);
    // Enough for the first segment, and not for the second.
    let limit = Limit::address_space(8 << 20);
    let told = server.receive().map(|active| active.map(|active| active.len()));
    drop(limit);
    assert!(matches!(told, Err(ReceiveError::CannotAttach(_))), "without address space, receiving said {told:?}");
    assert_eq!(
        lengths(&server),
        lens,
        "lengths of the requests that were received from a client that has left, after a try for which there was no \
         address space"
    );
}

fn told_late(node: &Node) {
    let service = numbers(node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    for asks in [false, true] {
        let late = service.server_builder().create().unwrap();
        let limit = Limit::descriptors(0);
        assert!(pending.is_connected(), "the server that has the request is there");
        let in_shortage = asks.then(|| pending.receive());
        drop(limit);
        if let Some(told) = in_shortage {
            assert!(matches!(told, Err(ReceiveError::CannotAttach(_))), "without descriptors, receiving said {told:?}");
        }
        drop(late);
        assert_eq!(client.send_copy(2).unwrap().number_of_server_connections(), 1);
        let told = pending.receive().map(|response| response.map(|response| *response));
        assert_eq!(told, Ok(None), "receiving, when there are enough descriptors again (told before: {asks})");
    }
    drop(active);
}

/// The lock is held until the port has made its connections, and no descriptor is left for what comes behind.
fn unfinished(node: &Node, root: &Path) {
    const SERVERS: usize = 6;
    let service = numbers(node).max_servers(SERVERS).enable_safe_overflow_for_requests(false).create().unwrap();
    let servers: Vec<_> = (0..SERVERS).map(|_| service.server_builder().create().unwrap()).collect();
    let (path, aside) = (folder(root).join("lock"), root.join("aside"));
    let lock = File::options().write(true).open(&path).unwrap();
    lock.lock().unwrap();
    // Without the name, who waits for it takes no further descriptor, which would be free again behind that.
    std::fs::rename(&path, &aside).unwrap();
    let error = std::thread::scope(|scope| {
        let client = scope.spawn(|| service.client_builder().create().map(drop));
        until("a client's connections, which are not finished", || files_like(root, "unfinished-") == SERVERS);
        let limit = Limit::descriptors(0);
        lock.unlock().unwrap();
        let result = client.join().unwrap();
        drop(limit);
        std::fs::rename(&aside, &path).unwrap();
        result.expect_err("no descriptor is left to count the clients that have left")
    });
    assert!(matches!(&error, PortError::System(error) if error.is_exhaustion()), "{error}");
    assert_eq!(
        files_like(root, "unfinished-"),
        0,
        "unfinished connections that are left of a client for which there were no descriptors"
    );
    assert_eq!(files_like(root, "connection-"), 0);
    drop(servers);
}

const GROWN: [usize; 2] = [1000, 100_000];

/// A client with requests in two segments, until it is killed.
fn sends_and_grows(node: &Node, (ready, wait): (fn(), fn())) {
    let growing = bytes(node).client_builder().allocation_strategy(AllocationStrategy::BestFit);
    let client = growing.create().unwrap();
    let _pendings = GROWN.map(|len| client.loan_slice_uninit(len).unwrap().write_from_fn(|_| 1).send().unwrap());
    ready();
    wait();
}

fn swept(node: &Node, root: &Path) {
    let service = bytes(node);
    let server = service.server_builder().create().unwrap();
    Process::start("found-grown", root, 0).kill();
    // With one of these numbers, the folder can be looked at and the connection cannot.
    for free in 0..12 {
        let limit = Limit::descriptors(free);
        // It may fail, and is tried again.
        let _ = Node::clean_up(root);
        drop(limit);
    }
    assert_eq!(
        lengths(&server),
        GROWN,
        "lengths of the requests that were received from a killed client, behind whom was cleaned up with too few \
         descriptors"
    );
}

pub fn play(role: &str, root: &Path, (ready, wait): (fn(), fn())) {
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    match role.trim_start_matches("found-") {
        "grown" => sends_and_grows(&node, (ready, wait)),
        "handed-over" => handed_over(&node),
        "told-late" => told_late(&node),
        "unfinished" => unfinished(&node, root),
        "swept" => swept(&node, root),
        other => panic!("no such part: {other}"),
    }
    ready();
}

fn in_a_process_of_its_own(part: &str) {
    let root = Scratch::new();
    Process::start(&format!("found-{part}"), root.path(), 0).finish();
    root.assert_empty();
}

/// Symptom: a request of a client that has left was never received. Cause: a segment that was left for the server lost its
/// name as soon as it was mapped, also by an attempt that failed at the next segment. Mending: it keeps the name until the
/// connection is attached.
#[test]
fn what_was_left_for_a_server_is_there_after_an_attempt_that_failed() {
    in_a_process_of_its_own("handed-over");
}

/// Symptom: receiving told of a shortage that was over. Cause: what a call that was not asked had met was kept until
/// the next one that tells. Mending: a sync that leaves nothing to do forgets it.
#[test]
fn a_shortage_that_is_over_is_not_told() {
    in_a_process_of_its_own("told-late");
}

/// Symptom: unfinished connections stayed in the service's folder. Cause: a port that could not be made looked there for what
/// it had made, which takes a descriptor. Mending: it removes them by name.
#[test]
fn nothing_is_left_of_a_port_for_which_descriptors_run_out_half_way() {
    in_a_process_of_its_own("unfinished");
}

/// Symptom: a killed client's requests were never received. Cause: the segments of a dead node's ports were removed
/// where their connections could not be looked at for lack of descriptors. Mending: what such a connection needs is
/// kept.
#[test]
fn what_a_killed_client_has_sent_is_kept_where_descriptors_do_not_suffice_to_look_at_it() {
    in_a_process_of_its_own("swept");
}
