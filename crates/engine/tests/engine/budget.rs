//! What the engine may cost: descriptors, shared memory, allocations.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use shmark_engine::{Config, Node};

use crate::common::{Scratch, name, numbers};
use crate::processes::Process;

/// Descriptors of this process.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Bytes of the namespace's files that this process has mapped, those without a name too; whole pages.
fn mapped_bytes(root: &Path) -> u64 {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut files = BTreeSet::new();
    for line in maps.lines().filter(|line| line.contains(root.to_str().unwrap())) {
        let mut fields = line.split_ascii_whitespace();
        let range = fields.next().unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        // A file that is mapped twice, by its sender and by its receiver, counts once.
        files.insert((fields.nth(3).unwrap().to_owned(), end - start));
    }
    files.into_iter().map(|(_, bytes)| bytes).sum()
}

/// Bytes of the namespace's files that are not mapped.
fn other_bytes(scratch: &Path) -> u64 {
    let mut folders = vec![scratch.to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if name != "registry" && !name.starts_with("segment-") && !name.starts_with("connection-") {
                bytes += path.metadata().unwrap().blocks() * 512;
            }
        }
    }
    bytes
}

/// Run by a process of its own, so that no other test opens or maps anything meanwhile.
pub fn a_pair_within_its_budget(root: &Path) {
    let before = descriptors();
    let node = Node::builder().config(Config::default()).root(root).create().unwrap();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    active.send_copy(2).unwrap();
    let response = pending.receive().unwrap().unwrap();
    let more = descriptors() - before;
    assert!(more <= 11, "a default client and a default server hold {more} descriptors");
    let bytes = mapped_bytes(root) + other_bytes(root);
    assert!(bytes > 4096 && bytes <= 32 * 1024, "a default client and a default server have {bytes} bytes of memory");
    drop((response, active, pending, client, server, service, node));
    assert_eq!(descriptors(), before);
    assert_eq!(mapped_bytes(root), 0);
}

#[test]
fn a_default_pair_has_few_descriptors_and_little_memory() {
    let root = Scratch::new();
    Process::start("budget", root.path(), 0).finish();
    root.assert_empty();
}

/// Loaning, sending, receiving and dropping allocate nothing once each of them has been done.
#[test]
fn a_round_trip_allocates_nothing() {
    let scratch = Scratch::new();
    let node = scratch.node();
    for overflow in [true, false] {
        let service = node.service_builder(&name("slices")).request_response::<[u8], [u8]>();
        let service = service.enable_safe_overflow_for_requests(overflow).enable_safe_overflow_for_responses(overflow);
        let service = service.create().unwrap();
        let servers = [(); 2].map(|()| service.server_builder().initial_max_slice_len(100).create().unwrap());
        let clients = [(); 3].map(|()| service.client_builder().initial_max_slice_len(100).create().unwrap());
        let round_trip = |len: usize| {
            for client in &clients {
                let pending = client.loan_slice(len).unwrap().send().unwrap();
                for server in &servers {
                    assert!(server.has_requests().unwrap());
                    let active = server.receive().unwrap().unwrap();
                    assert_eq!(active.len(), len);
                    active.loan_slice(len).unwrap().send().unwrap();
                    active.loan_slice(len).unwrap().send().unwrap();
                }
                for _ in 0..4 {
                    assert_eq!(pending.receive().unwrap().unwrap().len(), len);
                }
            }
        };
        (0..100).for_each(round_trip);
        let allocations = allocation_counter::measure(|| (0..100).for_each(round_trip)).count_total;
        assert_eq!(allocations, 0, "allocations in 300 round trips, overflow {overflow}");
    }
}
