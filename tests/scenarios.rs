//! The scenario files that come with the program, and the format that they are written in.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use shmark::scenario::model::{Action, Scenario, Signal};
use shmark::scenario::{Catalogue, Library, conformance};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")
}

fn toml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(toml_files(&path));
        } else {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_file_in_the_folder_is_compiled_in() {
    let library = Library::builtin().unwrap_or_else(|error| panic!("{error}"));
    let compiled: BTreeSet<&str> = library
        .conformance()
        .iter()
        .map(|scenario| scenario.file.as_str())
        .chain(library.bench().iter().map(|scenario| scenario.file.as_str()))
        .chain(library.lifecycle().iter().map(|scenario| scenario.file.as_str()))
        .collect();
    let found: BTreeSet<String> = ["conformance", "bench"]
        .iter()
        .flat_map(|folder| toml_files(&root().join(folder)))
        .map(|path| format!("scenarios/{}", path.strip_prefix(root()).unwrap().display()))
        .collect();
    let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
    assert_eq!(compiled, found, "the table in src/scenario/builtin.rs and the folder scenarios/ differ");
}

/// The shape that implementers were promised; it has to stay readable as it stands.
const PROMISED: &str = r#"
id = "liv/blocked-send-outlives-a-killed-server"       # permanent, never renamed
requirements = ["RR-LIV-02"]
features = ["backpressure"]
matrix = { kind = ["fixed", "slice"], len = [1, 4096] }
peers = { s = "server", c = "client" }                 # each a process; several of a kind as s1, s2, ...
service = { request = { type = "bytes", kind = "$kind" }, qos = { overflow_requests = false, fire_and_forget = true, max_active_requests = 1 } }
steps = [
  { on = "s", do = "server.create", as = "srv" },
  { on = "c", do = "client.create", as = "cli", backpressure = "retry" },
  { on = "c", do = "client.send", from = "cli", as = "p1", len = "$len" },
  { on = "c", do = "drop", of = "p1" },              # the request stays in the server's buffer, which is full now
  { runner = "kill", peer = "s", signal = "KILL" },
  { on = "c", begin = "client.send", from = "cli", as = "p2", len = "$len" },
  { on = "c", await = "p2", within_ms = 1000, check = "RR-LIV-02", expect = { ok = {} } },
]
"#;

#[test]
fn the_promised_shape_is_read_as_it_stands() {
    let catalogue = Catalogue::builtin().unwrap();
    let scenarios = conformance::parse("promised.toml", PROMISED, &catalogue).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(
        scenarios.iter().map(Scenario::name).collect::<Vec<_>>(),
        [
            "liv/blocked-send-outlives-a-killed-server[kind=fixed,len=1]",
            "liv/blocked-send-outlives-a-killed-server[kind=fixed,len=4096]",
            "liv/blocked-send-outlives-a-killed-server[kind=slice,len=1]",
            "liv/blocked-send-outlives-a-killed-server[kind=slice,len=4096]",
        ]
    );
    let last = &scenarios[3];
    assert_eq!(last.title, "Blocked send outlives a killed server");
    assert_eq!(last.features, ["slice", "backpressure", "fire-and-forget"]);
    let service = last.service.as_ref().unwrap();
    assert_eq!(service["name"], "shmark-test");
    assert_eq!(service["response"], service["request"]);
    let Action::Do { peer, op, args } = &last.steps[2].action else { panic!("{:?}", last.steps[2].action) };
    assert_eq!((peer.as_str(), op.as_str()), ("c", "client.send"));
    assert_eq!((&args["on"], &args["as"], &args["len"]), (&"cli".into(), &"p1".into(), &4096.into()));
    assert_eq!(last.steps[4].action, Action::Kill { peer: "s".to_owned(), signal: Signal::Kill });
    assert_eq!(last.steps[6].line, 15);
    assert_eq!(last.steps[6].within_ms, Some(1000));
}

#[test]
fn there_are_enough_of_them() {
    let library = Library::builtin().unwrap();
    let ids: BTreeSet<&str> = library.conformance().iter().map(|scenario| scenario.id.as_str()).collect();
    let requirements: BTreeSet<&str> =
        library.conformance().iter().flat_map(|scenario| &scenario.requirements).map(String::as_str).collect();
    assert!(ids.len() >= 40, "{} scenarios", ids.len());
    assert!(requirements.len() >= 30, "{} requirements", requirements.len());
}
