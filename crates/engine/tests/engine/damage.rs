//! Files of a service that are damaged, cut, empty, missing or something else (RR-BAD-01).

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rand::{Rng as _, SeedableRng as _};
use shmark_engine::BackpressureStrategy;
use shmark_engine::error::{PortError, ServiceError};

use crate::common::{DEADLINE, Random, Scratch, no_hang, numbers, until};

/// Puts something else in the place of a file. The old one stays as it is for those who have mapped it: one that is cut
/// while it is read is outside of what can be defended.
fn replace(path: &Path, content: &[u8]) {
    let aside = path.with_file_name("aside");
    fs::write(&aside, content).unwrap();
    fs::rename(&aside, path).unwrap();
}

/// Nobody else may read or write what a service has, and a receiver cannot write what it has received (RR-BAD-03).
#[test]
fn files_are_their_owners_and_received_payload_is_read_only() {
    let root = Scratch::new();
    let node = root.node();
    let service = numbers(&node).create().unwrap();
    let client = service.client_builder().create().unwrap();
    let server = service.server_builder().create().unwrap();
    let mut kinds = 0;
    for file in root.files() {
        let mode = fs::symlink_metadata(root.path().join(&file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} can be used by others: {mode:o}", file.display());
        kinds += 1;
    }
    assert!(kinds >= 7, "{:?}", root.files());
    let pending = client.send_copy(1).unwrap();
    let active = server.receive().unwrap().unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let segment = format!("segment-{}-{}", node.id(), client.id());
    let mut rights: Vec<_> = maps.lines().filter(|line| line.contains(&segment)).map(rights_of).collect();
    rights.sort_unstable();
    assert_eq!(rights, ["r--s", "rw-s"], "the request's segment as the server and the client have it");
    drop((active, pending));
}

fn rights_of(mapping: &str) -> &str {
    mapping.split_ascii_whitespace().nth(1).unwrap()
}

/// Every way in which a file is damaged here.
fn damages(good: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut numbers = Random::seed_from_u64(7);
    let mut damages = vec![
        ("empty".to_owned(), Vec::new()),
        ("one byte".to_owned(), vec![0]),
        ("half".to_owned(), good[..good.len() / 2].to_vec()),
        ("a few bytes less".to_owned(), good[..good.len() - 5].to_vec()),
        ("one word more".to_owned(), [good, &[0; 8]].concat()),
        ("all zero".to_owned(), vec![0; good.len()]),
        ("all ones".to_owned(), vec![0xff; good.len()]),
        ("random".to_owned(), (0..good.len()).map(|_| numbers.next_u64() as u8).collect()),
        ("another version".to_owned(), {
            let mut other = good.to_vec();
            other[7] = other[7].wrapping_add(1);
            other
        }),
        ("another byte order".to_owned(), {
            let mut other = good.to_vec();
            other[..8].reverse();
            other
        }),
    ];
    damages.retain(|(_, bad)| bad != good);
    damages
}

#[test]
fn damaged_settings_and_registries_are_an_error_for_whoever_opens() {
    for file in ["static.toml", "registry"] {
        let scratch = Scratch::new();
        let [node, other] = [scratch.node(), scratch.node()];
        let service = numbers(&node).create().unwrap();
        let path = scratch.path().join(&scratch.files_like(file)[0]);
        let good = fs::read(&path).unwrap();
        for (damage, bad) in damages(&good) {
            replace(&path, &bad);
            let began = Instant::now();
            for result in [numbers(&other).open(), numbers(&other).open_or_create(), numbers(&other).create()] {
                let error = result.map(|_| ()).unwrap_err();
                let corrupted = matches!(&error, ServiceError::Corrupted { file: told, .. } if *told == file);
                assert!(corrupted, "{file}, {damage}: {error}");
            }
            assert!(other.services().unwrap().is_empty(), "{file}, {damage}: listed all the same");
            assert!(began.elapsed() < DEADLINE, "{file}, {damage}");
        }
        fs::remove_file(&path).unwrap();
        assert!(matches!(numbers(&other).open(), Err(ServiceError::Corrupted { .. })), "{file} is missing");
        fs::create_dir(&path).unwrap();
        assert!(numbers(&other).open().is_err(), "{file} is a folder");
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(numbers(&other).open().is_err(), "{file} is a link");
        fs::remove_file(&path).unwrap();
        // Repaired, it works again: nobody who failed has changed anything.
        replace(&path, &good);
        drop(numbers(&other).open().unwrap());
        assert_eq!(service.info().nodes, [node.id()]);
    }
}

#[test]
fn a_service_without_its_lock_is_damaged() {
    let scratch = Scratch::new();
    let [node, other] = [scratch.node(), scratch.node()];
    let _service = numbers(&node).create().unwrap();
    fs::remove_file(scratch.path().join(&scratch.files_like("lock")[0])).unwrap();
    let error = numbers(&other).open().unwrap_err();
    assert!(matches!(&error, ServiceError::Corrupted { file: "lock", .. }), "{error}");
}

/// A damaged service is nobody else's trouble: nodes come and go, dead ones are cleaned up, other services work.
#[test]
fn a_damaged_service_disturbs_no_other() {
    let scratch = Scratch::new();
    let node = scratch.node();
    for (name, content) in [("0".repeat(32), "x"), ("rubbish".to_owned(), ""), ("1".repeat(32), "")] {
        fs::create_dir(scratch.path().join("services").join(&name)).unwrap();
        for file in ["lock", "static.toml", "registry"] {
            fs::write(scratch.path().join("services").join(&name).join(file), content).unwrap();
        }
    }
    fs::write(scratch.path().join("services/file"), "x").unwrap();
    fs::write(scratch.path().join("nodes/rubbish"), "x").unwrap();
    fs::create_dir(scratch.path().join("nodes/folder")).unwrap();
    let service = numbers(&node).create().unwrap();
    let server = service.server_builder().create().unwrap();
    let client = service.client_builder().create().unwrap();
    let _pending = client.send_copy(1).unwrap();
    assert!(server.receive().unwrap().is_some());
    assert_eq!(node.services().unwrap().len(), 1);
    assert_eq!(node.list().unwrap().len(), 1);
}

/// A payload segment of a peer that is damaged: the new port is not created, and nothing of it is left.
#[test]
fn a_damaged_segment_of_a_peer_is_an_error() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let _server = service.server_builder().create().unwrap();
    let segment: PathBuf = scratch.path().join(&scratch.files_like("segment-")[0]);
    let good = fs::read(&segment).unwrap();
    // What is behind the geometry is payload, where any bytes are fine; a sparse file is not.
    for (damage, bad) in damages(&good) {
        replace(&segment, &bad);
        let error = service.client_builder().create().unwrap_err();
        assert!(matches!(&error, PortError::Corrupted { file: "segment", .. }), "{damage}: {error}");
        assert_eq!(scratch.files_like("segment-").len() + scratch.files_like("connection-").len(), 1, "{damage}");
    }
    fs::remove_file(&segment).unwrap();
    fs::File::create(&segment).unwrap().set_len(good.len() as u64).unwrap();
    let error = service.client_builder().create().unwrap_err();
    assert!(matches!(&error, PortError::Corrupted { file: "segment", .. }), "without memory behind it: {error}");
    replace(&segment, &good);
    service.client_builder().create().unwrap();
}

