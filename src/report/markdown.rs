//! `summary.md`: what belongs into a pull request. Failures are folded, figures are not.

use std::fmt::Write as _;

use super::causes::{self, Cause, causes};
use super::comparisons;
use super::figures::counted;
use super::lifecycle::{LifecycleQuestion, lifecycle_questions};
use super::questions::{Question, questions};
use super::sanitise::sanitise;
use super::summary::{STRETCHED, Summary, Tally, Tone};
use super::tables::{self, FigureTable};
use super::words::{level_word, outcome_word, pairing_label};
use crate::results::model::{ComparisonVerdict, ConformanceResult, Report, Verdict};

/// Causes shown in full: platforms cut long comments, and whoever has more has the other formats.
const CAUSES_SHOWN: usize = 25;
/// Comparisons shown, for the same reason.
const COMPARISONS_SHOWN: usize = 60;
/// Lines of the end of a transcript that are shown.
const TRANSCRIPT_LINES: usize = 30;

/// Stands once below all figures.
const FLOOR: &str = "Beside each figure stands its 95 % interval. One floor is the round trip of a bare cache line between the \
                     same two processes.";

/// The report as Markdown, as GitHub and GitLab read it.
pub fn render(report: &Report) -> String {
    let report = &sanitise(report);
    let summary = Summary::of(report);
    let mut out = String::new();
    let mark = match summary.tone() {
        Tone::Good => "✅",
        Tone::Bad => "❌",
        Tone::Unclear => "⚠️",
    };
    let _ = writeln!(out, "## shmark\n\n{mark} **{}**", inline(&summary.verdict_line()));
    failures(&mut out, "Unexpected results", &summary.unexpected);
    requirements(&mut out, &summary);
    builds(&mut out, report);
    let questions = questions(report);
    for question in &questions {
        benchmark(&mut out, question);
    }
    if !questions.is_empty() {
        let _ = writeln!(out, "\n{FLOOR}");
    }
    for question in &lifecycle_questions(report) {
        lifecycle(&mut out, question);
    }
    failures(&mut out, "Known deviations", &summary.known);
    failures(&mut out, "Observed differences", &summary.differences);
    stretched(&mut out, &summary);
    skipped(&mut out, &summary);
    machine(&mut out, report);
    out
}

/// Builds that were compared: what fails first, what is the same last.
fn builds(out: &mut String, report: &Report) {
    if report.comparisons.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### Builds compared\n");
    if let Some(caution) = comparisons::caution(&report.comparisons) {
        let _ = writeln!(out, "{}\n", inline(caution));
    }
    let _ = writeln!(out, "| {} |\n| :-- | :-- | :-- |{}", comparisons::HEADINGS.join(" | "), " --: |".repeat(4));
    let ordered = comparisons::ordered(&report.comparisons);
    let shown = &ordered[..ordered.len().min(COMPARISONS_SHOWN)];
    for comparison in shown {
        let cells: Vec<String> = comparisons::row(comparison).iter().map(|text| cell(text)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
    for comparison in shown.iter().filter(|comparison| comparison.verdict != ComparisonVerdict::Same) {
        let _ = writeln!(out, "- {}", inline(&comparisons::sentence(comparison)));
    }
    if shown.len() < ordered.len() {
        let _ = writeln!(out, "- {} in report.html.", counted(ordered.len() - shown.len(), "more comparison"));
    }
    let _ = writeln!(out, "\n{}", comparisons::LEGEND);
}

fn requirements(out: &mut String, summary: &Summary<'_>) {
    if summary.groups.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### Requirements\n");
    let labels: Vec<String> = summary.pairings.iter().map(|pairing| cell(&pairing.label())).collect();
    let _ = writeln!(out, "| group | {} |", labels.join(" | "));
    let _ = writeln!(out, "| :-- |{}", " :-- |".repeat(labels.len()));
    for group in &summary.groups {
        let tallies: Vec<String> = group.tallies.iter().map(|tally| tally_cell(*tally)).collect();
        let _ = writeln!(out, "| {} | {} |", cell(&group.title), tallies.join(" | "));
    }
}

/// `✔ 8 of 8`, `✘ 6 of 8, 2 broken`, `6 of 8, 2 untested`.
fn tally_cell(tally: Tally) -> String {
    let mut text = match (tally.broken, tally.held == tally.total()) {
        _ if tally.total() == 0 => return "–".to_owned(),
        (0, true) => "✔ ".to_owned(),
        (0, false) => "· ".to_owned(),
        _ => "✘ ".to_owned(),
    };
    let _ = write!(text, "{} of {} held", tally.held, tally.total());
    if tally.broken > 0 {
        let _ = write!(text, ", **{} broken**", tally.broken);
    }
    if tally.untested > 0 {
        let _ = write!(text, ", {} untested", tally.untested);
    }
    text
}

fn benchmark(out: &mut String, question: &Question<'_>) {
    let _ = writeln!(out, "\n### {}\n\nBenchmark {}.", inline(question.title), inline(&question.label()));
    figures(out, &tables::times(question));
    out.push('\n');
    for said in question.said() {
        for sentence in &said.sentences {
            let case = if said.case.is_empty() { String::new() } else { format!("{}: ", inline(&said.case)) };
            let _ = writeln!(out, "- {case}{}", inline(sentence));
        }
    }
    for table in question.regimes().into_iter().chain(tables::percentiles(question)) {
        figures(out, &table);
    }
}

fn lifecycle(out: &mut String, question: &LifecycleQuestion<'_>) {
    let _ = writeln!(out, "\n### {}\n\nBenchmark {}.", inline(question.title), inline(&question.label()));
    figures(out, &question.table());
    out.push('\n');
    for sentence in question.said() {
        let _ = writeln!(out, "- {}", inline(&sentence));
    }
}

/// The table below its caption. A group's name stands in each of its rows, so that a row can be quoted.
fn figures(out: &mut String, table: &FigureTable) {
    let group = table.group_heading.map(|heading| format!("{heading} | ")).unwrap_or_default();
    let headings: Vec<String> = table.headings.iter().map(|heading| cell(&heading.text)).collect();
    let _ = writeln!(out, "\n{}\n\n| {group}subject | {} |", inline(&table.caption), headings.join(" | "));
    let group_rule = if table.group_heading.is_some() { ":-- | " } else { "" };
    let _ = writeln!(out, "| {group_rule}:-- |{}", " --: |".repeat(headings.len()));
    for (group, row) in table.groups.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row))) {
        let group = if table.group_heading.is_some() { format!("{} | ", cell(&group.name)) } else { String::new() };
        let subject = cell(&row.subject);
        let cells = if let Some(why) = &row.invalid {
            format!("invalid: {}{}", cell(why), " |".repeat(headings.len() - 1))
        } else {
            row.cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | ")
        };
        let _ = writeln!(out, "| {group}{subject} | {cells} |");
    }
}

