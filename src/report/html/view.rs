//! What the template shows, ready as text.

use std::time::Duration;

use minijinja::Value;
use serde::Serialize;

use crate::report::cases::{Case, cases};
use crate::report::error::ReportError;
use crate::report::figures::{bytes, duration_ns, rate_per_s, three_digits, wall};
use crate::report::plots::palette::{Colour, Palette, SERIES_COUNT};
use crate::report::plots::{self, Drawing, Shape};
use crate::report::regimes::{self, RegimeTable};
use crate::report::summary::{Pairing, STRETCHED, Summary, Tone, group_key, level_word, outcome_word, pairing_label};
use crate::results::model::{
    BenchResult, ConformanceResult, CoverageVerdict, Machine, Measure, Ratio, Report, SubjectInfo, Verdict,
};
use crate::scenario::Catalogue;

/// The whole page.
#[derive(Serialize)]
pub struct View<'a> {
    tone: Tone,
    verdict: String,
    created: &'a str,
    command: String,
    seed: u64,
    tiles: Vec<Tile>,
    subjects: &'a [SubjectInfo],
    unexpected: Vec<Failure<'a>>,
    known: Vec<Failure<'a>>,
    differences: Vec<Failure<'a>>,
    stretched_title: &'static str,
    stretched: Vec<Stretched<'a>>,
    pairings: Vec<String>,
    matrix: Vec<MatrixGroup>,
    cases: Vec<CaseView>,
    machine: &'a Machine,
    memory: String,
    scenarios: Vec<Line<'a>>,
}

/// A number with its name.
#[derive(Serialize)]
struct Tile {
    figure: String,
    name: &'static str,
    tone: &'static str,
}

#[derive(Serialize)]
struct Failure<'a> {
    id: String,
    word: &'static str,
    class: &'static str,
    pairing: String,
    level: &'static str,
    result: &'a ConformanceResult,
}

/// A pass that is none by the scenario's own bounds.
#[derive(Serialize)]
struct Stretched<'a> {
    scenario: &'a str,
    pairing: String,
    bounds: &'a [String],
}

#[derive(Serialize)]
struct MatrixGroup {
    title: String,
    rows: Vec<MatrixRow>,
}

#[derive(Serialize)]
struct MatrixRow {
    requirement: String,
    /// From the catalogue; absent for a requirement that this shmark does not know.
    text: Option<String>,
    level: &'static str,
    cells: Vec<MatrixCell>,
}

#[derive(Serialize)]
struct MatrixCell {
    class: &'static str,
    mark: &'static str,
    word: &'static str,
    checks: String,
    reason: String,
}

#[derive(Serialize)]
struct CaseView {
    id: String,
    label: String,
    plots: Vec<Plot>,
    headings: Vec<Heading>,
    rows: Vec<BenchRow>,
    regimes: Option<RegimeTable>,
    regimes_caption: &'static str,
    sentences: Vec<String>,
    rounds: String,
}

#[derive(Serialize)]
struct Heading {
    text: String,
    small: &'static str,
}

#[derive(Serialize)]
struct Plot {
    wide: Value,
    narrow: Value,
}

#[derive(Serialize)]
struct BenchRow {
    subject: String,
    series: Option<usize>,
    invalid: Option<String>,
    cells: Vec<String>,
}

#[derive(Serialize)]
struct Line<'a> {
    scenario: &'a str,
    pairing: String,
    word: &'static str,
    class: &'static str,
    requirements: String,
    duration: String,
}

