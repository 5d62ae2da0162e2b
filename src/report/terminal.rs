//! The report on a terminal: failures first with everything needed to debug them, then coverage, then figures, and the
//! verdict last, where it is still on the screen.

mod page;

use std::fmt::Write as _;

use comfy_table::Cell;

use super::causes::{self, Cause, causes};
use super::comparisons;
use super::figures::counted;
use super::lifecycle::{LifecycleQuestion, lifecycle_questions};
use super::questions::{Question, questions};
use super::sanitise::sanitise;
use super::summary::{STRETCHED, Summary, Tally, Tone};
use super::tables::{self, FigureTable, Group, Row};
use super::words::{level_word, outcome_word, pairing_label};
use crate::results::model::{Comparison, ComparisonVerdict, ConformanceResult, Report, Verdict};
use page::{Column, Page, Style, trimmed};

/// Lines of the end of a transcript that are shown.
const TRANSCRIPT_LINES: usize = 8;

/// The whole report as text with a newline at the end, laid out for `width` columns. Lines to copy are never broken.
pub fn render_terminal(report: &Report, width: usize, colour: bool) -> String {
    let report = &sanitise(report);
    let summary = Summary::of(report);
    let mut page = Page::new(width, colour);
    page.failures("Unexpected results", &summary.unexpected);
    page.list("Known deviations", &summary.known);
    page.list("Observed differences", &summary.differences);
    page.stretched(&summary);
    page.skipped(&summary);
    page.requirements(&summary);
    page.builds(&report.comparisons);
    for question in questions(report) {
        page.benchmark(&question);
    }
    for question in lifecycle_questions(report) {
        page.lifecycle(&question);
    }
    page.warnings(report);
    let (style, mark) = match summary.tone() {
        Tone::Good => (Style::Good, "✔"),
        Tone::Bad => (Style::Bad, "✘"),
        Tone::Unclear => (Style::Warn, "!"),
    };
    let verdict = page.wrapped(&[(mark, summary.verdict_line(), style)]);
    page.out.push_str(&verdict);
    page.out
}

impl Page {
    fn failures(&mut self, title: &str, results: &[&ConformanceResult]) {
        if results.is_empty() {
            return;
        }
        let causes = causes(results);
        self.heading(&format!("{title} ({})", causes::count(results.len(), &causes)));
        for cause in &causes {
            self.out.push('\n');
            self.failure(cause);
        }
        self.out.push('\n');
    }

    fn failure(&mut self, cause: &Cause<'_>) {
        let result = cause.first;
        let pairing = pairing_label(&result.client, &result.server);
        let mut rows = vec![
            ("✘", format!("{}: {} ({pairing})", outcome_word(result.outcome), result.scenario), Style::Bad),
            ("", format!("{} {}", level_word(result.level), result.requirements.join(", ")), Style::Plain),
            ("", result.message.clone(), Style::Plain),
        ];
        let optional = [("step", &result.step), ("expected", &result.expected), ("actual", &result.actual)];
        for (name, value) in optional {
            rows.extend(value.as_ref().map(|value| ("", format!("{name}: {value}"), Style::Plain)));
        }
        for (peer, lines) in &result.transcripts {
            let start = lines.len().saturating_sub(TRANSCRIPT_LINES);
            let which = if start > 0 { ", its end" } else { "" };
            let text = format!("transcript of {peer}{which}:\n{}", lines[start..].join("\n"));
            rows.push(("", text, Style::Plain));
        }
        let text = self.wrapped(&rows);
        self.out.push_str(&text);
        let _ = writeln!(self.out, "  repeat: {}", result.repro.replace('\n', " "));
        if let Some(more) = cause.more() {
            let text = self.wrapped(&[("✘", more, Style::Bad)]);
            self.out.push_str(&text);
        }
    }

    /// Results in one line each.
    fn list(&mut self, title: &str, results: &[&ConformanceResult]) {
        if results.is_empty() {
            return;
        }
        let causes = causes(results);
        self.heading(&format!("{title} ({})", causes::count(results.len(), &causes)));
        let rows: Vec<(&str, String, Style)> = causes
            .iter()
            .map(|cause| {
                let result = cause.first;
                let pairing = pairing_label(&result.client, &result.server);
                let why = result.message.lines().next().unwrap_or_default();
                let more = cause.more().map(|more| format!("; {more}")).unwrap_or_default();
                ("-", format!("{} ({pairing}): {why}{more}", result.scenario), Style::Plain)
            })
            .collect();
        let text = self.wrapped(&rows);
        let _ = writeln!(self.out, "{text}");
    }

    /// Passes that are none by the scenarios' own bounds.
    fn stretched(&mut self, summary: &Summary<'_>) {
        if summary.stretched.is_empty() {
            return;
        }
        self.heading(&format!("{STRETCHED} ({})", summary.stretched.len()));
        let row = |result: &&ConformanceResult| {
            let pairing = pairing_label(&result.client, &result.server);
            ("!", format!("{} ({pairing}): {}", result.scenario, result.stretched.join("; ")), Style::Warn)
        };
        let rows: Vec<_> = summary.stretched.iter().map(row).collect();
        let text = self.wrapped(&rows);
        let _ = writeln!(self.out, "{text}");
    }

    /// Why scenarios were not carried out.
    fn skipped(&mut self, summary: &Summary<'_>) {
        if summary.skipped.is_empty() {
            return;
        }
        self.heading(&format!("Skipped ({})", summary.count(Verdict::Skipped)));
        let row =
            |(reason, count): &(&str, usize)| ("-", format!("{}: {reason}", counted(*count, "scenario")), Style::Plain);
        let rows: Vec<_> = summary.skipped.iter().map(row).collect();
        let text = self.wrapped(&rows);
        let _ = writeln!(self.out, "{text}");
    }

