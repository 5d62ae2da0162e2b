//! What is in a namespace, and cleaning it (RR-SVC-13, RR-LIV-06), with processes that are killed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use shmark_engine::RemainsKind::{
    AbandonedService, DamagedService, DeadNode, Foreign, UnfinishedNode, UnfinishedService,
};
use shmark_engine::{Inventory, Node, NodeState, RemainsKind, Root};

use crate::common::{Scratch, name, numbers, until};
use crate::processes::Process;

fn root(scratch: &Scratch) -> Root {
    Root::at(scratch.path()).unwrap()
}

fn look(scratch: &Scratch) -> Inventory {
    Inventory::of(&root(scratch)).unwrap()
}

fn clean(scratch: &Scratch) -> (Vec<RemainsKind>, Vec<RemainsKind>) {
    let cleaning = Inventory::clean(&root(scratch)).unwrap();
    let kinds = |remains: Vec<shmark_engine::Remains>| remains.iter().map(|remains| remains.kind).collect();
    (kinds(cleaning.removed), kinds(cleaning.kept.into_iter().map(|(remains, _)| remains).collect()))
}

fn service_folder(scratch: &Scratch) -> PathBuf {
    scratch.path().join(scratch.files_like("lock")[0].parent().unwrap())
}

#[test]
fn a_namespace_is_shown_whole_and_unchanged() {
    let scratch = Scratch::new();
    assert!(Root::existing(&scratch.path().join("no")).unwrap().is_none());
    assert!(look(&scratch).is_empty());
    let node = scratch.node();
    let service = node.service_builder(&name("b")).request_response::<u64, [u8]>().request_user_header::<u32>();
    let service = service.attribute("camera", "left").max_clients(3).create().unwrap();
    let empty = service.info().memory_bytes;
    let _other = node.service_builder(&name("a")).request_response::<u64, u64>().create().unwrap();
    let server = service.server_builder().name("the server").create().unwrap();
    let client = service.client_builder().name("the client").create().unwrap();
    let before = scratch.files();
    let seen = look(&scratch);
    assert_eq!(scratch.files(), before, "looking changed something");
    assert_eq!((seen.nodes.len(), seen.nodes[0].state, seen.remains), (1, NodeState::Alive, vec![]));
    assert_eq!(seen.services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    let shown = &seen.services[1];
    assert_eq!(
        (shown.request.name.as_str(), shown.response.to_string().as_str()),
        ("u64", "slice of u8 (1 bytes, aligned to 1)")
    );
    assert_eq!((shown.request_header.name.as_str(), shown.settings.max_clients), ("u32", 3));
    assert_eq!(shown.attributes.iter().collect::<Vec<_>>(), [(&"camera".to_owned(), &"left".to_owned())]);
    assert_eq!((shown.clients[0].name.as_str(), shown.servers[0].name.as_str()), ("the client", "the server"));
    assert_eq!((shown.clients[0].node, shown.nodes.as_slice()), (node.id(), [node.id()].as_slice()));
    assert!(shown.memory_bytes > empty && empty > 0 && shown.memory_bytes.is_multiple_of(4096));

    // The connection's file goes when both have mapped it; its memory stays until they go.
    let with_file = shown.memory_bytes;
    assert_eq!(scratch.files_like("connection-").len(), 1);
    assert!(server.receive().unwrap().is_none());
    drop(client.send_copy(1).unwrap());
    until("the connection's file is gone", || {
        drop(server.receive().unwrap());
        scratch.files_like("connection-").is_empty()
    });
    assert_eq!(service.info().memory_bytes, with_file, "a connection is counted although it has no file any more");
}

#[test]
fn a_killed_process_is_shown_dead_and_cleaned_on_request() {
    let scratch = Scratch::new();
    let survivor = scratch.node();
    let shared = numbers(&survivor).open_or_create().unwrap();
    let process = Process::start("creator", scratch.path(), 0);
    assert_eq!(shared.info().servers.len(), 1);
    process.kill();
    let seen = look(&scratch);
    let mut states: Vec<_> = seen.nodes.iter().map(|node| node.state).collect();
    states.sort_by_key(|state| *state == NodeState::Dead);
    assert_eq!(states, [NodeState::Alive, NodeState::Dead]);
    assert_eq!(seen.remains.iter().map(|remains| remains.kind).collect::<Vec<_>>(), [DeadNode]);
    assert_eq!(seen.services.len(), 1, "a survivor has it open");
    assert_eq!(clean(&scratch), (vec![DeadNode], vec![]));
    let seen = look(&scratch);
    assert_eq!((seen.nodes.len(), seen.remains), (1, vec![]));
    assert_eq!((shared.info().servers.len(), shared.info().nodes.as_slice()), (0, [survivor.id()].as_slice()));
}

/// Everything that a process can leave, made as it leaves it, in a namespace in which nobody lives.
#[test]
fn all_kinds_of_remains_are_found_and_removed_and_strangers_kept() {
    let scratch = Scratch::new();
    let process = Process::start("creator", scratch.path(), 0);
    assert_eq!(look(&scratch).services[0].servers.len(), 1);
    process.kill();
    let id = "0123456789abcdef0123456789abcdef";
    let (nodes, services) = (scratch.path().join("nodes"), scratch.path().join("services"));
    File::create(nodes.join(format!("new-{id}"))).unwrap();
    fs::create_dir(services.join(format!("temporary-{id}-{id}"))).unwrap();
    fs::create_dir(services.join(id)).unwrap();
    fs::write(services.join("notes.txt"), "mine").unwrap();
    fs::write(scratch.path().join("notes.txt"), "mine").unwrap();
    let kinds: Vec<_> = look(&scratch).remains.iter().map(|remains| remains.kind).collect();
    let left = vec![DeadNode, UnfinishedNode, AbandonedService, UnfinishedService, DamagedService];
    assert_eq!(kinds, [left.as_slice(), &[Foreign, Foreign]].concat());
    assert_eq!(clean(&scratch), (left, vec![Foreign, Foreign]));
    assert_eq!(clean(&scratch), (vec![], vec![Foreign, Foreign]));
    assert_eq!(scratch.files(), [Path::new("services/notes.txt")]);
}

/// A node whose file was removed from outside: its service would be in the way forever.
#[test]
fn a_service_of_a_node_without_a_file_is_cleaned() {
    let scratch = Scratch::new();
    let process = Process::start("creator", scratch.path(), 0);
    process.kill();
    fs::remove_dir_all(scratch.path().join("nodes")).unwrap();
    let node = scratch.node();
    assert_eq!(numbers(&node).create().unwrap_err(), shmark_engine::error::ServiceError::AlreadyExists);
    assert_eq!(clean(&scratch), (vec![AbandonedService], vec![]));
    assert!(numbers(&node).create().is_ok());
}

/// The living are never touched: not a node, not a service that they have open, not one that they make or leave.
#[test]
fn cleaning_touches_nothing_of_the_living() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let (client, server) = (service.client_builder().create().unwrap(), service.server_builder().create().unwrap());
    let aside = scratch.path().join(format!("services/temporary-{}-{}", node.id(), node.id()));
    fs::create_dir(&aside).unwrap();
    // Being made by somebody: locked.
    let new = scratch.path().join(format!("nodes/new-{}", server.id()));
    let being_made = File::create(&new).unwrap();
    being_made.lock().unwrap();
    let before = scratch.files();
    assert_eq!(look(&scratch).remains, []);
    assert_eq!(clean(&scratch), (vec![], vec![]));
    // With something to clean, too.
    File::create(scratch.path().join("nodes/new-0123456789abcdef0123456789abcdef")).unwrap();
    assert_eq!(clean(&scratch), (vec![UnfinishedNode], vec![]));
    assert_eq!(scratch.files(), before);
    let pending = client.send_copy(1).unwrap();
    server.receive().unwrap().unwrap().send_copy(2).unwrap();
    assert_eq!(*pending.receive().unwrap().unwrap(), 2);
    fs::remove_dir(aside).unwrap();
}

