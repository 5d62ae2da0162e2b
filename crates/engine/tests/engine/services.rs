//! Creating, opening, listing and leaving services.

use std::fs::File;

use shmark_engine::error::{NodeError, PortError, ServiceError};
use shmark_engine::{Config, Node, NodeState, RequestedSettings, ServiceName, Settings};
use toml::{Table, Value};

use crate::common::{Scratch, name, numbers};

#[test]
fn every_kind_of_name_names_a_service_of_its_own() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let longest = "n".repeat(255);
    let accented = "ä".repeat(127);
    let names =
        ["a", "/", "..", "../..", "a/b", "a b", "a\nb", "\0", "Ünïcödé/🦀", longest.as_str(), accented.as_str()];
    let open: Vec<_> = names
        .iter()
        .map(|text| node.service_builder(&name(text)).request_response::<u64, u64>().create().unwrap())
        .collect();
    let mut listed: Vec<_> = node.services().unwrap().into_iter().map(|service| service.name).collect();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    listed.sort();
    assert_eq!(listed, expected);
    for (text, service) in names.iter().zip(&open) {
        assert_eq!(service.name().as_str(), *text);
        assert!(node.service_exists(&name(text)).unwrap());
    }
    for (bad, bytes) in [(String::new(), 0), ("n".repeat(256), 256), ("ä".repeat(128), 256)] {
        assert_eq!(ServiceName::new(&bad).unwrap_err().bytes, bytes);
    }
    drop((open, node));
    scratch.assert_empty();
}

#[test]
fn an_existing_service_is_not_created_and_a_missing_one_not_opened() {
    let scratch = Scratch::new();
    let node = scratch.node();
    assert_eq!(numbers(&node).open().unwrap_err(), ServiceError::DoesNotExist);
    assert_eq!(scratch.files_like("").len(), 1, "opening a service that does not exist left something (RR-SVC-02)");
    let service = numbers(&node).max_clients(3).create().unwrap();
    assert_eq!(numbers(&node).create().unwrap_err(), ServiceError::AlreadyExists);
    let other = node.service_builder(&name("numbers")).request_response::<[u8], u32>();
    assert_eq!(other.create().unwrap_err(), ServiceError::AlreadyExists);
    assert_eq!(numbers(&node).open().unwrap().settings(), service.settings());
    drop(service);
    // Gone with the last handle; the name can be taken with other types (RR-SVC-04).
    let other = node.service_builder(&name("numbers")).request_response::<[u8], u32>();
    drop(other.create().unwrap());
}

#[test]
fn types_that_differ_are_refused_by_name() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = || node.service_builder(&name("typed"));
    let made = service().request_response::<[u64], u32>().request_payload_alignment(128).request_user_header::<u16>();
    let _made = made.response_user_header::<u8>().create().unwrap();
    let refused = |error: ServiceError| match error {
        ServiceError::IncompatibleTypes { part, .. } => part,
        other => panic!("{other}"),
    };
    macro_rules! open {
        ($request:ty, $response:ty, $rh:ty, $sh:ty, $align:expr) => {
            service()
                .request_response::<$request, $response>()
                .request_payload_alignment($align)
                .request_user_header::<$rh>()
                .response_user_header::<$sh>()
                .open()
                .map(|_| ())
        };
    }
    assert_eq!(open!([u64], u32, u16, u8, 1), Ok(()));
    assert_eq!(open!([u64], u32, u16, u8, 128), Ok(()));
    assert_eq!(refused(open!([u64], u32, u16, u8, 256).unwrap_err()), "request type");
    assert_eq!(refused(open!(u64, u32, u16, u8, 1).unwrap_err()), "request type");
    assert_eq!(refused(open!([i64], u32, u16, u8, 1).unwrap_err()), "request type");
    assert_eq!(refused(open!([u64], [u32], u16, u8, 1).unwrap_err()), "response type");
    assert_eq!(refused(open!([u64], u32, i16, u8, 1).unwrap_err()), "request user header");
    assert_eq!(refused(open!([u64], u32, u16, (), 1).unwrap_err()), "response user header");
    for asked in [0, 3, 8192] {
        assert_eq!(open!([u64], u32, u16, u8, asked), Err(ServiceError::InvalidAlignment { asked }));
    }
}

