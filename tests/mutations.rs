//! The table of what breaks each requirement on purpose is complete. `scripts/mutate` applies it, and says what no longer fits the code.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use globset::Glob;
use serde::Deserialize;
use shmark::results::model::Level;
use shmark::scenario::Library;

#[derive(Deserialize)]
struct Table {
    mutation: Vec<Mutation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Mutation {
    requirement: String,
    #[serde(default)]
    after: String,
    from: String,
    to: String,
    scenario: Option<String>,
    engine: Option<String>,
    no_compile: Option<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn mutations() -> Vec<Mutation> {
    let text = fs::read_to_string(root().join("tests/mutations.toml")).unwrap();
    toml::from_str::<Table>(&text).unwrap().mutation
}

#[test]
fn every_requirement_can_be_broken_on_purpose() {
    let broken: BTreeSet<_> = mutations().into_iter().map(|mutation| mutation.requirement).collect();
    let library = Library::builtin().unwrap();
    let required = library.catalogue().requirements().iter().filter(|requirement| requirement.level != Level::Observed);
    let missing: Vec<_> = required.map(|requirement| &requirement.id).filter(|id| !broken.contains(*id)).collect();
    assert!(missing.is_empty(), "no entry in tests/mutations.toml breaks {missing:?}");
}

#[test]
fn every_test_of_a_mutation_exists() {
    let library = Library::builtin().unwrap();
    for mutation in mutations() {
        let id = &mutation.requirement;
        assert_ne!(mutation.from, mutation.to, "{id} changes nothing");
        assert!(mutation.after != mutation.from, "{id}: `after` is what stands before the snippet");
        let tests = [&mutation.scenario, &mutation.engine, &mutation.no_compile];
        assert_eq!(tests.iter().filter(|test| test.is_some()).count(), 1, "{id} has one test");
        if let Some(glob) = &mutation.scenario {
            let glob = Glob::new(&glob.replace('[', "[[]")).unwrap().compile_matcher();
            let chosen = library.conformance().iter().filter(|scenario| glob.is_match(&scenario.id));
            let decides = chosen.filter(|scenario| scenario.requirements.contains(id));
            assert!(decides.count() > 0, "no scenario of {glob:?} decides {id}");
        } else {
            let module = mutation.engine.or(mutation.no_compile).unwrap();
            let module = module.trim_end_matches("::");
            let path = root().join("crates/engine/tests/engine").join(module);
            assert!(path.is_dir() || path.with_extension("rs").is_file(), "{id}: there are no tests {module}");
        }
    }
}
