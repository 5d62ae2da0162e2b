//! The library: what is compiled in, what a folder adds, and how scenarios are chosen.

use std::fs;
use std::path::Path;

use super::model::{MEMORY_MIB, MEMORY_MIB_LARGEST, Scenario};
use super::source::Source;
use super::{Library, ScenarioError, Selection};
use crate::results::model::Level;

fn scenario(id: &str, requirement: &str) -> String {
    format!(
        r#"id = "{id}"
title = "Made up."
requirements = ["{requirement}"]
peers = {{ a = "server" }}
steps = [{{ on = "a", do = "server.create", as = "srv", check = "{requirement}", expect = {{ ok = {{}} }} }}]
"#
    )
}

fn write(dir: &Path, path: &str, text: &str) {
    let file = dir.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn with(files: &[(&str, &str)]) -> Result<Library, ScenarioError> {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        write(dir.path(), path, text);
    }
    Library::builtin().unwrap().with_dir(dir.path())
}

#[test]
fn a_folder_adds_scenarios_and_replaces_known_ones_with_all_their_cells() {
    let known = "typ/slices-arrive";
    let library = with(&[
        ("conformance/own/first.toml", &scenario("own/first", "RR-SND-01")),
        ("conformance/typ/slices-arrive.toml", &scenario(known, "RR-TYP-05")),
        ("bench/rtt.toml", &include_str!("../../scenarios/bench/rtt.toml").replace("rounds = 7", "rounds = 3")),
        ("conformance/own/notes.txt", "no scenario"),
    ])
    .unwrap();
    let builtin = Library::builtin().unwrap();
    let cells = |library: &Library, id: &str| library.conformance().iter().filter(|s| s.id == id).count();
    assert_eq!((cells(&builtin, known), cells(&library, known), cells(&library, "own/first")), (11, 1, 1));
    assert_eq!(library.conformance().len(), builtin.conformance().len() - 11 + 1 + 1);
    assert!(library.conformance().is_sorted_by_key(|scenario| &scenario.id));
    let rounds: Vec<usize> =
        library.bench().iter().filter(|bench| bench.name == "rtt").map(|bench| bench.rounds).collect();
    assert_eq!(rounds, [3]);
}

#[test]
fn a_folder_without_scenarios_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = Library::builtin().unwrap().with_dir(dir.path()).unwrap_err();
    assert_eq!(error.violation().code(), "no_scenario_folder");
    assert!(error.to_string().contains("conformance/GROUP/NAME.toml"), "{error}");
}

#[test]
fn an_id_is_the_path_of_its_file() {
    let error = with(&[("conformance/own/second.toml", &scenario("own/first", "RR-SND-01"))]).unwrap_err();
    assert_eq!((error.violation().code(), error.line(), error.column()), ("id_is_not_path", 1, 6));
    assert!(error.to_string().contains(r#"the id is "own/first", and the file's path says "own/second""#), "{error}");
}

#[test]
fn an_id_belongs_to_one_file() {
    let text = scenario("own/first", "RR-SND-01");
    let files = [("a/own/first.toml", &text), ("b/own/first.toml", &text)];
    let sources: Vec<(String, Source)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), Source::new(path, text))).collect();
    let error = Library::builtin().unwrap().add_conformance(&sources).unwrap_err();
    assert_eq!((error.violation().code(), error.file()), ("duplicate_id", "b/own/first.toml"));
    assert!(error.to_string().contains("belongs to a/own/first.toml already"), "{error}");
}

#[test]
fn a_file_that_is_no_text_is_reported_with_its_path() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "conformance/own/first.toml", "");
    fs::write(dir.path().join("conformance/own/first.toml"), [0xff, 0xfe, 0x00]).unwrap();
    let error = Library::builtin().unwrap().with_dir(dir.path()).unwrap_err();
    assert_eq!(error.violation().code(), "unreadable");
    assert!(error.file().ends_with("conformance/own/first.toml"), "{error}");
}

fn chosen(run: &[&str], skip: &[&str]) -> Vec<String> {
    let library = Library::builtin().unwrap();
    let owned = |patterns: &[&str]| patterns.iter().map(|&pattern| pattern.to_owned()).collect::<Vec<_>>();
    let selection = Selection::new(&owned(run), &owned(skip)).unwrap();
    selection.of(library.conformance()).into_iter().map(Scenario::name).collect()
}

#[test]
fn scenarios_are_chosen_by_id_and_by_name() {
    let all = Library::builtin().unwrap().conformance().len();
    assert_eq!(chosen(&[], &[]).len(), all);
    assert_eq!(chosen(&["prt/server-first"], &[]).len(), 2);
    assert_eq!(chosen(&["prt/server-first[kind=slice]"], &[]), ["prt/server-first[kind=slice]"]);
    assert_eq!(
        chosen(&["prt/*-first"], &["*[kind=fixed]"]),
        ["prt/client-first[kind=slice]", "prt/server-first[kind=slice]"]
    );
    assert_eq!(chosen(&["{prt/server,prt/client}-first*"], &[]).len(), 4);
    assert_eq!(chosen(&["*"], &["*"]), Vec::<String>::new());
    let group = chosen(&["snd/*"], &[]);
    assert!(group.len() > 10 && group.iter().all(|name| name.starts_with("snd/")));
}

#[test]
fn scenarios_are_chosen_by_level_and_by_requirement() {
    let library = Library::builtin().unwrap();
    let of = |level| Selection::default().with_level(level).of(library.conformance()).len();
    assert!(of(Some(Level::Must)) < of(Some(Level::Observed)));
    assert_eq!(of(Some(Level::Observed)), of(None));
    let ids = ["RR-SVC-06".to_owned(), "RR-BAD-01".to_owned()];
    let selection = Selection::default().with_requirements(&ids, library.catalogue()).unwrap();
    let chosen = selection.of(library.conformance());
    assert_eq!(chosen.len(), 5);
    assert!(chosen.iter().all(|scenario| scenario.requirements.iter().any(|id| ids.contains(id))));
}

#[test]
fn choices_that_cannot_be_made_say_why() {
    let error = Selection::new(&["{a".to_owned()], &[]).unwrap_err();
    assert!(error.to_string().contains("`snd/*` is every scenario of a group"), "{error}");
    let library = Library::builtin().unwrap();
    let error = Selection::default().with_requirements(&["RR-SVC-6".to_owned()], library.catalogue()).unwrap_err();
    assert!(error.to_string().contains("no requirement \"RR-SVC-6\"; did you mean \"RR-SVC-06\"?"), "{error}");
}

#[test]
fn needs_of_memory_are_stated_or_the_default() {
    let library = Library::builtin().unwrap();
    let needs = || library.conformance().iter().map(|scenario| scenario.memory_mib);
    assert_eq!(needs().max(), Some(MEMORY_MIB_LARGEST));
    assert_eq!(needs().min(), Some(MEMORY_MIB));
    let stated = scenario("own/a", "RR-SVC-01").replace("peers =", "memory_mib = 2000\npeers =");
    let library = with(&[("conformance/own/a.toml", &stated)]).unwrap();
    let own = library.conformance().iter().find(|scenario| scenario.id == "own/a").unwrap();
    assert_eq!(own.memory_mib, 2000);
}
