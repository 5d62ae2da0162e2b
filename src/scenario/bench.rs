//! A benchmark scenario file.

use super::error::{Flaw, Parsed, ScenarioError};
use super::fields::{Fields, is_name, name, ranged, word};
use super::lifecycle::{self, LifecycleScenario};
use super::model::{BenchCase, BenchScenario};
use super::source::{Source, Span};
use super::tree::{self, Node};
use super::violation::Violation;
use shmark_peer::kit::bench::load::{LOAD_MAX, LOADS, LoadSetting, OF_OPEN_LOOPS, Timing, Values};
use shmark_peer::protocol::{PAYLOAD_TYPES, setting_counts};

/// Keys of a file besides those of the load and of the service's settings.
const KEYS: [&str; 11] = [
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
];
/// Likewise, and not needed.
const BASELINES: &str = "baselines";
const WIDTH: &str = "width_percent";

/// What a file of `bench/` asks.
#[derive(Debug, Clone, PartialEq)]
pub enum BenchQuestion {
    /// How a load goes.
    Load(BenchScenario),
    /// What coming, growing, failing and going cost.
    Lifecycle(LifecycleScenario),
}

impl BenchQuestion {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Load(scenario) => &scenario.name,
            Self::Lifecycle(scenario) => &scenario.name,
        }
    }

    /// How many cases it has, at least one.
    pub fn cases(&self) -> usize {
        match self {
            Self::Load(scenario) => scenario.cases.len(),
            Self::Lifecycle(scenario) => scenario.cases.len(),
        }
    }
}

/// Reads one benchmark scenario; `file` is its name in messages.
///
/// # Errors
/// The first rule that the text violates.
pub fn parse(file: &str, text: &str) -> Result<BenchQuestion, ScenarioError> {
    parse_question(&Source::new(file, text)).map(|(question, _)| question)
}

/// The scenario of a file, and where its name stands.
pub(super) fn parse_question(source: &Source) -> Result<(BenchQuestion, Span), ScenarioError> {
    read(source).map_err(|flaw| flaw.in_file(source))
}

fn read(source: &Source) -> Parsed<(BenchQuestion, Span)> {
    let root = tree::parse(source.text())?;
    if lifecycle::is_one(&root) {
        let (scenario, span) = lifecycle::read(&root, source.file())?;
        return Ok((BenchQuestion::Lifecycle(scenario), span));
    }
    let (scenario, span) = read_load(&root, source)?;
    Ok((BenchQuestion::Load(scenario), span))
}

fn read_load(root: &Node, source: &Source) -> Parsed<(BenchScenario, Span)> {
    let loads = LOADS.iter().map(|setting| setting.name);
    let keys: Vec<&str> = KEYS.into_iter().chain([BASELINES, WIDTH]).chain(loads).chain(setting_counts()).collect();
    let file = Fields::new(root, "a benchmark", &keys)?;
    let named = file.need("name")?;
    let timing = timing(&file)?;
    let cases = cases(&file)?;
    check_load(&file, timing, &cases)?;
    check_open_loop(&file, timing, &cases)?;
    check_ports(&file, timing, &cases)?;
    let scenario = BenchScenario {
        name: name(named, "name")?.to_owned(),
        title: file.need("title")?.text("title")?.to_owned(),
        timing,
        cases,
        rounds: usize::try_from(number(&file, "rounds", 1, 1000)?).unwrap_or(usize::MAX),
        duration_ms: number(&file, "duration_ms", 1, 3_600_000)?,
        warmup_ms: number(&file, "warmup_ms", 0, 3_600_000)?,
        slice_requests: number(&file, "slice_requests", 1, 1_000_000_000)?,
        slice_floors: number(&file, "slice_floors", 1, 1_000_000_000)?,
        width_percent: file.get(WIDTH).map(|node| ranged(node, WIDTH, 1, 10_000)).transpose()?,
        baselines: baselines(file.get(BASELINES))?,
        file: source.file().to_owned(),
    };
    Ok((scenario, named.span.clone()))
}

fn number(file: &Fields<'_>, key: &str, min: u64, max: u64) -> Parsed<u64> {
    let node = file.need(key)?;
    ranged(node, key, min, max)
}

/// The product of all lists; a fixed payload is one element, whatever `len` says.
fn cases(file: &Fields<'_>) -> Parsed<Vec<BenchCase>> {
    let payloads = words(file, "payload", PAYLOAD_TYPES)?;
    let kinds = words(file, "kind", &["fixed", "slice"])?;
    let waitings = words(file, "waiting", &["spin", "block"])?;
    let lens = numbers(file.need("len")?, "len", 0, 1 << 30)?;
    let plain = BenchCase::default();
    let cases = product(vec![plain], &payloads, |case, payload| payload.clone_into(&mut case.payload));
    let cases = product(cases, &kinds, |case, kind| kind.clone_into(&mut case.kind));
    let cases = product(cases, &lens, |case, len| {
        case.len = if case.kind == "fixed" { 1 } else { usize::try_from(*len).unwrap_or(usize::MAX) };
    });
    let mut cases = product(cases, &waitings, |case, waiting| waiting.clone_into(&mut case.waiting));
    for LoadSetting { name, values, .. } in LOADS {
        if let (Values::Words(known), Some(_)) = (values, file.get(name)) {
            let words = words(file, name, known)?;
            cases = product(cases, &words, |case, word| {
                case.words.insert(name, word.clone());
            });
        }
    }
    for LoadSetting { name, values, .. } in LOADS {
        if let (Values::Counts { min, max, .. }, Some(list)) = (values, file.get(name)) {
            cases = counted(cases, list, name, *min, *max)?;
        }
    }
    for name in setting_counts() {
        if let Some(list) = file.get(name) {
            cases = counted(cases, list, name, 1, LOAD_MAX)?;
        }
    }
    Ok(cases)
}

