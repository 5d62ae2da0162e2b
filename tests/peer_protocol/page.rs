//! What the pages say of operations and features is made from the protocol's tables.
//!
//! `SHMARK_WRITE_DOCS=1 cargo test --test peer_protocol page` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use super::entries;
use shmark_peer::protocol::{ArgKind, ArgSpec, FEATURE_TABLE, GROUPS, HandleKind, OPS, OpSpec, SETTINGS};

const BEGIN: &str = "<!-- made from the protocol's tables: ";
const END: &str = "<!-- end -->\n";

/// Cells of a row; an empty one is left empty.
fn row(cells: &[&str]) -> String {
    let cells: String =
        cells.iter().map(|cell| if cell.is_empty() { " |".to_owned() } else { format!(" {cell} |") }).collect();
    format!("|{cells}\n")
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

fn list<'a>(words: impl Iterator<Item = &'a str>) -> String {
    words.map(code).collect::<Vec<_>>().join(", ")
}

/// Arguments and fields of operations, in docs/PEER-PROTOCOL.md.
fn operations(ops: &[OpSpec]) -> String {
    let mut table = "| op | arguments | `ok` | |\n|---|---|---|---|\n".to_owned();
    let marked = |name: &str, optional: bool| format!("`{name}{}`", if optional { "?" } else { "" });
    for op in ops {
        let args: Vec<_> = op.args.iter().map(|arg| marked(arg.name, !arg.required)).collect();
        let fields: Vec<_> = op.ok.iter().map(|field| marked(field.name, field.optional)).collect();
        table += &row(&[&code(op.name), &args.join(", "), &fields.join(", "), op.text]);
    }
    table
}

/// Examples of operations; `id` goes on from group to group.
fn examples(ops: &[OpSpec], id: &mut u64) -> String {
    let mut text = "```text\n".to_owned();
    for op in ops {
        for (args, answer) in op.examples {
            let args = if *args == "{}" { String::new() } else { format!(",{}", &args[1..args.len() - 1]) };
            let answer = &answer[1..];
            let _ = writeln!(text, "> {{\"id\":{id},\"op\":\"{}\"{args}}}\n< {{\"id\":{id},{answer}", op.name);
            *id += 1;
        }
    }
    text + "```\n"
}

fn features() -> String {
    let mut table = "| feature | since | what it stands for |\n|---|---|---|\n".to_owned();
    for feature in FEATURE_TABLE {
        table += &row(&[&code(feature.name), &feature.since.to_string(), feature.text]);
    }
    table
}

/// What operations do to handles, in docs/SCENARIOS.md.
fn steps() -> String {
    let mut table = "| operation | works on | makes | `within_ms` | feature |\n|---|---|---|---|---|\n".to_owned();
    for op in OPS {
        let works_on = op.args.iter().filter_map(|arg| match arg.kind {
            ArgKind::Handle(kinds) if kinds == HandleKind::ALL => Some("any handle".to_owned()),
            ArgKind::Handle(kinds) => Some(HandleKind::any_of(kinds)),
            ArgKind::Handles(kinds) => Some(format!("several: {}", HandleKind::any_of(kinds))),
            _ => None,
        });
        let mut works_on = works_on.collect::<Vec<_>>().join(", ");
        if op.consumes {
            works_on += ", which it uses up";
        }
        let feature = op.feature.map(code).unwrap_or_default();
        let again = if op.retryable { "yes" } else { "" };
        table += &row(&[&code(op.name), &works_on, op.made().map_or("", HandleKind::words), again, &feature]);
    }
    table
}

/// What implies a feature, in docs/SCENARIOS.md.
fn implied() -> String {
    let mut table = "| feature | implied by |\n|---|---|\n".to_owned();
    let mut args: Vec<&ArgSpec> = Vec::new();
    for arg in OPS.iter().flat_map(|op| op.args) {
        if !args.iter().any(|known| known.name == arg.name) {
            args.push(arg);
        }
    }
    for feature in FEATURE_TABLE {
        let name = Some(feature.name);
        let mut by = Vec::new();
        let ops = list(OPS.iter().filter(|op| op.feature == name).map(|op| op.name));
        let plainly = list(args.iter().filter(|arg| arg.feature == name && arg.plain.is_none()).map(|arg| arg.name));
        let unless = args.iter().filter(|arg| arg.feature == name);
        let unless = unless.filter_map(|arg| Some(format!("`{}` other than `{}`", arg.name, arg.plain?)));
        let settings = list(SETTINGS.iter().filter(|setting| setting.feature == name).map(|setting| setting.name));
        by.extend([ops, plainly].into_iter().filter(|words| !words.is_empty()));
        by.extend(unless);
        if !settings.is_empty() {
            by.push(format!("{settings} where it is switched on"));
        }
        match feature.name {
            kind @ ("fixed" | "slice") => by.insert(0, format!("a payload of the kind `{kind}`")),
            "alignment" => by.push("`align` of a payload".to_owned()),
            _ => {}
        }
        if !by.is_empty() {
            table += &row(&[&code(feature.name), &by.join("; ")]);
        }
    }
    table
}

/// The text of a region, by its name. `None` for a name that there is none for.
fn made(name: &str) -> Option<String> {
    let mut id = 2;
    for (heading, ops) in GROUPS {
        let examples = examples(ops, &mut id);
        if name == format!("operations, {heading}") {
            return Some(operations(ops));
        } else if name == format!("examples, {heading}") {
            return Some(examples);
        }
    }
    match name {
        "features" => Some(features()),
        "steps" => Some(steps()),
        "implied features" => Some(implied()),
        "settings" => Some(entries::settings()),
        "strategies" => Some(entries::strategies()),
        "error classes" => Some(entries::error_classes()),
        _ => None,
    }
}

/// A page with all its regions made anew, and their names.
fn anew(page: &str) -> (String, Vec<String>) {
    let (mut text, mut names, mut rest) = (String::new(), Vec::new(), page);
    while let Some(start) = rest.find(BEGIN) {
        let (before, after) = rest.split_at(start + BEGIN.len());
        let (name, after) = after.split_once(" -->\n").expect("a region has a name");
        let (_, after) = after.split_once(END).expect("a region ends");
        let made = made(name).unwrap_or_else(|| panic!("nothing is made for {name:?}"));
        text += before;
        text += &[name, " -->\n", &made, END].concat();
        names.push(name.to_owned());
        rest = after;
    }
    (text + rest, names)
}

#[test]
fn what_the_pages_say_of_operations_is_what_the_tables_say() {
    let mut found = Vec::new();
    for file in ["docs/PEER-PROTOCOL.md", "docs/SCENARIOS.md"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let page = std::fs::read_to_string(&path).unwrap();
        let (right, mut names) = anew(&page);
        found.append(&mut names);
        if std::env::var_os("SHMARK_WRITE_DOCS").is_some() {
            std::fs::write(&path, right).unwrap();
            continue;
        }
        let wrong = page.lines().zip(right.lines()).find(|(has, right)| has != right);
        assert!(
            page == right,
            "{file} is not what the tables say, first in {wrong:?}: \
             SHMARK_WRITE_DOCS=1 cargo test --test peer_protocol page"
        );
    }
    for name in ["settings", "strategies", "error classes"] {
        assert!(found.iter().any(|found| found == name), "no page has {name}");
    }
    for (heading, _) in GROUPS {
        for name in [format!("operations, {heading}"), format!("examples, {heading}")] {
            assert!(found.contains(&name), "no page has {name}");
        }
    }
}
