//! `shmark explain`.

use std::fmt::Write as _;

use super::bench::library;
use super::columns::fitted;
use super::failure::CommandError;
use super::{again, args};
use crate::bench::label;
use crate::harness::shell::quoted;
use crate::harness::subject::Subject;
use crate::report::figures::counted;
use crate::report::streams::{print, width_out};
use crate::report::words::level_word;
use crate::scenario::lifecycle::{LifecycleCase, LifecycleScenario};
use crate::scenario::model::{BenchScenario, Role, Scenario};
use crate::scenario::{Library, Selection};
use crate::suggest::nearest;

pub(super) fn run(args: &args::Explain) -> Result<u8, CommandError> {
    let library = library(args.scenarios.as_deref())?;
    let id = args.id.as_str();
    let again = again::suffix(args.scenarios.as_deref());
    // A pasted name has its cell behind it.
    let plain = id.split('[').next().unwrap_or(id);
    let cells: Vec<&Scenario> = library.conformance().iter().filter(|scenario| scenario.id == plain).collect();
    let text = if library.catalogue().get(id).is_some() {
        requirement(&library, id, &again)
    } else if !cells.is_empty() {
        scenario(&library, &cells, id, &again)
    } else if let Some(bench) = library.bench().iter().find(|bench| bench.name == id) {
        benchmark(bench, &again)
    } else if let Some(question) = library.lifecycle().iter().find(|question| question.name == id) {
        lifecycle(question, &again)
    } else if Subject::built_in().contains(&id) {
        subject(&Subject::find(id)?)
    } else {
        let near = near(&library, id).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        let lists = "`shmark list requirements`, `shmark list scenarios` and `shmark list subjects` have all of them";
        let what = "requirement, scenario or subject";
        return Err(CommandError::Unknown { what, asked: id.to_owned(), remedy: format!("{near}{lists}") });
    };
    print(&fitted(&text, width_out()));
    Ok(0)
}

/// What was probably meant.
fn near(library: &Library, id: &str) -> Option<String> {
    let mut known: Vec<&str> = library.catalogue().requirements().iter().map(|known| known.id.as_str()).collect();
    known.extend(library.conformance().iter().map(|scenario| scenario.id.as_str()));
    known.extend(library.bench_names());
    known.extend(Subject::built_in());
    nearest(id, &known).map(str::to_owned)
}

fn requirement(library: &Library, id: &str, again: &str) -> String {
    let mut text = String::new();
    if let Some(found) = library.catalogue().get(id) {
        let _ = writeln!(text, "{id} ({}, laid to: {}, source: {})", level_word(found.level), found.role, found.source);
        let _ = writeln!(text, "{}", found.text);
    }
    let decides = |scenario: &&Scenario| scenario.requirements.iter().any(|requirement| requirement == id);
    let mut deciding: Vec<&str> = library.conformance().iter().filter(decides).map(|scenario| &*scenario.id).collect();
    deciding.dedup();
    let _ = match deciding.as_slice() {
        [] => writeln!(text, "\nNo scenario decides it."),
        some => writeln!(text, "\nDecided by:\n  {}\n\nshmark conform --requirement {id}{again}", some.join("\n  ")),
    };
    text
}

fn scenario(library: &Library, cells: &[&Scenario], id: &str, again: &str) -> String {
    let mut text = String::new();
    let shown = cells.iter().find(|cell| cell.name() == id).or(cells.first());
    let Some(scenario) = shown else { return text };
    let _ = writeln!(text, "{} ({}, {})\n{}", scenario.id, level_word(scenario.level), scenario.file, scenario.title);
    let _ = writeln!(text, "\nDecides:");
    for requirement in scenario.requirements.iter().filter_map(|id| library.catalogue().get(id)) {
        let _ = writeln!(text, "  {}: {}", requirement.id, requirement.text);
    }
    let peers: Vec<String> = scenario.peers.iter().map(|peer| format!("{} ({})", peer.name, role(peer.role))).collect();
    let _ = writeln!(text, "\nPeers: {}", peers.join(", "));
    let _ = writeln!(text, "Features: {}", scenario.features.join(", "));
    if cells.len() > 1 {
        let names: Vec<String> = cells.iter().map(|cell| cell.name()).collect();
        let _ = writeln!(text, "Cells:\n  {}", names.join("\n  "));
    }
    let _ = writeln!(text, "\nSteps of {}:", scenario.name());
    for (index, step) in scenario.steps.iter().enumerate() {
        let _ = writeln!(text, "  {}. {}", index + 1, step.text);
    }
    let pattern = quoted(&Selection::literal(&scenario.name()));
    let _ = writeln!(text, "\nshmark conform --run {pattern}{again}");
    text
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Client => "client",
        Role::Server => "server",
    }
}

fn benchmark(scenario: &BenchScenario, again: &str) -> String {
    let cases: Vec<String> = scenario.cases.iter().map(label).collect();
    format!(
        "{} ({})\n{}\n\nCases:\n  {}\n\n{} of {} ms after {} ms of warm-up, in slices of {} round trips and {} floors\n\
         Measured beside: {}\n\nshmark bench {}{again}\n",
        scenario.name,
        scenario.file,
        scenario.title,
        cases.join("\n  "),
        counted(scenario.rounds, "round"),
        scenario.duration_ms,
        scenario.warmup_ms,
        scenario.slice_requests,
        scenario.slice_floors,
        if scenario.baselines.is_empty() { "nothing".to_owned() } else { scenario.baselines.join(", ") },
        scenario.name,
    )
}

fn lifecycle(question: &LifecycleScenario, again: &str) -> String {
    let cases: Vec<String> = question.cases.iter().map(LifecycleCase::label).collect();
    let LifecycleScenario { name, file, title, procedure, rounds, .. } = question;
    format!(
        "{name} ({file})\n{title}\n\nCases:\n  {}\n\n{}, each by fresh processes that carry out the procedure: {}\n\n\
         shmark bench {name}{again}\n",
        cases.join("\n  "),
        counted(*rounds, "round"),
        procedure.word(),
    )
}

fn subject(subject: &Subject) -> String {
    let version = if subject.pin.is_empty() { "any" } else { &subject.pin };
    let deviations = counted(subject.expected.len(), "known deviation");
    let mut text = format!("{}\n{}\n", subject.name, subject.description);
    if !subject.home.is_empty() {
        let _ = writeln!(text, "{}", subject.home);
    }
    let _ = writeln!(text, "\nVersion: {version}\nFeatures: {}\n{deviations}", subject.features.join(", "));
    for entry in &subject.expected {
        let _ = writeln!(text, "  {}: {}", entry.scenario, entry.reason);
    }
    let _ = writeln!(text, "\nshmark subject check {}", subject.name);
    text
}
