//! Files are their owner's alone, nothing is opened through a link, and receivers map payload read-only (RR-BAD-03); and
//! services of different roots never meet (RR-SVC-05).

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::sys::stat::{Mode, umask};
use shmark_engine::error::ServiceError;
use shmark_engine::{AllocationStrategy, Config, Inventory, Node, PollSet, Root};

use crate::common::{Scratch, eventually, numbers, slices, until};
use crate::processes::Process;

/// Makes every kind of file with nothing that a mask would take away, and looks at their permissions. In a process of its
/// own, because the mask is the whole process's.
pub fn everything_without_a_mask(root: &Path) {
    umask(Mode::empty());
    let root = root.join("new");
    let node = Node::builder().config(Config::default()).root(&root).create().unwrap();
    let service = slices(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    // a notification pipe, a connection that only one side has mapped, and a grown segment.
    let mut set = PollSet::new().unwrap();
    set.attach(&server).unwrap();
    let client = service.client_builder().allocation_strategy(AllocationStrategy::PowerOfTwo).create().unwrap();
    let _pending = client.loan_slice(100).unwrap().send().unwrap();
    let mut kinds = Vec::new();
    let mut folders = vec![root];
    while let Some(folder) = folders.pop() {
        let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{} is open to others: {mode:o}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600, "{} is open to others: {mode:o}", path.display());
            let name = path.file_name().unwrap().to_str().unwrap();
            kinds.push(name.split('-').next().unwrap().to_owned());
        }
    }
    for kind in ["lock", "static.toml", "registry", "segment", "connection", "bell"] {
        assert!(kinds.iter().any(|found| found == kind), "no {kind} was looked at: {kinds:?}");
    }
}

#[test]
fn every_file_is_for_its_owner_alone() {
    let scratch = Scratch::new();
    Process::start("permissive", scratch.path(), 0).finish();
}

/// Puts a link to a perfect copy in the place of a file.
fn link_away(path: &Path) {
    let aside = path.with_file_name("aside");
    fs::rename(path, &aside).unwrap();
    symlink(&aside, path).unwrap();
}

fn put_back(path: &Path) {
    fs::remove_file(path).unwrap();
    fs::rename(path.with_file_name("aside"), path).unwrap();
}

/// What is behind the link is as it has to be; only the link itself is why it is refused.
#[test]
fn a_service_is_never_opened_through_a_link() {
    let scratch = Scratch::new();
    let [node, other] = [scratch.node(), scratch.node()];
    let _service = numbers(&node).create().unwrap();
    let folder = scratch.path().join(scratch.files_like("lock")[0].parent().unwrap());
    for name in ["lock", "static.toml", "registry"] {
        link_away(&folder.join(name));
        let opened = numbers(&other).open().map(|_| ());
        assert!(opened.is_err(), "{name} was opened through a link");
        put_back(&folder.join(name));
        drop(numbers(&other).open().unwrap());
    }
    let aside = scratch.path().join("aside");
    fs::rename(&folder, &aside).unwrap();
    symlink(&aside, &folder).unwrap();
    let linked = ServiceError::Corrupted { file: "folder", reason: "it is a link".to_owned() };
    assert_eq!(numbers(&other).open().unwrap_err(), linked);
    assert_eq!(numbers(&other).create().unwrap_err(), linked);
    assert!(other.services().unwrap().is_empty(), "listed through a link");
    let seen = Inventory::of(&Root::at(scratch.path()).unwrap()).unwrap();
    assert!(seen.services.is_empty(), "shown through a link");
    fs::remove_file(&folder).unwrap();
    fs::rename(aside, &folder).unwrap();
    drop(numbers(&other).open().unwrap());
}

#[test]
fn no_segment_and_no_connection_is_mapped_through_a_link() {
    for (prefix, is_server_first) in [("segment-", true), ("segment-", false), ("connection-", true)] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).create().unwrap();
        if prefix == "connection-" {
            let server = service.server_builder().create().unwrap();
            let client = service.client_builder().create().unwrap();
            let _pending = client.send_copy(1).unwrap();
            link_away(&scratch.path().join(&scratch.files_like(prefix)[0]));
            assert!(server.receive().unwrap().is_none(), "a connection was mapped through a link");
        } else if is_server_first {
            let _server = service.server_builder().create().unwrap();
            link_away(&scratch.path().join(&scratch.files_like(prefix)[0]));
            let client = service.client_builder().create();
            let delivered = client.map(|client| client.send_copy(1).unwrap().number_of_server_connections());
            assert!(delivered.is_err() || delivered == Ok(0), "a segment was mapped through a link");
        } else {
            let client = service.client_builder().create().unwrap();
            link_away(&scratch.path().join(&scratch.files_like(prefix)[0]));
            if let Ok(server) = service.server_builder().create() {
                let _pending = client.send_copy(1).unwrap();
                assert!(server.receive().unwrap_or(None).is_none(), "a segment was mapped through a link");
            }
        }
        // What is behind the links is as it was; the folder goes as a whole.
    }
}