/// A connection that the second side cannot use: the first one need not wait, and both work with others (RR-BAD-02).
#[test]
fn a_damaged_connection_leaves_nobody_waiting() {
    no_hang(|| {
        for server_second in [true, false] {
            for (damage, bad) in damages(&[1; 4096]) {
                let scratch = Scratch::new();
                let node = scratch.node();
                let service = numbers(&node).enable_safe_overflow_for_requests(false).max_active_requests_per_client(1);
                let service = service.create().unwrap();
                let (server, client);
                if server_second {
                    server = service.server_builder().create().unwrap();
                    client = service.client_builder().create().unwrap();
                } else {
                    client = service.client_builder().create().unwrap();
                    server = service.server_builder().create().unwrap();
                }
                let connection = scratch.path().join(&scratch.files_like("connection-")[0]);
                replace(&connection, &bad);
                if server_second {
                    drop(client.send_copy(1).unwrap());
                    assert!(server.receive().unwrap().is_none(), "{damage}");
                    // The buffer is full, and waits for nobody who will ever come.
                    let pending = client.send_copy(2).unwrap();
                    until("the end of the connection", || !pending.is_connected());
                    drop(pending);
                    assert_eq!(client.chunks_in_use(), 0);
                } else {
                    let pending = client.send_copy(1).unwrap();
                    assert_eq!(pending.number_of_server_connections(), 0, "{damage}");
                    assert!(!pending.is_connected(), "{damage}");
                    drop(pending);
                    assert!(server.receive().unwrap().is_none(), "{damage}");
                }
                // Both work with a peer whose connection is whole.
                let (second, other);
                if server_second {
                    second = service
                        .client_builder()
                        .backpressure_strategy(BackpressureStrategy::DiscardData)
                        .create()
                        .unwrap();
                    let pending = second.send_copy(3).unwrap();
                    assert_eq!(pending.number_of_server_connections(), 1, "{damage}");
                    assert_eq!(*server.receive().unwrap().unwrap(), 3);
                } else {
                    other = service.server_builder().create().unwrap();
                    let _pending = client.send_copy(3).unwrap();
                    assert_eq!(*other.receive().unwrap().unwrap(), 3, "{damage}");
                }
            }
        }
    });
}
