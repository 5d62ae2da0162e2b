//! A benchmark scenario file.

use super::error::{Flaw, Parsed, ScenarioError};
use super::fields::{Fields, is_name, name, word};
use super::model::{BenchCase, BenchScenario};
use super::source::{Source, Span};
use super::tree::{self, Node};
use super::violation::Violation;
use crate::peer::protocol::PAYLOAD_TYPES;

const KEYS: &[&str] = &[
    "name",
    "title",
    "payload",
    "kind",
    "len",
    "waiting",
    "rounds",
    "duration_ms",
    "warmup_ms",
    "slice_requests",
    "slice_floors",
    "baselines",
];

/// Reads one benchmark scenario; `file` is its name in messages.
///
/// # Errors
/// The first rule that the text violates.
pub fn parse(file: &str, text: &str) -> Result<BenchScenario, ScenarioError> {
    parse_source(&Source::new(file, text)).map(|(scenario, _)| scenario)
}

/// The scenario of a file, and where its name stands.
pub(super) fn parse_source(source: &Source) -> Result<(BenchScenario, Span), ScenarioError> {
    read(source).map_err(|flaw| flaw.in_file(source))
}

fn read(source: &Source) -> Parsed<(BenchScenario, Span)> {
    let root = tree::parse(source.text())?;
    let file = Fields::new(&root, "a benchmark", KEYS)?;
    let named = file.need("name")?;
    let scenario = BenchScenario {
        name: name(named, "name")?.to_owned(),
        title: file.need("title")?.text("title")?.to_owned(),
        cases: cases(&file)?,
        rounds: usize::try_from(number(&file, "rounds", 1, 1000)?).unwrap_or(usize::MAX),
        duration_ms: number(&file, "duration_ms", 1, 3_600_000)?,
        warmup_ms: number(&file, "warmup_ms", 0, 3_600_000)?,
        slice_requests: number(&file, "slice_requests", 1, 1_000_000_000)?,
        slice_floors: number(&file, "slice_floors", 1, 1_000_000_000)?,
        baselines: baselines(file.get("baselines"))?,
        file: source.file().to_owned(),
    };
    Ok((scenario, named.span.clone()))
}

fn number(file: &Fields<'_>, key: &str, min: u64, max: u64) -> Parsed<u64> {
    let node = file.need(key)?;
    ranged(node, key, min, max)
}

fn ranged(node: &Node, key: &str, min: u64, max: u64) -> Parsed<u64> {
    let number = node.count(key)?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    let range = format!("from {min} to {max}");
    Err(Flaw::new(Violation::OutOfRange { key: key.to_owned(), number, range }, &node.span))
}

/// The product of `payload`, `kind`, `len` and `waiting`; a fixed payload is one element, whatever `len` says.
fn cases(file: &Fields<'_>) -> Parsed<Vec<BenchCase>> {
    let payloads = words(file, "payload", PAYLOAD_TYPES)?;
    let kinds = words(file, "kind", &["fixed", "slice"])?;
    let waitings = words(file, "waiting", &["spin", "block"])?;
    let lens = file.need("len")?.list("len")?;
    let lens = lens.iter().map(|len| ranged(len, "len", 0, 1 << 30)).collect::<Parsed<Vec<u64>>>()?;
    let mut cases: Vec<BenchCase> = Vec::new();
    for payload in &payloads {
        for kind in &kinds {
            for len in &lens {
                for waiting in &waitings {
                    let len = if kind == "fixed" { 1 } else { usize::try_from(*len).unwrap_or(usize::MAX) };
                    let case =
                        BenchCase { payload: payload.clone(), kind: kind.clone(), len, waiting: waiting.clone() };
                    if !cases.contains(&case) {
                        cases.push(case);
                    }
                }
            }
        }
    }
    Ok(cases)
}

fn words(file: &Fields<'_>, key: &str, known: &[&str]) -> Parsed<Vec<String>> {
    let nodes = file.need(key)?.list(key)?;
    nodes.iter().map(|node| word(node, key, known).map(str::to_owned)).collect()
}

fn baselines(node: Option<&Node>) -> Parsed<Vec<String>> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let mut baselines: Vec<String> = Vec::new();
    for node in node.list("baselines")? {
        let baseline = node.text("baselines")?.to_owned();
        if !is_name(&baseline) {
            return Err(Flaw::new(Violation::BadName { name: baseline }, &node.span));
        }
        if baselines.contains(&baseline) {
            let violation = Violation::ListedTwice { key: "baselines".to_owned(), word: baseline };
            return Err(Flaw::new(violation, &node.span));
        }
        baselines.push(baseline);
    }
    Ok(baselines)
}