impl<'a> View<'a> {
    /// Everything about a report.
    pub fn of(report: &'a Report) -> Result<Self, ReportError> {
        let summary = Summary::of(report);
        let failures = |prefix: &str, results: &[&'a ConformanceResult]| -> Vec<Failure<'a>> {
            results.iter().enumerate().map(|(i, result)| failure(format!("{prefix}-{}", i + 1), result)).collect()
        };
        let colours = Palette::of(report);
        let cases = cases(report);
        let mut case_views = Vec::new();
        for (index, case) in cases.iter().enumerate() {
            case_views.push(case_view(case, &colours, index + 1)?);
        }
        Ok(Self {
            tone: summary.tone(),
            verdict: summary.verdict_line(),
            created: &report.created,
            command: report.command.join(" "),
            seed: report.seed,
            tiles: tiles(&summary),
            subjects: &report.subjects,
            unexpected: failures("unexpected", &summary.unexpected),
            known: failures("known", &summary.known),
            differences: failures("difference", &summary.differences),
            stretched_title: STRETCHED,
            stretched: summary.stretched.iter().map(|result| stretched(result)).collect(),
            pairings: summary.pairings.iter().map(Pairing::label).collect(),
            matrix: matrix(report, &summary),
            cases: case_views,
            machine: &report.machine,
            memory: bytes(report.machine.memory_bytes),
            scenarios: report.conformance.iter().map(line).collect(),
        })
    }
}

fn tiles(summary: &Summary<'_>) -> Vec<Tile> {
    let tile = |count: usize, name, tone| Tile { figure: count.to_string(), name, tone };
    let mut tiles = Vec::new();
    if !summary.counts.is_empty() {
        let tone = if summary.unexpected.is_empty() { "good" } else { "bad" };
        tiles.push(tile(summary.unexpected.len(), "unexpected", tone));
        tiles.push(tile(summary.count(Verdict::Pass), "passed", "plain"));
        tiles.push(tile(summary.known.len(), "known deviations", "plain"));
        tiles.push(tile(summary.count(Verdict::Skipped), "skipped", "plain"));
    }
    let requirements = summary.requirements;
    if requirements.total() > 0 {
        let figure = format!("{}/{}", requirements.held, requirements.total());
        tiles.push(Tile { figure, name: "requirements held", tone: "plain" });
    }
    if summary.bench_total > 0 {
        let figure = format!("{}/{}", summary.bench_total - summary.bench_invalid, summary.bench_total);
        let tone = if summary.bench_invalid == 0 { "plain" } else { "bad" };
        tiles.push(Tile { figure, name: "valid measurements", tone });
    }
    tiles
}

fn failure(id: String, result: &ConformanceResult) -> Failure<'_> {
    let (word, class) = word_and_class(result);
    Failure {
        id,
        word,
        class,
        pairing: pairing_label(&result.client, &result.server),
        level: level_word(result.level),
        result,
    }
}

fn stretched(result: &ConformanceResult) -> Stretched<'_> {
    let pairing = pairing_label(&result.client, &result.server);
    Stretched { scenario: &result.scenario, pairing, bounds: &result.stretched }
}

fn line(result: &ConformanceResult) -> Line<'_> {
    let (word, class) = word_and_class(result);
    Line {
        scenario: &result.scenario,
        pairing: pairing_label(&result.client, &result.server),
        word,
        class,
        requirements: result.requirements.join(", "),
        duration: wall(Duration::from_millis(result.duration_ms)),
    }
}

fn word_and_class(result: &ConformanceResult) -> (&'static str, &'static str) {
    let class = match result.outcome {
        Verdict::Fail if !result.is_unexpected() => return ("differs", "quiet"),
        Verdict::Pass if !result.stretched.is_empty() => return ("pass, stretched", "warn"),
        Verdict::Pass => "good",
        Verdict::Fail | Verdict::Timeout | Verdict::Crash | Verdict::Error => "bad",
        Verdict::ExpectedFail | Verdict::UnexpectedPass => "warn",
        Verdict::Skipped => "quiet",
    };
    (outcome_word(result.outcome), class)
}

fn matrix(report: &Report, summary: &Summary<'_>) -> Vec<MatrixGroup> {
    let mut groups: Vec<MatrixGroup> =
        summary.groups.iter().map(|group| MatrixGroup { title: group.title.clone(), rows: Vec::new() }).collect();
    // Without its texts the matrix is still right.
    let catalogue = Catalogue::builtin().ok();
    for entry in &report.coverage {
        let key = group_key(&entry.requirement);
        let Some(place) = summary.groups.iter().position(|group| group.key == key) else { continue };
        let rows = &mut groups[place].rows;
        let known = rows.iter().position(|row| row.requirement == entry.requirement);
        let row = known.unwrap_or_else(|| {
            let cells = summary.pairings.iter().map(|_| MatrixCell::absent()).collect();
            rows.push(MatrixRow {
                requirement: entry.requirement.clone(),
                text: catalogue.as_ref().and_then(|known| Some(known.get(&entry.requirement)?.text.clone())),
                level: level_word(entry.level),
                cells,
            });
            rows.len() - 1
        });
        let column = summary.pairings.iter().position(|p| p.client == entry.client && p.server == entry.server);
        let Some(cell) = column.and_then(|column| rows[row].cells.get_mut(column)) else { continue };
        let (class, mark, word) = match entry.verdict {
            CoverageVerdict::Held => ("good", "✔", "held"),
            CoverageVerdict::Broken => ("bad", "✘", "broken"),
            CoverageVerdict::Untested => ("quiet", "·", "untested"),
        };
        let checks = format!("{}/{}", entry.executed, entry.checks);
        *cell = MatrixCell { class, mark, word, checks, reason: entry.reason.clone() };
    }
    groups
}

