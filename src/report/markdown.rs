//! `summary.md`: what belongs into a pull request. Failures are folded, figures are not.

use std::fmt::Write as _;

use super::cases::{Case, cases};
use super::causes::{self, Cause, causes};
use super::comparisons;
use super::figures::{counted, duration_ns, latency_p50, percentile_ns, rate_per_s, three_digits};
use super::regimes;
use super::sanitise::sanitise;
use super::summary::{STRETCHED, Summary, Tally, Tone};
use super::words::{level_word, outcome_word, pairing_label};
use crate::results::model::{ComparisonVerdict, ConformanceResult, Measure, Ratio, Report, Verdict};

/// Causes shown in full: platforms cut long comments, and whoever has more has the other formats.
const CAUSES_SHOWN: usize = 25;
/// Comparisons shown, for the same reason.
const COMPARISONS_SHOWN: usize = 60;
/// Lines of the end of a transcript that are shown.
const TRANSCRIPT_LINES: usize = 30;

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
    for case in cases(report) {
        benchmark(&mut out, &case);
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

fn benchmark(out: &mut String, case: &Case<'_>) {
    let _ = writeln!(out, "\n### Benchmark {}\n", inline(&case.label()));
    let beside = case.ratio_columns();
    let figures: &[&str] = match case.measure() {
        Measure::RoundTrip => {
            &["subject", "round trip", "in floors (95 % interval)", "above the floor", "p99", "p99.9", "max", "rate"]
        }
        Measure::Throughput => &["subject", "rate", "one message", "in floors (95 % interval)"],
        Measure::OpenLoop => &["subject", "latency p50", "p99", "p99.9", "max", "rate"],
    };
    let mut heading = format!("| {} |", figures.join(" | "));
    let mut rule = format!("| :-- |{}", " --: |".repeat(figures.len() - 1));
    for column in &beside {
        let _ = write!(heading, " {} |", cell(&column.heading));
        rule.push_str(" --: |");
    }
    let _ = writeln!(out, "{heading}\n{rule}");
    for (index, result) in case.results.iter().enumerate() {
        let subject = cell(&result.subject);
        if !result.valid {
            let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
            let rest = " |".repeat(figures.len() + beside.len() - 1);
            let _ = writeln!(out, "| {subject} | invalid: {}{rest}", cell(why));
            continue;
        }
        let interval = |ratio: Option<Ratio>| {
            let text = |r: Ratio| {
                format!("{} ({} to {})", three_digits(r.ratio), three_digits(r.ci95[0]), three_digits(r.ci95[1]))
            };
            ratio.map_or_else(|| "–".to_owned(), text)
        };
        let rtt = &result.rtt_ns;
        let [p99, p99_9, max] = [rtt.p99, rtt.p99_9, rtt.max].map(|ns| percentile_ns(result, ns));
        let trip = duration_ns(result.round_trip_ns());
        let above = result.above_floor_ns.map_or_else(|| "–".to_owned(), |time| duration_ns(time.ns));
        let (floors, rate) = (interval(result.p50_floors), rate_per_s(result.throughput_per_s));
        let mut cells = match case.measure() {
            Measure::RoundTrip => vec![subject, trip, floors, above, p99, p99_9, max, rate],
            Measure::Throughput => vec![subject, rate, trip, floors],
            Measure::OpenLoop => vec![subject, latency_p50(result), p99, p99_9, max, rate],
        };
        cells.extend(beside.iter().map(|column| interval(column.ratios[index])));
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out.push('\n');
    for sentence in case.sentences() {
        let _ = writeln!(out, "- {}", inline(&sentence));
    }
    by_regime(out, case);
    let _ = writeln!(
        out,
        "\nMedians over {}. One floor is the round trip of a bare cache line between the same two processes.",
        inline(&case.rounds())
    );
}

fn by_regime(out: &mut String, case: &Case<'_>) {
    let Some(table) = case.regimes(" to ") else { return };
    let line = |cells: &[String]| cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | ");
    let rule = " --: |".repeat(table.headings.len() - 2);
    let _ = writeln!(out, "\n{}\n\n| {} |\n| --: | :-- |{rule}", regimes::CAPTION, line(&table.headings));
    for row in &table.rows {
        let _ = writeln!(out, "| {} |", line(row));
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