/// Each case once with each number of a list.
fn counted(cases: Vec<BenchCase>, list: &Node, name: &'static str, min: usize, max: usize) -> Parsed<Vec<BenchCase>> {
    let values = numbers(list, name, min as u64, max as u64)?;
    Ok(product(cases, &values, |case, value| {
        case.counts.insert(name, usize::try_from(*value).unwrap_or(usize::MAX));
    }))
}

/// Each case once with each value.
fn product<T>(cases: Vec<BenchCase>, values: &[T], set: impl Fn(&mut BenchCase, &T)) -> Vec<BenchCase> {
    let mut product: Vec<BenchCase> = Vec::new();
    for case in cases {
        for value in values {
            let mut case = case.clone();
            set(&mut case, value);
            if !product.contains(&case) {
                product.push(case);
            }
        }
    }
    product
}

/// Nothing of a load can be lost, and everything of it can be timed.
fn check_load(file: &Fields<'_>, timing: Timing, cases: &[BenchCase]) -> Parsed<()> {
    for LoadSetting { name: key, values, .. } in LOADS {
        let Values::Counts { room: Some(room), overlaps, .. } = values else { continue };
        let Some(list) = file.get(key) else { continue };
        for case in cases {
            let number = case.count(key).unwrap_or(1);
            if number > 1 && *overlaps && timing == Timing::RoundTrip {
                return Err(Flaw::new(Violation::NotARoundTrip { key: (*key).to_owned() }, &list.span));
            }
            if number > 1 && case.count(room).is_none_or(|room| room < number) {
                let violation = Violation::NoRoom { key: (*key).to_owned(), number, room: (*room).to_owned() };
                return Err(Flaw::new(violation, &list.span));
            }
        }
    }
    Ok(())
}

/// An open loop has a rate, polls, and has one response a request; nothing else has a rate.
fn check_open_loop(file: &Fields<'_>, timing: Timing, cases: &[BenchCase]) -> Parsed<()> {
    if timing != Timing::OpenLoop {
        let only = OF_OPEN_LOOPS.into_iter().find_map(|key| Some((key, file.get(key)?)));
        return only.map_or(Ok(()), |(key, node)| {
            Err(Flaw::new(Violation::NotAnOpenLoop { key: key.to_owned() }, &node.span))
        });
    }
    let timing = file.need("timing")?;
    if cases.iter().any(|case| case.count("rate_per_s").unwrap_or(0) == 0) {
        return Err(Flaw::new(Violation::NoRate, &file.get("rate_per_s").unwrap_or(timing).span));
    }
    if cases.iter().any(|case| case.waiting == "block") {
        return Err(Flaw::new(Violation::OpenLoopSleeps, &file.need("waiting")?.span));
    }
    if cases.iter().any(|case| case.responses() > 1) {
        return Err(Flaw::new(Violation::OpenLoopStreams, &file.need("responses")?.span));
    }
    Ok(())
}

/// Several clients or servers are polled in turn by one thread, and what is under way has a bound.
fn check_ports(file: &Fields<'_>, timing: Timing, cases: &[BenchCase]) -> Parsed<()> {
    for (key, other) in [("clients", "outstanding"), ("servers", "responses")] {
        let Some(list) = file.get(key) else { continue };
        for case in cases {
            let number = case.count(key).unwrap_or(1);
            let violation = if number > 1 && timing == Timing::OpenLoop {
                Violation::OpenLoopOfMany { key: key.to_owned() }
            } else if number > 1 && case.waiting == "block" {
                Violation::PortsSleep { key: key.to_owned() }
            } else if number * case.count(other).unwrap_or(1) > LOAD_MAX {
                let other = other.to_owned();
                Violation::TooManyUnderWay { key: key.to_owned(), other, max: LOAD_MAX }
            } else {
                continue;
            };
            return Err(Flaw::new(violation, &list.span));
        }
    }
    Ok(())
}

fn timing(file: &Fields<'_>) -> Parsed<Timing> {
    let words = ["round-trip", "throughput", "open-loop"];
    match file.get("timing").map(|node| word(node, "timing", &words)).transpose()? {
        Some("throughput") => Ok(Timing::Throughput),
        Some("open-loop") => Ok(Timing::OpenLoop),
        _ => Ok(Timing::RoundTrip),
    }
}

fn numbers(list: &Node, key: &str, min: u64, max: u64) -> Parsed<Vec<u64>> {
    list.list(key)?.iter().map(|number| ranged(number, key, min, max)).collect()
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
