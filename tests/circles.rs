//! No import circles: of two files of a crate, at most one needs the other, directly or through more files. And the
//! folders of the suite need each other in one order only.
//!
//! An import is a path that begins with `crate`, `self`, `super` or a module of its own file, in a `use` or anywhere else.
//! It leads to the file that has the item: re-exports are followed, and are no imports themselves. Declarations of
//! modules, tests and comments do not count.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "circles/imports.rs"]
mod imports;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use imports::{Crate, Module};

/// Folders of the suite, each with those below it that it may import from, besides the crates.
const ORDER: [(&str, &[&str]); 10] = [
    ("results", &[]),
    ("statistics", &[]),
    ("subjects", &[]),
    ("harness", &[]),
    ("scenario", &["results", "harness"]),
    ("conformance", &["results", "harness", "scenario"]),
    ("bench", &["results", "statistics", "harness", "scenario"]),
    ("compare", &["results", "statistics", "harness", "scenario", "bench"]),
    ("report", &["results", "statistics", "harness", "scenario"]),
    ("cli", &["results", "statistics", "subjects", "harness", "scenario", "conformance", "bench", "compare", "report"]),
];

type Imports = BTreeMap<Module, BTreeSet<Module>>;

/// Name and root file of each crate.
fn crates() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut crates = vec![("shmark".to_owned(), root.join("src/lib.rs"))];
    for entry in fs::read_dir(root.join("crates")).unwrap() {
        let entry = entry.unwrap();
        crates.push((entry.file_name().into_string().unwrap(), entry.path().join("src/lib.rs")));
    }
    crates
}

fn shown(module: &Module) -> String {
    if module.is_empty() { "the crate's root".to_owned() } else { module.join("::") }
}

/// Circles, none of which shares a file with another; in each, every file imports the next one and the last the first.
fn circles(imports: &Imports) -> Vec<Vec<Module>> {
    let mut found: Vec<Vec<Module>> = Vec::new();
    for start in imports.keys() {
        let is_known = |module: &Module| found.iter().any(|circle| circle.contains(module));
        if !is_known(start)
            && let Some(circle) = shortest(imports, start)
            && !circle.iter().any(is_known)
        {
            found.push(circle);
        }
    }
    found
}

/// The shortest circle that begins with a file.
fn shortest(imports: &Imports, start: &Module) -> Option<Vec<Module>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in imports.get(*way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way.into_iter().cloned().collect());
            }
            if seen.insert(next) {
                ways.push_back([&way[..], &[next]].concat());
            }
        }
    }
    None
}

#[test]
fn no_file_needs_itself_through_others() {
    let mut wrong = Vec::new();
    for (name, root) in crates() {
        let whole = Crate::read(&root);
        let imports = whole.imports();
        assert!(imports.len() > 10 && imports.values().any(|of| of.len() > 3), "{name}: this is not the crate");
        for circle in circles(&imports) {
            let way = circle.iter().chain(circle.first()).map(shown).collect::<Vec<_>>().join(" > ");
            wrong.push(format!("{name}: {way}: put what they share into a file that needs none of them"));
        }
    }
    assert!(wrong.is_empty(), "import circles:\n{}", wrong.join("\n"));
}

#[test]
fn folders_of_the_suite_need_only_those_below() {
    let (_, root) = crates().remove(0);
    let imports = Crate::read(&root).imports();
    let mut wrong = Vec::new();
    for (from, to) in imports.iter().flat_map(|(from, all)| all.iter().map(move |to| (from, to))) {
        let (Some(folder), Some(other)) = (from.first(), to.first()) else { continue };
        // A file beside the folders is for all of them.
        if !root.with_file_name(other).is_dir() || folder == other {
            continue;
        }
        let allowed = ORDER.iter().find(|(name, _)| name == folder).map(|(_, below)| *below);
        if !allowed.is_some_and(|below| below.contains(&other.as_str())) {
            wrong.push(format!("{} > {}", shown(from), shown(to)));
        }
    }
    assert!(wrong.is_empty(), "against the order of docs/ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

/// A crate of these files; its circles.
fn circles_of(files: &[(&str, &str)]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let found = circles(&Crate::read(&dir.path().join("lib.rs")).imports());
    found.iter().map(|circle| circle.iter().map(shown).collect::<Vec<_>>().join(" > ")).collect()
}

#[test]
fn circles_are_found_and_nothing_else_is() {
    let root = ("lib.rs", "mod a; mod b; mod c;");
    let none: [&str; 0] = [];
    for (a, b, c) in [
        ("use crate::b::B;", "use super::c;", "fn f() { let _ = vec![crate::a::A]; }"),
        ("use crate::{b::{self, B}, std};", "pub fn f() -> super::c::C {}", "impl T for crate::a::A {}"),
        ("pub struct S { b: super::b::B }", "const C: u8 = 0..crate::c::C;", "pub(crate) fn f(a: &crate::a::A) {}"),
        ("use super::b::*;", "use super::{c as d};", "type A = super::super::x::a::A; use super::a;"),
    ] {
        let files = [root, ("a.rs", a), ("b.rs", b), ("c.rs", c)];
        assert_eq!(circles_of(&files), ["a > b > c"], "{a} {b} {c}");
    }
    for b in [
        "//! See [`crate::a::A`].\n/// And `crate::a`.\nconst TEXT: &str = \"crate::a::A\";",
        "#[cfg(test)]\nmod tests { use crate::a::A; }",
        "#[cfg(test)] use super::a::A; #[test] fn f() { crate::a::A; }",
        "use other::a::A; use self::inner::A; mod inner { pub use super::super::c::A; }",
    ] {
        assert_eq!(circles_of(&[root, ("a.rs", "use crate::b::B;"), ("b.rs", b), ("c.rs", "")]), none, "{b}");
    }
    // What a folder re-exports is its files', and a folder that works with its files is none of theirs.
    let folder = [("lib.rs", "mod a;"), ("a/mod.rs", "mod x; mod y; pub use y::Y; fn f() { x::X; }")];
    assert_eq!(circles_of(&[&folder[..], &[("a/x.rs", "use super::Y;"), ("a/y.rs", "")]].concat()), none);
    assert_eq!(
        circles_of(&[&folder[..], &[("a/x.rs", "use super::Y;"), ("a/y.rs", "use super::x;")]].concat()),
        ["a::x > a::y"]
    );
    assert_eq!(circles_of(&[&folder[..], &[("a/x.rs", "use super::f;"), ("a/y.rs", "")]].concat()), ["a > a::x"]);
}
