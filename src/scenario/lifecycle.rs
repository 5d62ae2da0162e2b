//! A question about the lifecycle of ports and services: a file of `bench/` that names a procedure instead of a load.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::error::Parsed;
use super::fields::{Fields, name, ranged, word};
use super::source::Span;
use super::tree::Node;

/// The key that tells such a file from a load.
pub const KEY: &str = "lifecycle";

/// What is carried out once a round, operation by operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Procedure {
    /// Two processes come, create what they need, and have one request answered.
    Startup,
    /// Requests and responses become longer and longer.
    Growth,
    /// A pair is connected and has had a request answered; what it holds is counted.
    Memory,
    /// One side is killed, and the other one notices.
    Recovery,
    /// A pair is busy while other processes come and go.
    Newcomers,
}

/// What a list of a procedure can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListValues {
    /// Words.
    Words(&'static [&'static str]),
    /// Numbers from the first one to the second one.
    Counts(u64, u64),
}

/// A list of a file: each case has one of its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List {
    /// Its key.
    pub name: &'static str,
    /// What it can hold.
    pub values: ListValues,
}

const fn words(name: &'static str, words: &'static [&'static str]) -> List {
    List { name, values: ListValues::Words(words) }
}

const fn counts(name: &'static str, min: u64, max: u64) -> List {
    List { name, values: ListValues::Counts(min, max) }
}

/// Largest payload, bytes.
const BYTES_MAX: u64 = 1 << 40;

impl Procedure {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Startup, Self::Growth, Self::Memory, Self::Recovery, Self::Newcomers];

    /// Its word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Startup => "startup",
            Self::Growth => "growth",
            Self::Memory => "memory",
            Self::Recovery => "recovery",
            Self::Newcomers => "newcomers",
        }
    }

    /// The lists that its file has, all of them.
    pub fn lists(self) -> &'static [List] {
        match self {
            Self::Startup => const { &[counts("services", 1, 10_000)] },
            Self::Growth => {
                const { &[words("allocation", &["static", "best-fit", "power-of-two"]), counts("bytes", 8, BYTES_MAX)] }
            }
            Self::Memory => {
                const {
                    &[
                        counts("bytes", 8, BYTES_MAX),
                        counts("clients", 1, 1024),
                        counts("max_active_requests", 1, 1024),
                        counts("response_buffer", 1, 1024),
                    ]
                }
            }
            Self::Recovery => {
                const { &[words("killed", &["client", "server"]), words("noticed_by", &["polling", "waiting"])] }
            }
            Self::Newcomers => {
                const { &[words("beside", &["nothing", "elsewhere", "here"]), counts("server_bytes", 8, BYTES_MAX)] }
            }
        }
    }
}

/// A question about the lifecycle, with all its cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecycleScenario {
    /// Name, such as `startup`.
    pub name: String,
    /// The question that it answers, one sentence.
    pub title: String,
    /// What is carried out.
    pub procedure: Procedure,
    /// From the product of all lists, the last list varying fastest; at least one.
    pub cases: Vec<LifecycleCase>,
    /// Rounds a subject: each has fresh processes.
    pub rounds: usize,
    /// Widest 95 % interval of a case's first figure that answers the question, in percent; any if absent.
    pub width_percent: Option<u64>,
    /// File that it came from.
    pub file: String,
}

/// One case: a value of each list of the procedure.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct LifecycleCase {
    /// Words by the names of their lists.
    pub words: BTreeMap<&'static str, String>,
    /// Numbers likewise.
    pub counts: BTreeMap<&'static str, u64>,
}

impl LifecycleCase {
    /// A word; empty if the procedure has no such list.
    pub fn word(&self, list: &str) -> &str {
        self.words.get(list).map_or("", String::as_str)
    }

    /// A number; 0 if the procedure has no such list.
    pub fn count(&self, list: &str) -> u64 {
        self.counts.get(list).copied().unwrap_or_default()
    }

    /// As in a report.
    pub fn map(&self) -> BTreeMap<String, String> {
        let words = self.words.iter().map(|(key, word)| ((*key).to_owned(), word.clone()));
        words.chain(self.counts.iter().map(|(key, count)| ((*key).to_owned(), count.to_string()))).collect()
    }

    /// On one short line: `allocation best-fit, bytes 4096`.
    pub fn label(&self) -> String {
        let mut label = String::new();
        for (key, value) in self.map() {
            let comma = if label.is_empty() { "" } else { ", " };
            let _ = write!(label, "{comma}{key} {value}");
        }
        label
    }
}

/// Whether a file is about the lifecycle.
pub(super) fn is_one(root: &Node) -> bool {
    matches!(&root.data, super::tree::Data::Table(entries) if entries.iter().any(|entry| entry.key == KEY))
}

/// The scenario of a file, and where its name stands.
pub(super) fn read(root: &Node, file_name: &str) -> Parsed<(LifecycleScenario, Span)> {
    let known = Procedure::ALL.map(Procedure::word);
    // Which lists there may be depends on the procedure, which therefore comes first.
    let table = root.entries("a benchmark")?;
    let chosen =
        table.iter().find(|entry| entry.key == KEY).map(|entry| word(&entry.value, KEY, &known)).transpose()?;
    let procedure = Procedure::ALL.into_iter().find(|procedure| Some(procedure.word()) == chosen);
    let procedure = procedure.unwrap_or(Procedure::Startup);
    let lists = procedure.lists().iter().map(|list| list.name);
    let keys: Vec<&str> = ["name", "title", KEY, "rounds", "width_percent"].into_iter().chain(lists).collect();
    let file = Fields::new(root, "a question about the lifecycle", &keys)?;
    let named = file.need("name")?;
    let rounds = file.need("rounds")?;
    let scenario = LifecycleScenario {
        name: name(named, "name")?.to_owned(),
        title: file.need("title")?.text("title")?.to_owned(),
        procedure,
        cases: cases(&file, procedure)?,
        rounds: usize::try_from(ranged(rounds, "rounds", 1, 1000)?).unwrap_or(usize::MAX),
        width_percent: file.get("width_percent").map(|node| ranged(node, "width_percent", 1, 10_000)).transpose()?,
        file: file_name.to_owned(),
    };
    Ok((scenario, named.span.clone()))
}

fn cases(file: &Fields<'_>, procedure: Procedure) -> Parsed<Vec<LifecycleCase>> {
    let mut cases = vec![LifecycleCase::default()];
    for list in procedure.lists() {
        let nodes = file.need(list.name)?.list(list.name)?;
        let mut product = Vec::new();
        for case in &cases {
            for node in nodes {
                let mut case = case.clone();
                match list.values {
                    ListValues::Words(known) => {
                        case.words.insert(list.name, word(node, list.name, known)?.to_owned());
                    }
                    ListValues::Counts(min, max) => {
                        case.counts.insert(list.name, ranged(node, list.name, min, max)?);
                    }
                }
                if !product.contains(&case) {
                    product.push(case);
                }
            }
        }
        cases = product;
    }
    Ok(cases)
}
