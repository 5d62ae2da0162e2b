//! All scenarios at hand: those that are compiled in, and those of a folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::bench::{self, BenchQuestion};
use super::builtin;
use super::catalogue::Catalogue;
use super::conformance;
use super::error::{Flaw, ScenarioError};
use super::lifecycle::LifecycleScenario;
use super::model::{BenchScenario, Scenario};
use super::source::Source;
use super::violation::Violation;

/// Scenarios, ordered by id.
#[derive(Debug, Clone)]
pub struct Library {
    catalogue: Catalogue,
    conformance: Vec<Scenario>,
    bench: Vec<BenchScenario>,
    lifecycle: Vec<LifecycleScenario>,
    replaced: Vec<Replaced>,
}

/// A built-in scenario whose place a file has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replaced {
    /// Its id, or its name if it is a benchmark.
    pub id: String,
    /// The file.
    pub file: String,
}

impl Library {
    /// What is compiled in.
    ///
    /// # Errors
    /// None: a test makes sure of it.
    pub fn builtin() -> Result<Self, ScenarioError> {
        let mut library = Self {
            catalogue: Catalogue::builtin()?,
            conformance: Vec::new(),
            bench: Vec::new(),
            lifecycle: Vec::new(),
            replaced: Vec::new(),
        };
        let sources = |table: &[(&str, &str)]| -> Vec<(String, Source)> {
            table.iter().map(|(name, text)| ((*name).to_owned(), Source::new(name, text))).collect()
        };
        library.add_conformance(&sources(builtin::CONFORMANCE))?;
        library.add_bench(&sources(builtin::BENCH))?;
        Ok(library)
    }

    /// Adds the scenarios of a folder, `conformance/GROUP/NAME.toml` and `bench/NAME.toml`. One with a known id or name
    /// takes the place of the known one, with all its cells.
    ///
    /// # Errors
    /// The first file that cannot be read or violates a rule; a folder without either subfolder.
    pub fn with_dir(mut self, dir: &Path) -> Result<Self, ScenarioError> {
        let folders = [dir.join("conformance"), dir.join("bench")];
        if !folders.iter().any(|folder| folder.is_dir()) {
            let folder = dir.display().to_string();
            return Err(about_path(dir, Violation::NoScenarioFolder { folder }));
        }
        self.add_conformance(&read_folder(&folders[0])?)?;
        self.add_bench(&read_folder(&folders[1])?)?;
        Ok(self)
    }

    /// The requirements that scenarios refer to.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Conformance scenarios, one for each cell, by id and in the order of their matrix.
    pub fn conformance(&self) -> &[Scenario] {
        &self.conformance
    }

    /// Benchmark scenarios with a load, by name.
    pub fn bench(&self) -> &[BenchScenario] {
        &self.bench
    }

    /// Benchmark scenarios about the lifecycle, by name.
    pub fn lifecycle(&self) -> &[LifecycleScenario] {
        &self.lifecycle
    }

    /// Names of all benchmark scenarios, in order.
    pub fn bench_names(&self) -> Vec<&str> {
        let loads = self.bench.iter().map(|scenario| scenario.name.as_str());
        let mut names: Vec<&str> = loads.chain(self.lifecycle.iter().map(|scenario| scenario.name.as_str())).collect();
        names.sort_unstable();
        names
    }

    /// Built-in scenarios whose place a file of [`Self::with_dir`] has taken: what they decide may be something else.
    pub fn replaced(&self) -> &[Replaced] {
        &self.replaced
    }

    /// Each source comes with its path, which has to end in `ID.toml`.
    pub(super) fn add_conformance(&mut self, sources: &[(String, Source)]) -> Result<(), ScenarioError> {
        let mut taken: Vec<(String, String)> = Vec::new();
        for (path, source) in sources {
            let (scenarios, span) = conformance::parse_source(source, &self.catalogue)?;
            let Some(id) = scenarios.first().map(|scenario| scenario.id.clone()) else { continue };
            id_fits(&id, path, 2, &mut taken).map_err(|violation| Flaw::new(violation, &span).in_file(source))?;
            if self.conformance.iter().any(|known| known.id == id) {
                self.replaced.push(Replaced { id: id.clone(), file: path.clone() });
            }
            self.conformance.retain(|known| known.id != id);
            self.conformance.extend(scenarios);
        }
        // Stable: cells keep the order of their matrix.
        self.conformance.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(())
    }

    fn add_bench(&mut self, sources: &[(String, Source)]) -> Result<(), ScenarioError> {
        let mut taken: Vec<(String, String)> = Vec::new();
        for (path, source) in sources {
            let (question, span) = bench::parse_question(source)?;
            let name = question.name().to_owned();
            id_fits(&name, path, 1, &mut taken).map_err(|violation| Flaw::new(violation, &span).in_file(source))?;
            if self.bench_names().contains(&name.as_str()) {
                self.replaced.push(Replaced { id: name.clone(), file: path.clone() });
            }
            self.bench.retain(|known| known.name != name);
            self.lifecycle.retain(|known| known.name != name);
            match question {
                BenchQuestion::Load(scenario) => self.bench.push(scenario),
                BenchQuestion::Lifecycle(scenario) => self.lifecycle.push(scenario),
            }
        }
        self.bench.sort_by(|a, b| a.name.cmp(&b.name));
        self.lifecycle.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(())
    }
}

/// An id belongs to one file, and is the last `parts` parts of its path.
fn id_fits(id: &str, path: &str, parts: usize, taken: &mut Vec<(String, String)>) -> Result<(), Violation> {
    if let Some((_, other)) = taken.iter().find(|(earlier, _)| earlier == id) {
        return Err(Violation::DuplicateId { id: id.to_owned(), other: other.clone() });
    }
    let mut tail: Vec<&str> = path.trim_end_matches(".toml").rsplit('/').take(parts).collect();
    tail.reverse();
    let tail = tail.join("/");
    if tail != id {
        return Err(Violation::IdIsNotPath { id: id.to_owned(), path: tail });
    }
    taken.push((id.to_owned(), path.to_owned()));
    Ok(())
}

fn about_path(path: &Path, violation: Violation) -> ScenarioError {
    Flaw::new(violation, &(0..0)).in_file(&Source::new(&path.display().to_string(), ""))
}

fn unreadable(path: &Path, error: &std::io::Error) -> ScenarioError {
    about_path(path, Violation::Unreadable { reason: error.to_string() })
}

/// Every `.toml` file below a folder, in order; nothing if there is no such folder.
fn read_folder(folder: &Path) -> Result<Vec<(String, Source)>, ScenarioError> {
    let mut files = Vec::new();
    if folder.is_dir() {
        find_files(folder, &mut files)?;
    }
    files.sort();
    let sources = files.iter().map(|file| {
        let text = fs::read_to_string(file).map_err(|error| unreadable(file, &error))?;
        let name = file.display().to_string();
        Ok((name.clone(), Source::new(&name, &text)))
    });
    sources.collect()
}

fn find_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ScenarioError> {
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let entry = entry.map_err(|error| unreadable(folder, &error))?;
        let path = entry.path();
        // By the entry's own type: a link is not followed, so that a ring of them ends.
        if entry.file_type().map_err(|error| unreadable(&path, &error))?.is_dir() {
            find_files(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(())
}
