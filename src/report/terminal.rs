//! The report on a terminal: failures first with everything needed to debug them, then coverage, then figures, and the
//! verdict last, where it is still on the screen.

mod page;

use std::fmt::Write as _;

use comfy_table::Cell;

use super::cases::{Case, cases};
use super::causes::{self, Cause, causes};
use super::comparisons;
use super::figures::{counted, duration_ns, latency_p50, percentile_ns, rate_per_s, three_digits};
use super::regimes;
use super::sanitise::sanitise;
use super::summary::{STRETCHED, Summary, Tally, Tone};
use super::words::{level_word, outcome_word, pairing_label};
use crate::results::model::{
    BenchResult, Comparison, ComparisonVerdict, ConformanceResult, Measure, Ratio, Report, Verdict,
};
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
    for case in cases(report) {
        page.benchmark(&case);
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

    fn benchmark(&mut self, case: &Case<'_>) {
        self.heading(&format!("Benchmark {}", case.label()));
        if case.valid().next().is_some() {
            let table = self.fitted(columns(case), 1);
            let _ = writeln!(self.out, "{}", trimmed(&table).trim_end());
        }
        let sentences: Vec<(&str, String, Style)> = case
            .sentences()
            .into_iter()
            .map(|sentence| {
                let style = if sentence.contains(" does not count: ") { Style::Bad } else { Style::Plain };
                ("-", sentence, style)
            })
            .collect();
        let text = self.wrapped(&sentences);
        self.out.push_str(&text);
        self.regimes(case);
        self.paragraph(&case.rounds(), Style::Plain);
        self.out.push('\n');
    }

    fn regimes(&mut self, case: &Case<'_>) {
        let Some(regimes) = case.regimes("–") else { return };
        let last = regimes.headings.len() - 1;
        let columns = regimes.headings.into_iter().enumerate().map(|(at, heading)| Column {
            goes: match at {
                _ if heading == regimes::ABOVE => Some(3),
                2 => Some(1),
                4.. if at < last => Some(2),
                4.. => Some(0),
                _ => None,
            },
            heading,
            cells: regimes.rows.iter().map(|row| row[at].clone()).collect(),
        });
        let table = self.fitted(columns.collect(), 2);
        self.paragraph(regimes::CAPTION, Style::Plain);
        let _ = writeln!(self.out, "{}", trimmed(&table).trim_end());
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

fn columns(case: &Case<'_>) -> Vec<Column> {
    let column = |heading: &str, goes: Option<u8>, cell: &dyn Fn(&BenchResult) -> String| Column {
        heading: heading.to_owned(),
        goes,
        cells: case.valid().map(cell).collect(),
    };
    let floors = |goes| column("floors (95 %)", goes, &|r| r.p50_floors.map_or_else(|| "–".to_owned(), interval_short));
    let rate = |goes| column("rate", goes, &|r| rate_per_s(r.throughput_per_s));
    let mut columns = vec![column("subject", None, &|r| r.subject.clone())];
    match case.measure() {
        Measure::RoundTrip => columns.extend([
            column("round trip", None, &|r| duration_ns(r.round_trip_ns())),
            floors(None),
            column(regimes::ABOVE, Some(3), &|r| {
                r.above_floor_ns.map_or_else(|| "–".to_owned(), |time| duration_ns(time.ns))
            }),
        ]),
        Measure::Throughput => columns.extend([
            rate(None),
            column("one message", None, &|r| duration_ns(r.round_trip_ns())),
            floors(Some(0)),
        ]),
        Measure::OpenLoop => columns.extend([column("latency p50", None, &|r| latency_p50(r)), rate(None)]),
    }
    for (beside, goes) in case.ratio_columns().into_iter().zip([5, 4]) {
        // Invalid results, which have no row, come last.
        let cells = beside.ratios.iter().take(case.valid().count());
        let cells = cells.map(|ratio| ratio.map_or_else(|| "–".to_owned(), interval_short)).collect();
        columns.push(Column { heading: beside.heading, goes: Some(goes), cells });
    }
    if case.measure() != Measure::Throughput {
        columns.extend([
            column("p99", Some(6), &|r| percentile_ns(r, r.rtt_ns.p99)),
            column("p99.9", Some(1), &|r| percentile_ns(r, r.rtt_ns.p99_9)),
            column("max", Some(2), &|r| percentile_ns(r, r.rtt_ns.max)),
        ]);
    }
    if case.measure() == Measure::RoundTrip {
        columns.push(rate(Some(0)));
    }
    columns
}

/// `1.83 (1.79–1.88)`.
fn interval_short(ratio: Ratio) -> String {
    let Ratio { ratio, ci95: [low, high] } = ratio;
    format!("{} ({}–{})", three_digits(ratio), three_digits(low), three_digits(high))
}
