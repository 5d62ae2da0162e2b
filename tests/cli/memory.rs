//! `shmark services` and `shmark clean`, with processes that live and processes that were killed.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use shmark::harness::namespace::Namespace;
use shmark::harness::run_folder::RunFolder;
use shmark_engine::{Config, Node, ServiceName};

use super::{DEADLINE, finish, shmark, shmark_with};

const FOREIGN_NAME: &str = "0123456789abcdef0123456789abcdef";

/// A namespace of a test; the folder of a test that is killed is swept by the next run of anything.
struct Scratch {
    namespace: Namespace,
    _run: RunFolder,
}

impl Scratch {
    fn new() -> Self {
        let run = RunFolder::create().unwrap();
        Self { namespace: run.namespace().unwrap(), _run: run }
    }

    fn path(&self) -> &Path {
        self.namespace.path()
    }

    fn word(&self) -> &str {
        self.path().to_str().unwrap()
    }
}

/// A process of the reference engine that has done what it was told; killed when it is dropped.
struct Peer(Child);

impl Peer {
    fn start(root: &Path, commands: &[Value]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shmark"))
            .arg("peer")
            .env("SHMARK_ROOT", root)
            .env("SHMARK_CONFIG", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        let hello = json!({ "op": "hello", "protocol": 1, "root": root, "seed": 1 });
        for (i, command) in std::iter::once(&hello).chain(commands).enumerate() {
            let mut command = command.clone();
            command["id"] = json!(i + 1);
            writeln!(stdin, "{command}").unwrap();
        }
        let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..=commands.len() {
            let answer = answers.next().expect("the peer ended").unwrap();
            assert!(answer.contains("\"ok\""), "{answer}");
        }
        Self(child)
    }

    /// A node, a service and a server with names.
    fn server(root: &Path, node: &str, service: &str) -> Self {
        let payload = json!({ "type": "u64", "kind": "fixed" });
        Self::start(
            root,
            &[
                json!({ "op": "node.create", "as": "n", "name": node }),
                json!({ "op": "service.open_or_create", "node": "n", "as": "s", "name": service,
                        "request": payload, "response": payload, "qos": {}, "attributes": {} }),
                json!({ "op": "server.create", "service": "s", "as": "srv", "name": "a server" }),
            ],
        )
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn services(root: &Scratch) -> Value {
    let ended = shmark(&["services", "--json", "--root", root.word()]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.out).unwrap()
}

fn clean(root: &Scratch, more: &[&str]) -> (Option<i32>, Value) {
    let ended = shmark(&[&["clean", "--json", "--root", root.word()], more].concat());
    assert!(ended.err.is_empty(), "{ended:?}");
    (ended.code, serde_json::from_str(&ended.out).unwrap())
}

fn kinds(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

#[test]
fn services_shows_who_lives_who_is_dead_and_what_they_have() {
    let scratch = Scratch::new();
    let living = Peer::server(scratch.path(), "camera", "My/Funk/ServiceName");
    Peer::server(scratch.path(), "robot arm", "My/Funk/ServiceName").kill();
    let node = Node::builder().config(Config::default()).root(scratch.path()).name("watcher");
    // Creating a node cleans, so the dead one is made afterwards.
    let node = node.create().unwrap();
    let slices = node.service_builder(&ServiceName::new("b").unwrap()).request_response::<u64, [u8]>();
    let slices = slices.attribute("side", "left\u{1b}[31m").max_clients(3).create().unwrap();
    let client = slices.client_builder().name("c1").create().unwrap();
    let dead = Peer::server(scratch.path(), "robot arm", "My/Funk/ServiceName");
    let (dead_pid, living_pid) = (dead.0.id(), living.0.id());
    dead.kill();

    let before = files(scratch.path());
    let seen = services(&scratch);
    let text = shmark(&["services", "--root", scratch.word(), "--settings"]);
    assert_eq!(files(scratch.path()), before, "looking changed something");

    let nodes = seen["nodes"].as_array().unwrap();
    let node_named = |name: &str| nodes.iter().find(|node| node["name"] == name).unwrap();
    assert_eq!(nodes.len(), 3);
    assert_eq!((&node_named("camera")["state"], &node_named("robot arm")["state"]), (&json!("alive"), &json!("dead")));
    assert_eq!(node_named("camera")["services"], json!(["My/Funk/ServiceName"]));
    assert_eq!(node_named("robot arm")["process"], json!(null));
    // The kernel may not tell who holds a lock; what it tells is right.
    if let Some(pid) = node_named("camera")["process"]["pid"].as_u64() {
        assert_eq!(pid, u64::from(living_pid));
        assert!(text.out.contains(&format!("{living_pid} (shmark)")), "{}", text.out);
        assert!(!text.out.contains(&dead_pid.to_string()), "{}", text.out);
    }
    assert_eq!(kinds(&seen["remains"]), ["dead-node"]);
    let list = seen["services"].as_array().unwrap();
    assert_eq!(list.iter().map(|service| &service["name"]).collect::<Vec<_>>(), ["My/Funk/ServiceName", "b"]);
    let shown = &list[1];
    assert_eq!((&shown["settings"]["max_clients"], &shown["response"]["kind"]), (&json!(3), &json!("slice")));
    assert_eq!(
        shown["clients"],
        json!([{ "id": client.id().to_string(), "node": node.id().to_string(), "name": "c1" }])
    );
    assert!(shown["memory_bytes"].as_u64().unwrap() >= 4096);

    assert_eq!((text.code, text.err.as_str()), (Some(0), ""));
    for part in [
        "2 services, 3 nodes, ",
        "My/Funk/ServiceName  u64      u64       0        ",
        "b                    u64      [u8]      1        0        1  ",
        "max_clients = 3",
        "attribute \"side\" = \"left\\u{1b}[31m\"",
        &format!("client {} of node {} \"c1\"", client.id(), node.id()),
        "dead ",
        "robot arm",
        "1 remnant of dead processes",
        "`shmark clean`",
    ] {
        assert!(text.out.contains(part), "{part:?} is missing:\n{}", text.out);
    }
    let short = shmark(&["services", "--root", scratch.word()]);
    assert!(!short.out.contains("max_clients"), "settings are shown on demand only:\n{}", short.out);
}

#[test]
fn where_nothing_is_it_says_so_and_makes_nothing() {
    let scratch = Scratch::new();
    let nowhere = scratch.path().join("nowhere");
    let services = shmark_with(&["services"], &[("SHMARK_ROOT", &nowhere)]);
    assert_eq!((services.code, services.err.as_str()), (Some(0), ""));
    assert!(
        services.out.starts_with("There is nothing in ") && services.out.contains("--root DIR"),
        "{}",
        services.out
    );
    let json = shmark_with(&["services", "--json"], &[("SHMARK_ROOT", &nowhere)]);
    let expected = json!({ "root": nowhere, "nodes": [], "services": [], "remains": [] });
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap(), expected);
    let clean = shmark_with(&["clean", "--dry-run"], &[("SHMARK_ROOT", &nowhere)]);
    assert_eq!(clean.code, Some(0), "{clean:?}");
    assert!(!nowhere.exists(), "a folder was made");

    // A folder that was named has to be there, and to be a namespace: a slip of the pen is no empty namespace.
    let plain = scratch.path().join("plain");
    fs::create_dir(&plain).unwrap();
    for command in ["services", "clean"] {
        for (folder, part) in [(&nowhere, "there is no such folder"), (&plain, "is no namespace: it lacks")] {
            let ended = shmark(&[command, "--root", folder.to_str().unwrap()]);
            assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{ended:?}");
            assert!(ended.err.contains(part) && ended.err.contains(folder.to_str().unwrap()), "{}", ended.err);
        }
    }
    assert_eq!(files(&plain), Vec::<PathBuf>::new());
    let empty = Node::builder().config(Config::default()).root(scratch.path().join("empty")).create().unwrap();
    drop(empty);
    let clean = shmark(&["clean", "--root", scratch.path().join("empty").to_str().unwrap()]);
    assert!(clean.code == Some(0) && clean.out.starts_with("There is nothing to clean in "), "{clean:?}");
}

#[test]
fn clean_removes_what_the_dead_left_and_touches_nothing_of_the_living() {
    let scratch = Scratch::new();
    let survivor = Peer::server(scratch.path(), "survivor", "shared");
    let living = files(scratch.path());
    let shared = Peer::server(scratch.path(), "one", "shared");
    let own = Peer::server(scratch.path(), "two", "own");
    shared.kill();
    own.kill();
    let temporary = scratch.path().join(format!("services/temporary-{FOREIGN_NAME}-{FOREIGN_NAME}"));
    fs::create_dir(&temporary).unwrap();
    File::create(temporary.join("lock")).unwrap();
    let notes = scratch.path().join("notes.txt");
    fs::write(&notes, "mine").unwrap();

    let before = files(scratch.path());
    let (code, foreseen) = clean(&scratch, &["--dry-run"]);
    assert_eq!(files(scratch.path()), before, "a dry run changed something");
    let text = shmark(&["clean", "--dry-run", "--root", scratch.word()]);
    for part in
        ["would remove  dead node (one)", "would remove  abandoned service (own)", "kept ", "notes.txt: this engine"]
    {
        assert!(text.out.contains(part), "{part:?} is missing:\n{}", text.out);
    }
    let expected = ["dead-node", "dead-node", "abandoned-service", "unfinished-service"];
    assert_eq!(
        (code, kinds(&foreseen["removed"]), kinds(&foreseen["kept"])),
        (Some(0), expected.to_vec(), vec!["foreign"])
    );

    let (code, mut done) = clean(&scratch, &[]);
    done["dry_run"] = json!(true);
    assert_eq!((code, &done), (Some(0), &foreseen), "what was done is not what was foreseen");
    let mut expected = living;
    expected.push(notes);
    expected.sort();
    assert_eq!(files(scratch.path()), expected, "exactly what the living have is left");
    let (code, done) = clean(&scratch, &[]);
    assert_eq!((code, kinds(&done["removed"])), (Some(0), vec![]));
    let seen = services(&scratch);
    assert_eq!((seen["nodes"].as_array().unwrap().len(), &seen["services"][0]["name"]), (1, &json!("shared")));
    assert_eq!(seen["services"][0]["servers"].as_array().unwrap().len(), 1);
    drop(survivor);
}

/// What should go and does not is an unexpected result, with the reason.
#[test]
fn clean_exits_with_1_if_something_stays() {
    let scratch = Scratch::new();
    let peer = Peer::server(scratch.path(), "n", "damaged");
    let static_file = files(scratch.path()).into_iter().find(|path| path.ends_with("static.toml")).unwrap();
    fs::write(&static_file, "garbage").unwrap();
    let (code, foreseen) = clean(&scratch, &["--dry-run"]);
    assert_eq!(
        (code, kinds(&foreseen["removed"]), kinds(&foreseen["kept"])),
        (Some(0), vec![], vec!["damaged-service"])
    );
    let (code, done) = clean(&scratch, &[]);
    assert_eq!((code, kinds(&done["removed"]), kinds(&done["kept"])), (Some(1), vec![], vec!["damaged-service"]));
    assert!(done["kept"][0]["reason"].as_str().unwrap().contains("a node is alive"), "{done}");
    assert!(static_file.exists(), "removed although its process lives");
    peer.kill();
    let (code, done) = clean(&scratch, &[]);
    assert_eq!((code, kinds(&done["removed"])), (Some(0), vec!["dead-node", "damaged-service"]));
    assert!(!static_file.exists());
}

/// Folders of runs whose lock nobody holds go, those of the living stay. Anything that starts sweeps them too, so that
/// nothing can be said of who removed it.
#[test]
fn clean_sweeps_the_folders_of_killed_runs() {
    let scratch = Scratch::new();
    let parent = scratch.path().parent().unwrap().parent().unwrap();
    let dead = parent.join("shmark-run-1-c1ea0000");
    fs::create_dir_all(dead.join("ns001-c1ea0000/nodes")).unwrap();
    File::create(dead.join(".lock")).unwrap();
    let nowhere = scratch.path().join("nowhere");
    let ended = shmark_with(&["clean"], &[("SHMARK_ROOT", &nowhere)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(!dead.exists(), "{} is left", dead.display());
    assert!(scratch.path().exists(), "the folder of a living run was removed");
}

/// Whoever types a path means it from where he is; a variable is inherited by processes that are elsewhere.
#[test]
fn a_relative_root_is_one_of_the_working_folder_as_an_option_and_refused_as_a_variable() {
    let scratch = Scratch::new();
    drop(Node::builder().config(Config::default()).root(scratch.path().join("here")).create().unwrap());
    let run = |words: &[&str], root: Option<&str>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_shmark"));
        command.args(words).current_dir(scratch.path()).env_remove("SHMARK_ROOT").env("SHMARK_CONFIG", "/dev/null");
        command.envs(root.map(|root| ("SHMARK_ROOT", root)));
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        finish(child, DEADLINE)
    };
    for command in ["services", "clean"] {
        let ended = run(&[command, "--root", "here"], None);
        let here = scratch.path().join("here");
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{command}");
        assert!(ended.out.contains(here.to_str().unwrap()), "{command}: {}", ended.out);
        let ended = run(&[command], Some("here"));
        assert_eq!((ended.code, ended.out.as_str()), (Some(2), ""), "{command}: {}", ended.err);
        assert!(ended.err.contains("relative") && ended.err.contains("begins with a slash"), "{}", ended.err);
    }
}