fn failures(out: &mut String, title: &str, results: &[&ConformanceResult]) {
    if results.is_empty() {
        return;
    }
    let causes = causes(results);
    let _ = writeln!(out, "\n### {title} ({})\n", causes::count(results.len(), &causes));
    for cause in causes.iter().take(CAUSES_SHOWN) {
        failure(out, cause);
    }
    if causes.len() > CAUSES_SHOWN {
        let hidden: usize = causes.iter().skip(CAUSES_SHOWN).map(|cause| 1 + cause.others.len()).sum();
        let _ = writeln!(out, "{} in report.html and junit.xml.", counted(hidden, "more result"));
    }
}

/// Passes that are none by the scenarios' own bounds.
fn stretched(out: &mut String, summary: &Summary<'_>) {
    if summary.stretched.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### {STRETCHED} ({})\n", summary.stretched.len());
    for result in &summary.stretched {
        let pairing = pairing_label(&result.client, &result.server);
        let _ = writeln!(
            out,
            "- {} ({}): {}",
            inline(&result.scenario),
            inline(&pairing),
            inline(&result.stretched.join("; "))
        );
    }
}

/// Why scenarios were not carried out.
fn skipped(out: &mut String, summary: &Summary<'_>) {
    if summary.skipped.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n### Skipped ({})\n", summary.count(Verdict::Skipped));
    for (reason, count) in &summary.skipped {
        let _ = writeln!(out, "- {}: {}", counted(*count, "scenario"), inline(reason));
    }
}

fn failure(out: &mut String, cause: &Cause<'_>) {
    let result = cause.first;
    let more = if cause.others.is_empty() { String::new() } else { format!(", and {} more", cause.others.len()) };
    let _ = writeln!(
        out,
        "<details><summary>{}: <code>{}</code> ({}){more}</summary>\n",
        outcome_word(result.outcome),
        html(&result.scenario),
        html(&pairing_label(&result.client, &result.server)),
    );
    let _ = writeln!(out, "{}: {}\n", level_word(result.level), inline(&result.requirements.join(", ")));
    let _ = writeln!(out, "{}\n", prose(&result.message));
    let optional = [("Step", &result.step), ("Expected", &result.expected), ("Actual", &result.actual)];
    for (name, value) in optional {
        if let Some(value) = value {
            let _ = writeln!(out, "{name}:\n");
            fenced(out, value);
        }
    }
    for (peer, lines) in &result.transcripts {
        let start = lines.len().saturating_sub(TRANSCRIPT_LINES);
        let _ = writeln!(out, "Transcript of {}{}:\n", inline(peer), if start > 0 { ", its end" } else { "" });
        fenced(out, &lines[start..].join("\n"));
    }
    let _ = writeln!(out, "Repeat it:\n");
    fenced(out, &result.repro);
    if let Some(more) = cause.more() {
        let _ = writeln!(out, "{}\n", inline(&more));
    }
    let _ = writeln!(out, "</details>\n");
}

fn machine(out: &mut String, report: &Report) {
    let machine = &report.machine;
    let virtualised = if machine.virtualised { ", virtualised" } else { "" };
    let cpus = counted(machine.cpus, "processor");
    let text = format!(
        "{}, {cpus}{virtualised}, {}, Linux {}, clock source {}; seed {}; {}",
        machine.cpu,
        super::figures::bytes(machine.memory_bytes),
        machine.kernel,
        machine.clock_source,
        report.seed,
        report.created
    );
    let _ = writeln!(out, "\n### Machine\n\n{}", inline(&text));
    if !machine.warnings.is_empty() {
        out.push('\n');
    }
    for warning in &machine.warnings {
        let _ = writeln!(out, "- ⚠️ {}", inline(warning));
    }
}

/// A code block that its content cannot leave: the fence is longer than any run of backticks in it.
fn fenced(out: &mut String, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let _ = writeln!(out, "{fence}text\n{}\n{fence}\n", text.trim_end());
}

/// Text in a line: nothing in it is markup.
fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '@' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}

/// Text of several lines, each a line of its own; none of them begins a list, a heading or a block of code.
fn prose(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
        match after_digits.chars().next() {
            Some('.' | ')' | '-' | '+' | '=') => {
                let digits = &line[..line.len() - after_digits.len()];
                format!("{digits}\\{}", inline(after_digits))
            }
            _ => inline(line),
        }
    });
    lines.collect::<Vec<_>>().join("  \n")
}

/// Text in a table cell.
fn cell(text: &str) -> String {
    inline(text)
}

/// Text inside an HTML element.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\n', " ")
}