    fn requirements(&mut self, summary: &Summary<'_>) {
        if summary.groups.is_empty() {
            return;
        }
        self.heading("Requirements");
        let mut table = self.ruled();
        let labels = summary.pairings.iter().map(super::summary::Pairing::label);
        table.set_header(
            ["group".to_owned()].into_iter().chain(labels).map(|text| Style::Heading.apply(Cell::new(text))),
        );
        for group in &summary.groups {
            let cells = group.tallies.iter().map(|tally| tally_cell(*tally));
            table.add_row([Cell::new(&group.title)].into_iter().chain(cells));
        }
        let _ = writeln!(self.out, "{}\n", trimmed(&table).trim_end());
    }

    /// A sentence a comparison: it has every figure, and wraps where a table would lose some.
    fn builds(&mut self, comparisons: &[Comparison]) {
        if comparisons.is_empty() {
            return;
        }
        self.heading("Builds compared");
        if let Some(caution) = comparisons::caution(comparisons) {
            self.paragraph(caution, Style::Warn);
        }
        let style = |comparison: &Comparison| match comparison.verdict {
            _ if comparison.fails => Style::Bad,
            ComparisonVerdict::Better | ComparisonVerdict::Same => Style::Plain,
            _ => Style::Warn,
        };
        let rows: Vec<(&str, String, Style)> = comparisons::ordered(comparisons)
            .into_iter()
            .map(|comparison| (comparisons::mark(comparison), comparisons::sentence(comparison), style(comparison)))
            .collect();
        let text = self.wrapped(&rows);
        self.out.push_str(&text);
        self.paragraph(comparisons::LEGEND, Style::Plain);
        self.out.push('\n');
    }

    fn benchmark(&mut self, question: &Question<'_>) {
        self.heading(question.title);
        self.paragraph(&question.label(), Style::Plain);
        self.figures(&tables::times(question));
        let mut rows: Vec<(&str, String, Style)> = Vec::new();
        for said in question.said() {
            for sentence in said.sentences {
                let style = if sentence.contains(" does not count: ") { Style::Bad } else { Style::Plain };
                let case = if said.case.is_empty() { String::new() } else { format!("{}: ", said.case) };
                rows.push(("-", format!("{case}{sentence}"), style));
            }
        }
        let text = self.wrapped(&rows);
        self.out.push_str(&text);
        for table in question.regimes().into_iter().chain(tables::percentiles(question)) {
            self.figures(&table);
        }
        self.out.push('\n');
    }

    fn lifecycle(&mut self, question: &LifecycleQuestion<'_>) {
        self.heading(question.title);
        self.paragraph(&question.label(), Style::Plain);
        self.figures(&question.table());
        let row = |sentence: String| {
            let style = if sentence.contains(" does not count: ") { Style::Bad } else { Style::Plain };
            ("-", sentence, style)
        };
        let text = self.wrapped(&question.said().into_iter().map(row).collect::<Vec<_>>());
        self.out.push_str(&text);
        self.out.push('\n');
    }

    /// The table below its caption; results that do not count have no row, because a sentence says why.
    fn figures(&mut self, table: &FigureTable) {
        let valid = |row: &&Row| row.invalid.is_none();
        let rows: Vec<(&Group, usize, &Row)> = table
            .groups
            .iter()
            .flat_map(|group| group.rows.iter().filter(valid).enumerate().map(move |(at, row)| (group, at, row)))
            .collect();
        if rows.is_empty() {
            return;
        }
        let mut names = Vec::new();
        if let Some(heading) = table.group_heading {
            // The name stands in the first row of its group.
            let cells = rows.iter().map(|(group, at, _)| if *at == 0 { group.name.clone() } else { String::new() });
            names.push(Column { heading: heading.to_owned(), cells: cells.collect() });
        }
        let subjects = rows.iter().map(|(.., row)| row.subject.clone()).collect();
        names.push(Column { heading: "subject".to_owned(), cells: subjects });
        let figures = table.headings.iter().enumerate().map(|(at, heading)| Column {
            heading: if heading.small.is_empty() { heading.text.clone() } else { format!("{} (95 %)", heading.text) },
            cells: rows.iter().map(|(.., row)| row.cells.get(at).cloned().unwrap_or_default()).collect(),
        });
        self.paragraph(&table.caption, Style::Plain);
        for table in self.fitted(&names, figures.collect()) {
            let _ = writeln!(self.out, "{}", trimmed(&table).trim_end());
        }
    }

    fn warnings(&mut self, report: &Report) {
        let warnings = &report.machine.warnings;
        if warnings.is_empty() {
            return;
        }
        self.heading(&counted(warnings.len(), "warning"));
        let rows: Vec<_> = warnings.iter().map(|warning| ("!", warning.clone(), Style::Warn)).collect();
        let text = self.wrapped(&rows);
        let _ = writeln!(self.out, "{text}");
    }
}

fn tally_cell(tally: Tally) -> Cell {
    let mut text = format!("{} of {} held", tally.held, tally.total());
    if tally.broken > 0 {
        let _ = write!(text, ", {} broken", tally.broken);
    }
    if tally.untested > 0 {
        let _ = write!(text, ", {} untested", tally.untested);
    }
    let style = match tally {
        Tally { broken: 1.., .. } => Style::Bad,
        Tally { untested: 1.., .. } => Style::Warn,
        Tally { held: 0, .. } => return Cell::new("–"),
        Tally { .. } => Style::Good,
    };
    style.apply(Cell::new(text))
}
