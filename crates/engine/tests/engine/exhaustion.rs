//! Descriptors and memory run out: the call fails, what exists goes on working, and nothing is left of what failed
//! (RR-BAD-04). In a process of its own, since limits hold for the whole process.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shmark_engine::error::{LoanError, NodeError, PortError, ReceiveError, ServiceError, SystemError};
use shmark_engine::{AllocationStrategy, Client, Config, Inventory, Node, Root, Server};

use crate::common::{Scratch, name, numbers};
use crate::processes::Process;

/// Lowers a limit of this process as long as it is held.
struct Limit {
    resource: Resource,
    before: (u64, u64),
}

impl Limit {
    fn set(resource: Resource, limit: u64) -> Self {
        let before = getrlimit(resource).unwrap();
        setrlimit(resource, limit, before.1).unwrap();
        Self { resource, before }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(self.resource, self.before.0, self.before.1).unwrap();
    }
}

fn exchange(client: &Client<u64, u64>, server: &Server<u64, u64>) {
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    assert!(active.is_connected() && pending.is_connected());
    active.send_copy(2).unwrap();
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
}

fn files(root: &Path) -> usize {
    let folders = ["nodes", "services"].map(|folder| std::fs::read_dir(root.join(folder)).unwrap().count());
    let services = std::fs::read_dir(root.join("services")).unwrap();
    folders.iter().sum::<usize>()
        + services.map(|service| std::fs::read_dir(service.unwrap().path()).unwrap().count()).sum::<usize>()
}

pub fn without_descriptors(root: &Path) {
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    exchange(&client, &server);
    let before = files(root);
    // From none that is free to all that are needed, so that each of the steps fails once.
    let mut refused = [0; 3];
    for free in 0..8 {
        // The limit is on numbers, and there may be gaps between those in use.
        let limit = Limit::set(Resource::RLIMIT_NOFILE, 100);
        let mut open: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        open.truncate(open.len() - free);
        let made_node = Node::builder().config(Config::default()).root(root).create();
        let made_service = node.service_builder(&name("other")).request_response::<u64, u64>().create();
        let made_client = service.client_builder().create();
        exchange(&client, &server);
        drop((open, limit));
        let told = |error: &SystemError| assert!(error.is_exhaustion(), "{free} free descriptors: {error}");
        match &made_node {
            Ok(_) => {}
            Err(NodeError::System(error)) => told(error),
            Err(other) => panic!("{free} free descriptors: {other}"),
        }
        match &made_service {
            Ok(_) => {}
            Err(ServiceError::System(error)) => told(error),
            Err(other) => panic!("{free} free descriptors: {other}"),
        }
        match &made_client {
            Ok(_) => {}
            Err(PortError::System(error)) => told(error),
            Err(other) => panic!("{free} free descriptors: {other}"),
        }
        for (refused, is) in refused.iter_mut().zip([made_node.is_err(), made_service.is_err(), made_client.is_err()]) {
            *refused += usize::from(is);
        }
        drop((made_node, made_service, made_client));
        assert!(!server.has_requests().unwrap());
        assert_eq!(files(root), before, "left by what failed with {free} free descriptors");
    }
    assert!(refused.iter().all(|times| (1..8).contains(times)), "refused so often: {refused:?}");
}

pub fn without_address_space(root: &Path) {
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let service = node.service_builder(&name("slices")).request_response::<[u8], [u8]>().max_servers(1);
    let service = service.max_active_requests_per_client(1).create().unwrap();
    let before = files(root);
    let status = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = status.split_ascii_whitespace().next().unwrap().parse().unwrap();
    let limit = Limit::set(Resource::RLIMIT_AS, pages * 4096 + (64 << 20));
    let error = service.client_builder().initial_max_slice_len(32 << 20).create().unwrap_err();
    assert!(matches!(&error, PortError::System(error) if error.is_exhaustion()), "{error}");
    drop(limit);
    assert_eq!(files(root), before, "left by a segment that could not be mapped");
    drop(service.client_builder().initial_max_slice_len(1 << 20).create().unwrap());
}

type Slices = (Client<[u8], [u8]>, Server<[u8], [u8]>);

