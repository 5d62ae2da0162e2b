//! `shmark list`.

use serde_json::{Value, json};

use super::args::{self, ListFormat, Listed};
use super::bench::library;
use super::columns::{columns, columns_within};
use super::failure::CommandError;
use crate::harness::subject::Subject;
use crate::report::figures::counted;
use crate::report::streams;
use crate::report::words::level_word;
use crate::scenario::Requirement;
use crate::scenario::lifecycle::{LifecycleCase, LifecycleScenario};
use crate::scenario::model::{BenchScenario, Scenario};

/// An entry, for people and for programs.
struct Entry {
    /// The id first, so that it can be cut, sorted and searched; the longest text last.
    row: Vec<String>,
    object: Value,
}

pub(super) fn run(args: &args::List) -> Result<u8, CommandError> {
    let entries = match args.what {
        Listed::Subjects => subjects()?,
        Listed::Scenarios => scenarios(args)?,
        Listed::Requirements => {
            library(args.scenarios.as_deref())?.catalogue().requirements().iter().map(requirement).collect()
        }
    };
    let text = if args.format == ListFormat::Json {
        format!("{:#}\n", entries.into_iter().map(|entry| entry.object).collect::<Value>())
    } else {
        let rows: Vec<Vec<String>> = entries.into_iter().map(|entry| entry.row).collect();
        // A line an entry is for programs such as `grep`.
        streams::width_out().map_or_else(|| columns(&rows), |width| columns_within(&rows, width))
    };
    streams::print(&text);
    Ok(0)
}

fn subjects() -> Result<Vec<Entry>, CommandError> {
    let entry = |name: &str| -> Result<Entry, CommandError> {
        let Subject { name, pin, description, home, features, .. } = Subject::find(name)?;
        Ok(Entry {
            object: json!({
                "name": name, "version": pin, "description": description, "home": home, "features": features,
            }),
            row: vec![name, pin, description],
        })
    };
    Subject::built_in().into_iter().map(entry).collect()
}

fn scenarios(args: &args::List) -> Result<Vec<Entry>, CommandError> {
    let library = library(args.scenarios.as_deref())?;
    let mut entries: Vec<Entry> = library.conformance().chunk_by(|a, b| a.id == b.id).filter_map(conformance).collect();
    let mut questions: Vec<(&str, Entry)> =
        library.bench().iter().map(|load| (load.name.as_str(), bench(load))).collect();
    questions.extend(library.lifecycle().iter().map(|question| (question.name.as_str(), lifecycle(question))));
    questions.sort_by_key(|(name, _)| *name);
    entries.extend(questions.into_iter().map(|(_, entry)| entry));
    Ok(entries)
}

/// The cells of one scenario.
fn conformance(cells: &[Scenario]) -> Option<Entry> {
    let first = cells.first()?;
    let level = level_word(first.level);
    Some(Entry {
        row: vec![first.id.clone(), level.to_owned(), counted(cells.len(), "cell"), first.title.clone()],
        object: json!({
            "id": first.id, "kind": "conformance", "level": level, "title": first.title, "file": first.file,
            "requirements": first.requirements, "features": first.features,
            "memory_mib": cells.iter().map(|cell| cell.memory_mib).max(),
            "cells": cells.iter().map(Scenario::name).collect::<Vec<_>>(),
        }),
    })
}

fn bench(scenario: &BenchScenario) -> Entry {
    Entry {
        row: vec![
            scenario.name.clone(),
            "bench".to_owned(),
            counted(scenario.cases.len(), "case"),
            scenario.title.clone(),
        ],
        object: json!({
            "id": scenario.name, "kind": "bench", "title": scenario.title, "file": scenario.file,
            "baselines": scenario.baselines,
            "cases": scenario.cases.iter().map(crate::bench::label).collect::<Vec<_>>(),
        }),
    }
}

fn lifecycle(question: &LifecycleScenario) -> Entry {
    let cases: Vec<String> = question.cases.iter().map(LifecycleCase::label).collect();
    Entry {
        row: vec![
            question.name.clone(),
            "bench".to_owned(),
            counted(question.cases.len(), "case"),
            question.title.clone(),
        ],
        object: json!({
            "id": question.name, "kind": "bench", "title": question.title, "file": question.file,
            "lifecycle": question.procedure.word(), "cases": cases,
        }),
    }
}

fn requirement(requirement: &Requirement) -> Entry {
    let Requirement { id, level, source, role, text } = requirement;
    Entry {
        row: vec![id.clone(), level_word(*level).to_owned(), text.clone()],
        object: json!({ "id": id, "level": level_word(*level), "source": source, "role": role, "text": text }),
    }
}
