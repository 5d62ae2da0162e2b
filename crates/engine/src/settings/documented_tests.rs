//! What pages and the example of a configuration file say of the settings is what their entries say.
//!
//! `SHMARK_WRITE_DOCS=1 cargo test -p shmark-engine documented` writes it anew.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use super::{COUNT_MAX, service_settings};

struct Entry {
    name: &'static str,
    is_flag: bool,
    default: &'static str,
    meaning: &'static str,
}

macro_rules! entries {
    ($($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:literal, by $method:ident;)*) => {
        const ENTRIES: &[Entry] = &[$(Entry {
            name: stringify!($name),
            is_flag: matches!(stringify!($type).as_bytes(), b"bool"),
            default: stringify!($default),
            meaning: concat!($($meaning),+).trim_ascii(),
        },)*];
    };
}
service_settings!(entries);

/// The lines of `file` that follow the one that starts with `after`, as long as they are `mine`, have to be `right`.
fn check<T: Display>(file: &str, after: &str, mine: impl Fn(&str) -> bool, right: impl Fn(&Entry) -> T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    let page = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = page.lines().collect();
    let start = 1 + lines.iter().position(|line| line.starts_with(after)).unwrap();
    let found: Vec<&str> = lines[start..].iter().copied().take_while(|line| mine(line)).collect();
    let right: Vec<String> = ENTRIES.iter().map(|entry| right(entry).to_string()).collect();
    if std::env::var_os("SHMARK_WRITE_DOCS").is_some() {
        let (before, rest) = (lines[..start].join("\n"), lines[start + found.len()..].join("\n"));
        fs::write(&path, format!("{before}\n{}\n{rest}\n", right.join("\n"))).unwrap();
        return;
    }
    assert_eq!(found, right, "{file}: SHMARK_WRITE_DOCS=1 cargo test -p shmark-engine documented");
}

#[test]
fn the_table_of_keys_has_every_setting() {
    check(
        "docs/CONFIGURATION.md",
        "| `profile` |",
        |line| line.starts_with("| `service."),
        |Entry { name, is_flag, default, meaning }| {
            let range = if *is_flag { "`true`, `false`".to_owned() } else { format!("1 to {COUNT_MAX}") };
            format!("| `service.{name}` | `{default}` | {range} | {meaning} |")
        },
    );
}

#[test]
fn the_example_of_a_configuration_file_has_every_setting() {
    let line = |Entry { name, default, .. }: &Entry| format!("{name} = {default}");
    check("config.example.toml", "[service]", |line| !line.is_empty(), line);
}

#[test]
fn the_example_of_a_static_toml_has_every_setting() {
    let line = |Entry { name, default, .. }: &Entry| format!("{name} = {default}");
    check("docs/LAYOUT.md", "[settings]", |line| !line.is_empty(), line);
}