/// Ports that grow.
fn growing(node: &Node) -> Slices {
    let service = node.service_builder(&name("growing")).request_response::<[u8], [u8]>().open_or_create().unwrap();
    let grows = AllocationStrategy::BestFit;
    let server = service.server_builder().allocation_strategy(grows).create().unwrap();
    let client = service.client_builder().allocation_strategy(grows).create().unwrap();
    (client, server)
}

/// A message of so many bytes each way.
fn exchange_slices((client, server): &Slices, len: usize) {
    let pending = client.loan_slice_uninit(len).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let active = server.receive().unwrap().unwrap();
    assert!(active.len() == len && active.iter().enumerate().all(|(i, byte)| *byte == i as u8));
    active.loan_slice_uninit(len).unwrap().write_from_fn(|i| !(i as u8)).send().unwrap();
    let response = pending.receive().unwrap().unwrap();
    assert!(response.len() == len && response.iter().enumerate().all(|(i, byte)| *byte == !(i as u8)));
}

/// Says that the sender's segment cannot be mapped, and that it is for lack of descriptors.
fn cannot_map(result: &Result<(), ReceiveError>) -> bool {
    matches!(result, Err(ReceiveError::CannotMap(reason)) if reason.is_exhaustion())
}

/// Growing, opening, and receiving from what somebody else has grown.
pub fn growth_without_descriptors(root: &Path) {
    let [node, other] = [(); 2].map(|()| Node::builder().root(root).create().unwrap());
    let ports = growing(&node);
    exchange_slices(&ports, 1);
    let limit = || {
        let limit = Limit::set(Resource::RLIMIT_NOFILE, 100);
        let open: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        (open, limit)
    };
    let before = files(root);
    let exhausted = limit();
    let grown = ports.0.loan_slice_uninit(100).err();
    let opened = other.service_builder(&name("growing")).request_response::<[u8], [u8]>().open().err();
    drop(exhausted);
    assert!(matches!(grown, Some(LoanError::CannotGrow { errno: Some(libc::EMFILE), .. })), "{grown:?}");
    assert!(matches!(&opened, Some(ServiceError::System(error)) if error.is_exhaustion()), "{opened:?}");
    assert_eq!(files(root), before, "left by what failed without descriptors");
    exchange_slices(&ports, 1);
    // Grown while there were descriptors, and looked at by the other side when there were none.
    let (client, server) = &ports;
    let pending = client.loan_slice_uninit(200).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let exhausted = limit();
    let (first, second) = (server.receive().map(|_| ()), server.receive().map(|_| ()));
    drop(exhausted);
    assert!(cannot_map(&first) && cannot_map(&second), "{first:?}, {second:?}");
    let active = server.receive().unwrap().expect("nothing is lost");
    assert!(active.len() == 200 && active.iter().enumerate().all(|(i, byte)| *byte == i as u8));
    active.loan_slice_uninit(300).unwrap().write_from_fn(|i| i as u8).send().unwrap();
    let exhausted = limit();
    let first = pending.receive().map(|_| ());
    drop(exhausted);
    assert!(cannot_map(&first), "{first:?}");
    assert_eq!(pending.receive().unwrap().expect("nothing is lost").len(), 300);
    drop((active, pending));
    exchange_slices(&ports, 400);
}

/// Runs something with so many free descriptors.
fn with_free<T>(free: usize, run: impl FnOnce() -> T) -> T {
    let _limit = Limit::set(Resource::RLIMIT_NOFILE, 100);
    // The limit is on numbers, and there may be gaps between those in use.
    let mut open: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
    open.truncate(open.len() - free);
    run()
}

/// Descriptors that the longest of the ways below takes, and some more.
const ENOUGH: usize = 12;

/// Whatever step of cleaning fails for lack of a descriptor: a dead node whose file is gone is out of its services.
pub fn cleaning_without_descriptors(root: &Path) {
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let service = numbers(&node).create().unwrap();
    Process::start("creator", root, 0).kill();
    let mut failed = 0;
    for free in 0..=ENOUGH {
        let result = with_free(free, || Node::clean_up(root));
        let [nodes, entered] = [node.list().unwrap().len(), service.info().nodes.len()];
        assert!(
            nodes >= entered,
            "{free} free descriptors: cleaning said {result:?}, the dead node's file is gone, and \
            the service still has the node, which nobody will ever take out"
        );
        failed += usize::from(!matches!(result, Ok((_, 0))));
    }
    assert!((1..ENOUGH).contains(&failed), "failed so often: {failed}");
    assert_eq!(service.info().nodes, [node.id()], "cleaned as soon as there were descriptors");
    assert!(service.info().servers.is_empty());
}