#[test]
fn attributes_are_read_and_required() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).attribute("side", "left").attribute("note", "\"quoted\"\n= [x]").create().unwrap();
    assert_eq!(service.attributes().len(), 2);
    let opened = numbers(&node).attribute("side", "left").open().unwrap();
    assert_eq!(opened.attributes(), service.attributes());
    for (key, asked, has) in [("side", "right", Some("left")), ("colour", "red", None)] {
        let (key, asked, has) = (key.to_owned(), asked.to_owned(), has.map(str::to_owned));
        let error = numbers(&node).attribute(&key, &asked).open().unwrap_err();
        assert_eq!(error, ServiceError::IncompatibleAttributes { key, asked, has });
    }
}

/// All settings by their names, with one changed.
fn changed(settings: &Settings, name: &str, value: impl Into<Value>) -> Settings {
    let mut table = Table::try_from(settings).unwrap();
    assert!(table.insert(name.to_owned(), value.into()).is_some(), "{name}");
    table.try_into().unwrap()
}

/// Every setting that there is, so that none is forgotten when one is added.
#[test]
fn each_setting_is_kept_checked_and_bounded() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let default = Settings::default();
    let asking = |settings| numbers(&node).requested_settings(RequestedSettings::from(settings));
    for (name, value) in Table::try_from(default).unwrap() {
        // What errors name is theirs for ever.
        let setting: &'static str = name.clone().leak();
        if value.is_bool() {
            for has in [false, true] {
                let with = |on: bool| asking(changed(&default, &name, on));
                let service = with(has).create().unwrap();
                assert_eq!(*service.settings(), changed(&default, &name, has));
                drop(with(has).open().unwrap());
                let error = ServiceError::IncompatibleBehaviour { setting, asked: !has, has };
                assert_eq!(with(!has).open().unwrap_err(), error);
            }
            continue;
        }
        let with = |count: i64| asking(changed(&default, &name, count));
        let service = with(3).create().unwrap();
        let three = changed(&default, &name, 3);
        assert_eq!(*service.settings(), three);
        assert_eq!(*with(2).open().unwrap().settings(), three);
        assert_eq!(*with(0).open().unwrap().settings(), three);
        assert_eq!(with(4).open().unwrap_err(), ServiceError::DoesNotSupport { setting, asked: 4, has: 3 });
        drop(service);
        let one = changed(&default, &name, 1);
        assert_eq!(*with(0).create().unwrap().settings(), one, "{setting} of 0 is 1 (RR-SVC-10)");
        assert_eq!(with(65_537).create().unwrap_err(), ServiceError::CountTooLarge { setting, asked: 65_537 });
        assert_eq!(*with(65_536).create().unwrap().settings(), changed(&default, &name, 65_536));
    }
}

#[test]
fn a_node_counts_once_however_often_it_opens_and_leaves_its_place() {
    let scratch = Scratch::new();
    let [one, two, three] = [(); 3].map(|()| scratch.node());
    let first = numbers(&one).max_nodes(2).create().unwrap();
    let again: Vec<_> = (0..5).map(|_| numbers(&one).open().unwrap()).collect();
    let second = numbers(&two).open().unwrap();
    assert_eq!(first.info().nodes.len(), 2);
    assert_eq!(numbers(&three).open().unwrap_err(), ServiceError::ExceedsMaxNodes { max_nodes: 2 });
    // A port keeps the service open without any handle of it.
    let server = second.server_builder().create().unwrap();
    drop((second, first));
    assert_eq!(numbers(&three).open().unwrap_err(), ServiceError::ExceedsMaxNodes { max_nodes: 2 });
    drop(server);
    let third = numbers(&three).open().unwrap();
    let mut nodes = third.info().nodes;
    nodes.sort_unstable();
    let mut expected = [one.id(), three.id()];
    expected.sort_unstable();
    assert_eq!(nodes, expected);
    drop((again, third, one, two, three));
    scratch.assert_empty();
}

#[test]
fn listings_show_what_is_there_now() {
    let scratch = Scratch::new();
    let node = Node::builder().config(Config::default()).root(scratch.path()).name("first").create().unwrap();
    let other = scratch.node();
    assert_eq!(node.services().unwrap(), []);
    let service = numbers(&node).max_clients(2).create().unwrap();
    let server = service.server_builder().name("left").create().unwrap();
    let client = numbers(&other).open().unwrap().client_builder().create().unwrap();
    let [info] = other.services().unwrap().try_into().unwrap();
    assert_eq!(info, service.info());
    assert_eq!((info.name.as_str(), info.settings.max_clients), ("numbers", 2));
    assert_eq!((info.request.size, info.request.align), (8, 8));
    assert_eq!(info.servers.len(), 1);
    assert_eq!(
        (info.servers[0].id, info.servers[0].node, info.servers[0].name.as_str()),
        (server.id(), node.id(), "left")
    );
    assert_eq!(info.clients.len(), 1);
    assert_eq!(
        (info.clients[0].id, info.clients[0].node, info.clients[0].name.as_str()),
        (client.id(), other.id(), "")
    );
    drop(client);
    assert_eq!(service.info().clients, []);
    assert_eq!(service.info().nodes, [node.id()]);

    let listed = node.list().unwrap();
    let mut names: Vec<_> = listed.iter().map(|info| (info.id, info.name.as_str(), info.state)).collect();
    names.sort_unstable_by_key(|(_, name, _)| *name);
    assert_eq!(names, [(other.id(), "", NodeState::Alive), (node.id(), "first", NodeState::Alive)]);
}

