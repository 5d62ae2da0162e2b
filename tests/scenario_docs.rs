//! Every example of docs/SCENARIOS.md is read as the page says.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use shmark::scenario::{Catalogue, bench, conformance};
use shmark_peer::kit::bench::load::{LOADS, LoadSetting};

const PAGE: &str = include_str!("../docs/SCENARIOS.md");

/// Fenced blocks: what stands behind the fence, and the text.
fn blocks() -> Vec<(&'static str, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(&str, String)> = None;
    for line in PAGE.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(info), None) => open = Some((info, String::new())),
            (Some(_), Some(block)) => blocks.push(block),
            (None, Some((info, text))) => open = Some((info, text + line + "\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn id_of(text: &str) -> &str {
    text.split('"').nth(1).unwrap()
}

#[test]
fn whole_scenarios_are_good() {
    let catalogue = Catalogue::builtin().unwrap();
    let mut found = 0;
    for (_, text) in blocks().into_iter().filter(|(info, _)| *info == "toml") {
        let scenarios = conformance::parse("page.toml", &text, &catalogue).unwrap_or_else(|error| panic!("{error}"));
        assert!(scenarios.iter().all(|scenario| scenario.id == id_of(&text)));
        found += 1;
    }
    assert_eq!(found, 5);
}

/// The list of known deviations, in the place where a subject has it.
#[test]
fn the_list_of_deviations_is_good() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("subject.toml", "name = \"mine\"\ndescription = \"d\"\npeer = [\"p\"]\n");
    let lists: Vec<_> = blocks().into_iter().filter(|(info, _)| *info == "toml expected").collect();
    assert_eq!(lists.len(), 1);
    write("expected.toml", &lists[0].1);
    let subject = shmark::harness::subject::Subject::find(dir.path().to_str().unwrap()).unwrap();
    let entry = &subject.expected[0];
    let link = entry.link.as_deref();
    assert_eq!((entry.message.as_str(), link), ("RR-LIV-02", Some("https://example.org/issues/1")));
}

#[test]
fn single_steps_are_good_after_a_round_trip() {
    let catalogue = Catalogue::builtin().unwrap();
    let mut found = 0;
    for (_, steps) in blocks().into_iter().filter(|(info, _)| *info == "toml steps") {
        let text = format!(
            r#"id = "own/steps"
requirements = ["RR-SND-01"]
peers = {{ s = "server", c = "client" }}
steps = [
  {{ on = "s", do = "server.create", as = "srv" }},
  {{ on = "c", do = "client.create", as = "cli" }},
  {{ on = "c", do = "client.send", from = "cli", as = "p1", check = "RR-SND-01", expect = {{ ok = {{ delivered = 1 }} }} }},
  {{ on = "s", do = "server.receive", from = "srv", as = "a1" }},
{steps}]
"#
        );
        conformance::parse("page.toml", &text, &catalogue).unwrap_or_else(|error| panic!("{error}\n{text}"));
        found += 1;
    }
    assert_eq!(found, 3);
}

#[test]
fn the_bad_scenario_is_refused_in_these_words() {
    let blocks = blocks();
    let at = blocks.iter().position(|(info, _)| *info == "toml bad").unwrap();
    let (bad, (info, message)) = (&blocks[at].1, &blocks[at + 1]);
    assert_eq!(*info, "text");
    let file = format!("{}.toml", id_of(bad));
    let error = conformance::parse(&file, bad, &Catalogue::builtin().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), message.trim_end());
}

#[test]
fn the_benchmarks_are_good() {
    let blocks = blocks();
    let scenarios = blocks.iter().filter(|(info, _)| *info == "toml bench");
    let found: Vec<(String, usize)> = scenarios
        .map(|(_, text)| bench::parse("page.toml", text).unwrap_or_else(|error| panic!("{error}")))
        .map(|question| (question.name().to_owned(), question.cases()))
        .collect();
    assert_eq!(found, [("lengths".to_owned(), 6), ("crowds".to_owned(), 2), ("restart".to_owned(), 2)]);
}

#[test]
fn every_link_on_the_page_has_a_heading() {
    let anchors: Vec<String> = PAGE
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| format!("#{}", heading.to_lowercase().replace(' ', "-")))
        .collect();
    for link in PAGE.split("](#").skip(1) {
        let link = format!("#{}", link.split(')').next().unwrap());
        assert!(anchors.contains(&link), "{link}");
    }
}

/// The table of a benchmark's keys has a row for each setting of a load, as the code describes it.
#[test]
fn settings_of_loads_are_described_as_they_are() {
    let row = |setting: &LoadSetting| format!("| `{}` | {} |\n", setting.name, setting.in_file);
    let rows = LOADS.iter().map(row).collect::<Vec<_>>().concat();
    assert!(PAGE.contains(&rows), "docs/SCENARIOS.md lacks these rows, which follow from the loads:\n{rows}");
}