/// A listing has every service and calls none damaged, or it fails.
pub fn looking_without_descriptors(root: &Path) {
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let _service = numbers(&node).create().unwrap();
    let namespace = Root::at(root).unwrap();
    let mut failed = [0; 2];
    for free in 0..=ENOUGH {
        let (listed, seen) = with_free(free, || (node.services(), Inventory::of(&namespace)));
        match listed {
            Ok(services) => assert_eq!(services.len(), 1, "{free} free descriptors: services that are listed"),
            Err(ServiceError::System(error)) if error.is_exhaustion() => failed[0] += 1,
            Err(error) => panic!("{free} free descriptors: {error}"),
        }
        match seen {
            Ok(seen) => assert_eq!((seen.services.len(), &seen.remains), (1, &vec![]), "{free} free descriptors"),
            Err(NodeError::System(error)) if error.is_exhaustion() => failed[1] += 1,
            Err(error) => panic!("{free} free descriptors: {error}"),
        }
    }
    assert!(failed.iter().all(|times| (1..ENOUGH).contains(times)), "failed so often: {failed:?}");
}

/// In a file system of one mebibyte, which is full: creating, opening and growing fail, messages go on, and everything
/// works again when there is room.
pub fn without_room(root: &Path) {
    let [node, other] = [(); 2].map(|()| Node::builder().root(root).create().unwrap());
    let ports = growing(&node);
    exchange_slices(&ports, 1);
    let before = files(root);
    let filler = root.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    let full = std::iter::repeat_with(|| file.write_all(&[1; 4096])).take(1000).find_map(Result::err).unwrap();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    for _ in 0..3 {
        let told = |error: &SystemError| assert!(error.is_exhaustion(), "{error}");
        match Node::builder().root(root).create() {
            // An empty file may still have found its place.
            Ok(node) => drop(node),
            Err(NodeError::System(error)) => told(&error),
            Err(error) => panic!("{error}"),
        }
        match node.service_builder(&name("other")).request_response::<u64, u64>().create() {
            Err(ServiceError::System(error)) => told(&error),
            other => panic!("{other:?}"),
        }
        let service = other.service_builder(&name("growing")).request_response::<[u8], [u8]>().open();
        match service.map(|service| service.client_builder().create().map(drop)) {
            Err(ServiceError::System(error)) | Ok(Err(PortError::System(error))) => told(&error),
            other => panic!("{other:?}"),
        }
        let grown = ports.0.loan_slice_uninit(100_000).err();
        assert!(matches!(grown, Some(LoanError::CannotGrow { errno: Some(libc::ENOSPC), .. })), "{grown:?}");
        exchange_slices(&ports, 1);
    }
    assert_eq!(files(root), before, "left by what failed without room");
    drop(file);
    std::fs::remove_file(filler).unwrap();
    exchange_slices(&ports, 20_000);
    drop(node.service_builder(&name("other")).request_response::<u64, u64>().create().unwrap());
}

#[test]
fn what_runs_out_is_an_error_and_what_exists_goes_on() {
    let root = Scratch::new();
    Process::start("exhaustion", root.path(), 0).finish();
    root.assert_empty();
}

#[test]
fn a_shortage_of_descriptors_is_not_taken_for_damage() {
    let root = Scratch::new();
    Process::start("cleaning-exhaustion", root.path(), 0).finish();
    root.assert_empty();
}

/// As a full `/dev/shm` is. Making a small one takes a mount, which not everybody may do.
#[test]
fn a_full_file_system_is_an_error_and_what_exists_goes_on() {
    let root = Scratch::new();
    let may_mount = || Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !may_mount().is_ok_and(|status| status.success()) {
        println!("not tested: this process may not mount a file system");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let script = "mount -t tmpfs -o size=1m tmpfs \"$1\" && shift && exec \"$@\"";
    let status = Command::new("unshare")
        .args(["-rm", "sh", "-c", script, "sh"])
        .args([root.path(), &test])
        .args(["--exact", "processes::another_process", "--ignored", "--nocapture", "--test-threads=1"])
        .env("SHMARK_TEST_ROLE", "full")
        .env("SHMARK_TEST_FOLDER", root.path())
        .env("SHMARK_TEST_SEED", "0")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}