/// A node's file behind a link is nobody's life: it is neither followed nor removed.
#[test]
fn a_node_behind_a_link_is_unknown() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let elsewhere = scratch.path().join("elsewhere");
    fs::write(&elsewhere, "precious").unwrap();
    symlink(&elsewhere, scratch.path().join("nodes/0123456789abcdef0123456789abcdef")).unwrap();
    assert_eq!(Node::clean_up(scratch.path()).unwrap(), (0, 1));
    assert_eq!(node.list().unwrap().len(), 2);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "precious");
}

/// Permissions of the mappings of a process, by the kind of file.
fn mappings(pid: &str, kind: &str) -> Vec<(String, String)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let fields = |line: &str| {
        let path = line.split_once('/').map(|(_, path)| path.to_owned())?;
        let file = path.rsplit('/').next()?.to_owned();
        file.starts_with(kind).then(|| (file, line.split_ascii_whitespace().nth(1).unwrap().to_owned()))
    };
    maps.lines().filter_map(fields).collect()
}

/// Each process can write its own segments only, those that have grown too; the kernel keeps it from the other's.
#[test]
fn payload_of_others_is_mapped_read_only() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = slices(&node).create().unwrap();
    let own: Vec<_> = service
        .client_builder()
        .allocation_strategy(AllocationStrategy::BestFit)
        .initial_max_slice_len(100)
        .create()
        .map(|client| {
            let mut pending = Vec::new();
            let process = Process::start("slice-echo", scratch.path(), 0);
            for len in [100, 500] {
                pending.push(client.loan_slice(len).unwrap().send().unwrap());
                eventually("a response", || pending[pending.len() - 1].receive().unwrap());
            }
            let id = client.id().to_string();
            let theirs = mappings(&process.id().to_string(), "segment-");
            let mine = mappings(&std::process::id().to_string(), "segment-");
            let is_own = |(file, _): &(String, String)| file.contains(&id);
            let of_client: Vec<_> = theirs.iter().filter(|found| is_own(found)).cloned().collect();
            assert!(of_client.len() >= 2, "the server has not mapped the client's segments: {theirs:?}");
            assert!(of_client.iter().all(|(_, mode)| mode == "r--s"), "the server can write requests: {of_client:?}");
            let servers: Vec<_> = service.info().servers.iter().map(|port| port.id.to_string()).collect();
            let of_server: Vec<_> =
                mine.iter().filter(|(file, _)| servers.iter().any(|id| file.contains(id.as_str()))).collect();
            assert!(!of_server.is_empty(), "the client has not mapped the server's segment: {mine:?}");
            assert!(of_server.iter().all(|(_, mode)| mode == "r--s"), "the client can write responses: {of_server:?}");
            mine.into_iter().filter(|found| is_own(found)).collect()
        })
        .unwrap();
    assert!(own.iter().any(|(_, mode)| mode == "rw-s"), "the client cannot write its own segment: {own:?}");
}

/// The same name in two roots: two services, with nothing in common (RR-SVC-05).
#[test]
fn services_of_different_roots_never_meet() {
    let [left, right] = [Scratch::new(), Scratch::new()];
    let [left_node, right_node] = [left.node(), right.node()];
    let left_service = numbers(&left_node).max_clients(1).create().unwrap();
    assert_eq!(numbers(&right_node).open().unwrap_err(), ServiceError::DoesNotExist);
    assert!(!right_node.service_exists(&crate::common::name("numbers")).unwrap());
    let right_service = numbers(&right_node).max_clients(2).create().unwrap();
    assert_eq!((left_service.settings().max_clients, right_service.settings().max_clients), (1, 2));
    let left_server = left_service.server_builder().create().unwrap();
    let right_server = right_service.server_builder().create().unwrap();
    let left_client = left_service.client_builder().create().unwrap();
    let right_client = right_service.client_builder().create().unwrap();
    let pending = left_client.send_copy(1).unwrap();
    assert_eq!(pending.number_of_server_connections(), 1);
    assert!(right_server.receive().unwrap().is_none(), "a request came from another root");
    assert_eq!(*left_server.receive().unwrap().unwrap(), 1);
    assert_eq!((left_service.info().clients.len(), right_service.info().clients.len()), (1, 1));
    // Nodes of one are neither listed nor cleaned from the other.
    assert_eq!(left_node.list().unwrap().iter().map(|node| node.id).collect::<Vec<_>>(), [left_node.id()]);
    drop((right_client, right_server, right_service, right_node));
    until("the other root is empty", || right.files().is_empty());
    assert_eq!(left_service.info().nodes, [left_node.id()]);
}