impl MatrixCell {
    /// A pairing for which the requirement was not looked at.
    fn absent() -> Self {
        Self { class: "quiet", mark: "–", word: "not selected", checks: String::new(), reason: String::new() }
    }
}

fn case_view(case: &Case<'_>, colours: &Palette, number: usize) -> Result<CaseView, ReportError> {
    let wide = plots::of_case(case, colours, Shape::Wide);
    let narrow = plots::of_case(case, colours, Shape::Narrow);
    let mut shown = Vec::new();
    for ((_, wide), (_, narrow)) in wide.iter().zip(&narrow) {
        shown.push(Plot { wide: inline_svg(wide)?, narrow: inline_svg(narrow)? });
    }
    Ok(CaseView {
        id: format!("bench-{number}"),
        label: case.label(),
        plots: shown,
        headings: headings(case),
        rows: bench_rows(case, colours),
        regimes: case.regimes("–"),
        regimes_caption: regimes::CAPTION,
        sentences: case.sentences(),
        rounds: case.rounds(),
    })
}

/// Our own drawing, whose texts the SVG writer has escaped.
fn inline_svg(drawing: &Drawing) -> Result<Value, ReportError> {
    Ok(Value::from_safe_string(plots::svg(drawing)?))
}

fn headings(case: &Case<'_>) -> Vec<Heading> {
    let heading = |text: &str, small| Heading { text: text.to_owned(), small };
    let interval = "95 % interval";
    let (figures, each) = match case.measure() {
        Measure::RoundTrip => (
            vec![
                heading("p50 in floors", interval),
                heading("p50", ""),
                heading("p90", ""),
                heading("p99", ""),
                heading("p99.9", ""),
                heading("p99.99", ""),
                heading("max", ""),
                heading("Rate", ""),
            ],
            "per request",
        ),
        Measure::Throughput => (
            vec![heading("Rate", ""), heading("One message", ""), heading("One message in floors", interval)],
            "per message",
        ),
    };
    let beside = case.beside().into_iter().map(|column| Heading { text: column.heading, small: interval });
    let mut headings = vec![heading("Subject", "")];
    headings.extend(figures);
    headings.extend(beside);
    headings.push(Heading { text: format!("CPU {each}"), small: "client + server" });
    headings.extend([heading("Syscalls", each), heading("Allocs", each)]);
    headings
}

fn bench_rows(case: &Case<'_>, colours: &Palette) -> Vec<BenchRow> {
    let beside = case.beside();
    let row = |(index, result): (usize, &&BenchResult)| {
        let ratios: Vec<Option<Ratio>> = beside.iter().map(|column| column.ratios[index]).collect();
        bench_row(result, &ratios, colours)
    };
    case.results.iter().enumerate().map(row).collect()
}

fn bench_row(result: &BenchResult, beside: &[Option<Ratio>], colours: &Palette) -> BenchRow {
    let optional = |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), three_digits);
    let interval = |ratio: Option<Ratio>| {
        ratio.map_or_else(
            || "–".to_owned(),
            |f| format!("{} ({}–{})", three_digits(f.ratio), three_digits(f.ci95[0]), three_digits(f.ci95[1])),
        )
    };
    let rtt = &result.rtt_ns;
    let (floors, rate) = (interval(result.p50_floors), rate_per_s(result.throughput_per_s));
    let cpu = &result.cpu_ns_per_request;
    let mut cells = Vec::new();
    match result.measure {
        Measure::RoundTrip => {
            cells.push(floors);
            cells.extend([rtt.p50, rtt.p90, rtt.p99, rtt.p99_9, rtt.p99_99, rtt.max].map(duration_ns));
            cells.push(rate);
        }
        Measure::Throughput => cells.extend([rate, duration_ns(rtt.p50), floors]),
    }
    cells.extend(beside.iter().map(|ratio| interval(*ratio)));
    cells.push(format!("{} + {}", duration_ns(cpu.client), duration_ns(cpu.server)));
    cells.extend([optional(result.syscalls_per_request), optional(result.allocations_per_request)]);
    let invalid =
        (!result.valid).then(|| result.why_invalid.clone().unwrap_or_else(|| "no reason was given".to_owned()));
    let series = match colours.colour(&result.subject) {
        Colour::Series(index) => Some(index % SERIES_COUNT),
        _ => None,
    };
    BenchRow { subject: result.subject.clone(), series, invalid, cells }
}
