//! `shmark list`.

use super::args::{self, Listed};
use super::bench::library;
use super::columns::columns;
use super::failure::Failure;
use crate::harness::subject::Subject;
use crate::report::figures::counted;
use crate::report::streams::print;
use crate::report::summary::level_word;

/// One line an entry, the id first, so that it can be cut, sorted and searched.
pub(super) fn run(args: &args::List) -> Result<u8, Failure> {
    let rows = match args.what {
        Listed::Subjects => subjects()?,
        Listed::Scenarios => scenarios(args)?,
        Listed::Requirements => requirements(args)?,
    };
    print(&columns(&rows));
    Ok(0)
}

type Rows = Vec<Vec<String>>;

fn subjects() -> Result<Rows, Failure> {
    let row = |name: &str| -> Result<Vec<String>, Failure> {
        let subject = Subject::find(name)?;
        Ok(vec![subject.name, subject.pin, subject.description])
    };
    Subject::built_in().into_iter().map(row).collect()
}

fn scenarios(args: &args::List) -> Result<Rows, Failure> {
    let library = library(args.scenarios.as_deref())?;
    let mut rows: Rows = library
        .conformance()
        .chunk_by(|a, b| a.id == b.id)
        .filter_map(|cells| {
            let first = cells.first()?;
            let count = counted(cells.len(), "cell");
            Some(vec![first.id.clone(), level_word(first.level).to_owned(), count, first.title.clone()])
        })
        .collect();
    rows.extend(library.bench().iter().map(|scenario| {
        let count = counted(scenario.cases.len(), "case");
        vec![scenario.name.clone(), "bench".to_owned(), count, scenario.title.clone()]
    }));
    Ok(rows)
}

fn requirements(args: &args::List) -> Result<Rows, Failure> {
    let library = library(args.scenarios.as_deref())?;
    let row = |requirement: &crate::scenario::Requirement| {
        vec![requirement.id.clone(), level_word(requirement.level).to_owned(), requirement.text.clone()]
    };
    Ok(library.catalogue().requirements().iter().map(row).collect())
}