#[test]
fn names_of_ports_and_nodes_are_bounded() {
    let scratch = Scratch::new();
    let node = scratch.node();
    let service = numbers(&node).create().unwrap();
    let error =
        Node::builder().config(Config::default()).root(scratch.path()).name(&"n".repeat(256)).create().unwrap_err();
    assert_eq!(error, NodeError::NameTooLong { bytes: 256 });
    let longest = "p".repeat(64);
    let client = service.client_builder().name(&longest).create().unwrap();
    assert_eq!(service.info().clients[0].name, longest);
    let error = service.server_builder().name(&"p".repeat(65)).create().unwrap_err();
    assert_eq!(error, PortError::NameTooLong { bytes: 65 });
    drop(client);
    assert_eq!(scratch.files_like("segment-"), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_root_that_is_no_folder_is_an_error() {
    let scratch = Scratch::new();
    let file = scratch.path().join("file");
    File::create(&file).unwrap();
    assert!(matches!(
        Node::builder().config(Config::default()).root(&file).create(),
        Err(NodeError::NotOurFolder { .. })
    ));
    assert!(matches!(
        Node::builder().config(Config::default()).root(scratch.path().join("no/such")).create(),
        Err(NodeError::System(_))
    ));
}

/// Two names that share a folder cannot be made, but the folder of one can be put in the place of the other.
#[test]
fn a_folder_of_another_name_is_refused() {
    let (scratch, aside) = (Scratch::new(), Scratch::new());
    let (node, elsewhere) = (scratch.node(), aside.node());
    let _one = numbers(&node).create().unwrap();
    let _two = elsewhere.service_builder(&name("other")).request_response::<u64, u64>().create().unwrap();
    let folder = |scratch: &Scratch| scratch.path().join(&scratch.files_like("lock")[0]).parent().unwrap().to_owned();
    let wrong = folder(&scratch).with_file_name(folder(&aside).file_name().unwrap());
    std::fs::rename(folder(&scratch), &wrong).unwrap();
    let opened = node.service_builder(&name("other")).request_response::<u64, u64>().open();
    assert_eq!(opened.unwrap_err(), ServiceError::NameCollision { other: "numbers".to_owned() });
}

/// A process that holds the lock and does not go on costs the others a few seconds and an error, and nothing once it goes on.
#[test]
fn a_lock_that_is_never_released_is_an_error() {
    let scratch = Scratch::new();
    let [node, other] = [scratch.node(), scratch.node()];
    let service = numbers(&node).create().unwrap();
    let lock = File::options().write(true).open(scratch.path().join(&scratch.files_like("lock")[0])).unwrap();
    lock.lock().unwrap();
    assert_eq!(numbers(&other).open().unwrap_err(), ServiceError::InCreation);
    assert_eq!(service.client_builder().create().unwrap_err(), PortError::Busy);
    lock.unlock().unwrap();
    let client = service.client_builder().create().unwrap();
    drop((numbers(&other).open().unwrap(), client, service, node, other));
    scratch.assert_empty();
}

/// A port that could not take itself out because the lock was held is taken out by the next one to look.
#[test]
fn what_could_not_leave_is_cleaned_up_later() {
    let scratch = Scratch::new();
    let [node, other] = [scratch.node(), scratch.node()];
    let service = numbers(&node).create().unwrap();
    let held = numbers(&other).open().unwrap();
    let lock = File::options().write(true).open(scratch.path().join(&scratch.files_like("lock")[0])).unwrap();
    lock.lock().unwrap();
    drop(service.server_builder());
    drop(service);
    drop(node);
    lock.unlock().unwrap();
    assert_eq!(other.list().unwrap().len(), 2, "the node that could not leave is still there");
    assert_eq!(Node::clean_up(scratch.path()).unwrap(), (1, 0));
    assert_eq!(held.info().nodes, [other.id()]);
    drop((held, other));
    scratch.assert_empty();
}
