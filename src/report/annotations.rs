//! Workflow commands of GitHub: each unexpected result appears at its line in the pull request.
//!
//! The syntax is that of `::error file=...,line=...,title=...::message`, with `%`, carriage return and newline as `%25`,
//! `%0D` and `%0A`, and in properties also `:` and `,` as `%3A` and `%2C`
//! (<https://docs.github.com/actions/reference/workflow-commands-for-github-actions>).

use std::fmt::Write as _;

use super::comparisons;
use super::sanitise::sanitise;
use super::summary::{Completeness, STRETCHED, Summary};
use super::words::{outcome_word, pairing_label};
use crate::results::model::{ComparisonVerdict, Report};

/// Annotations that the platform shows of one step; what comes behind them is only in the log.
const SHOWN_MAX: usize = 10;

/// A line for each unexpected result, worst first, for each build that is worse or cannot be told, for what has no result,
/// and one for a run that is not whole. Nothing for a run that is as expected.
pub fn render(report: &Report) -> String {
    let report = &sanitise(report);
    let summary = Summary::of(report);
    let mut out = String::new();
    if summary.completeness != Completeness::Complete {
        command(&mut out, "error", None, "The run is not complete", &summary.verdict_line());
    }
    for text in summary.without_result {
        command(&mut out, "error", None, "No result", text);
    }
    for result in &summary.unexpected {
        let title = format!(
            "{}: {} ({})",
            outcome_word(result.outcome),
            result.scenario,
            pairing_label(&result.client, &result.server)
        );
        let place = result.place.as_ref().map(|place| (&*place.file, place.line));
        command(&mut out, "error", place, &title, &format!("{}\nRepeat it: {}", result.message, result.repro));
    }
    for result in &summary.stretched {
        let place = result.place.as_ref().map(|place| (&*place.file, place.line));
        let title = format!("{STRETCHED}: {}", result.scenario);
        command(&mut out, "warning", place, &title, &result.stretched.join("\n"));
    }
    for result in report.bench.iter().filter(|result| !result.valid) {
        let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
        command(&mut out, "error", None, &format!("Invalid: {} of {}", result.scenario, result.subject), why);
    }
    for result in report.bench.iter().filter(|result| result.valid) {
        if let Some(why) = &result.undecided {
            command(&mut out, "warning", None, &format!("Undecided: {} of {}", result.scenario, result.subject), why);
        }
    }
    for result in &report.lifecycle {
        let of = format!("{} of {}", result.scenario, result.subject);
        let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
        match &result.undecided {
            _ if !result.valid => command(&mut out, "error", None, &format!("Invalid: {of}"), why),
            Some(why) => command(&mut out, "warning", None, &format!("Undecided: {of}"), why),
            None => {}
        }
    }
    for comparison in comparisons::ordered(&report.comparisons) {
        let level = match comparison.verdict {
            _ if comparison.fails => "error",
            ComparisonVerdict::Worse | ComparisonVerdict::TooNoisy | ComparisonVerdict::Invalid => "warning",
            ComparisonVerdict::Better => "notice",
            ComparisonVerdict::Same => continue,
        };
        let title = format!("{}: {}", comparisons::verdict_word(comparison.verdict), comparison.scenario);
        command(&mut out, level, None, &title, &comparisons::sentence(comparison));
    }
    let lines = out.lines().count();
    if lines > SHOWN_MAX {
        let text = format!("{lines} annotations; what is not shown here is in the log and in the report");
        command(&mut out, "notice", None, "shmark", &text);
    }
    out
}

fn command(out: &mut String, level: &str, place: Option<(&str, usize)>, title: &str, message: &str) {
    let place = place.map_or_else(String::new, |(file, line)| format!("file={},line={line},", property(file)));
    let _ = writeln!(out, "::{level} {place}title={}::{}", property(title), data(message));
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
