//! Descriptors and memory run out: the call fails, what exists goes on working, and nothing is left of what failed
//! (RR-BAD-04). In a process of its own, since limits hold for the whole process.

use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shmark::engine::error::{NodeError, PortError, ServiceError, SystemError};
use shmark::engine::{Client, Config, Node, Server};

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

#[test]
fn what_runs_out_is_an_error_and_what_exists_goes_on() {
    let root = Scratch::new();
    Process::start("exhaustion", root.path(), 0).finish();
    root.assert_empty();
}