/// A service that cannot be read may still be used by whoever opened it before: it goes only when nobody lives.
#[test]
fn a_damaged_service_is_kept_while_a_node_lives() {
    for file in ["lock", "static.toml", "registry"] {
        let scratch = Scratch::new();
        let node = scratch.node();
        let service = numbers(&node).create().unwrap();
        let folder = service_folder(&scratch);
        fs::remove_file(folder.join(file)).unwrap();
        let seen = look(&scratch);
        assert_eq!(seen.remains.len(), 1, "{file}");
        assert!(seen.remains[0].detail.contains(file), "{file}: {}", seen.remains[0].detail);
        assert_eq!(clean(&scratch), (vec![], vec![DamagedService]), "{file}");
        let cleaning = Inventory::clean(&root(&scratch)).unwrap();
        assert!(cleaning.kept[0].1.contains("a node is alive"), "{}", cleaning.kept[0].1);
        assert!(folder.exists(), "{file}: removed although its node lives");
        drop((service, node));
        let left = look(&scratch).remains;
        if left.is_empty() {
            continue; // Its last node could leave without that file.
        }
        assert_eq!(clean(&scratch), (vec![DamagedService], vec![]), "{file}");
        scratch.assert_empty();
    }
}

#[test]
fn a_folder_that_is_no_namespace_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let plain = scratch.path().join("plain");
    fs::create_dir(&plain).unwrap();
    let error = Root::existing(&plain).unwrap_err();
    assert!(error.to_string().contains("is no namespace: it lacks"), "{error}");
    assert_eq!(fs::read_dir(&plain).unwrap().count(), 0);
}

#[test]
fn a_node_that_cannot_be_looked_at_is_unknown() {
    let scratch = Scratch::new();
    let node = scratch.node();
    // Whoever looks at it finds no file to lock: neither alive nor dead.
    fs::create_dir(scratch.path().join("nodes/0123456789abcdef0123456789abcdef")).unwrap();
    let states: Vec<_> =
        node.list().unwrap().iter().filter(|info| info.id != node.id()).map(|info| info.state).collect();
    assert_eq!(states, [NodeState::Unknown]);
    assert_eq!(Node::clean_up(scratch.path()).unwrap(), (0, 1));
    assert_eq!(clean(&scratch), (vec![], vec![]));
}
