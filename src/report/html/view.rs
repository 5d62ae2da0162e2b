//! What the template shows, ready as text.

use std::time::Duration;

use serde::Serialize;

use super::builds::BuildsView;
use super::figures::{QuestionView, lifecycle_view, question_view};
use crate::report::error::ReportError;
use crate::report::figures::{bytes, wall};
use crate::report::lifecycle::lifecycle_questions;
use crate::report::plots::palette::Palette;
use crate::report::questions::questions;
use crate::report::summary::{Pairing, STRETCHED, Summary, Tone};
use crate::report::words::{group_key, level_word, outcome_word, pairing_label};
use crate::results::model::{ConformanceResult, CoverageVerdict, Machine, Report, SubjectInfo, Verdict};
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
    unexpected: Vec<FailureView<'a>>,
    known: Vec<FailureView<'a>>,
    differences: Vec<FailureView<'a>>,
    stretched_title: &'static str,
    stretched: Vec<Stretched<'a>>,
    pairings: Vec<String>,
    matrix: Vec<MatrixGroup>,
    builds: Option<BuildsView>,
    questions: Vec<QuestionView>,
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
struct FailureView<'a> {
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
        let failures = |prefix: &str, results: &[&'a ConformanceResult]| -> Vec<FailureView<'a>> {
            results.iter().enumerate().map(|(i, result)| failure(format!("{prefix}-{}", i + 1), result)).collect()
        };
        let colours = Palette::of(report);
        let mut question_views = Vec::new();
        for (index, question) in questions(report).iter().enumerate() {
            question_views.push(question_view(question, &colours, index + 1)?);
        }
        for (index, question) in lifecycle_questions(report).iter().enumerate() {
            question_views.push(lifecycle_view(question, &colours, index + 1)?);
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
            builds: BuildsView::of(&report.comparisons)?,
            questions: question_views,
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

fn failure(id: String, result: &ConformanceResult) -> FailureView<'_> {
    let (word, class) = word_and_class(result);
    FailureView {
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
