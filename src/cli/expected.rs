//! `--update-expected`: makes a subject's list of known deviations what a run has just shown.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::PathBuf;

use super::failure::CommandError;
use crate::harness::manifest::{DeviationOutcome, ExpectedDeviation};
use crate::harness::subject::Subject;
use crate::report::write_file;
use crate::results::model::{ConformanceResult, Verdict};
use crate::scenario::Selection;
use crate::scenario::model::Scenario;

/// Reason of an entry that nobody has looked at yet.
const UNEXPLAINED: &str = "not explained yet";

/// Makes sure that every entry of a list of known deviations means a scenario that exists: one that means none would
/// never be missed.
pub(super) fn check(subject: &Subject, scenarios: &[Scenario]) -> Result<(), CommandError> {
    match subject.expected.iter().find(|entry| !exists(entry, scenarios)) {
        None => Ok(()),
        Some(entry) => Err(CommandError::Unknown {
            what: "scenario",
            asked: entry.scenario.clone(),
            remedy: format!(
                "expected.toml of subject `{}` lists it as a known deviation. Correct or remove the entry \
                 (--update-expected removes it); `shmark list scenarios` shows what there is",
                subject.name
            ),
        }),
    }
}

fn exists(entry: &ExpectedDeviation, scenarios: &[Scenario]) -> bool {
    let selection = Selection::new(std::slice::from_ref(&entry.scenario), &[]);
    selection.is_ok_and(|selection| scenarios.iter().any(|scenario| selection.takes(scenario)))
}

/// Rewrites `expected.toml` of a subject that was judged on its own. `scenarios` are all there are, `results` those of
/// this subject. Returns the file, or `None` if nothing changed. Entries that stay keep their wording, and remarks stay
/// where they are, except those directly above or within an entry that goes.
pub(super) fn update(
    subject: &Subject,
    scenarios: &[Scenario],
    results: &[&ConformanceResult],
) -> Result<Option<PathBuf>, CommandError> {
    let entries = entries(&subject.expected, scenarios, results);
    if entries == subject.expected {
        return Ok(None);
    }
    let folder = subject.expand(&["{here}".to_owned()])?.concat();
    let path = PathBuf::from(folder).join("expected.toml");
    let old = match fs::read_to_string(&path) {
        Ok(old) => old,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(source) => return Err(CommandError::Unreadable { path, source }),
    };
    let text = rewritten(&old, &subject.expected, &entries);
    write_file(&path, text.as_bytes())?;
    Ok(Some(path))
}

/// The old file with `entries` instead of `listed`, which are its own in their order.
fn rewritten(old: &str, listed: &[ExpectedDeviation], entries: &[ExpectedDeviation]) -> String {
    let mut pieces = pieces(old);
    if pieces.iter().filter(|piece| matches!(piece, Piece::Entry(_))).count() != listed.len() {
        // Written in another way, such as one array: only what stands in front of it can be told apart.
        let head = old.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
        pieces = vec![Piece::Remark(head.collect::<Vec<_>>().join("\n"))];
    }
    let is_own = pieces.iter().any(|piece| matches!(piece, Piece::Entry(_)));
    let mut theirs = listed.iter();
    let mut paragraphs = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Remark(text) => paragraphs.push(text),
            Piece::Entry(text) if theirs.next().is_some_and(|entry| entries.contains(entry)) => paragraphs.push(text),
            Piece::Entry(_) => {}
        }
    }
    let is_new = |entry: &&ExpectedDeviation| !(is_own && listed.contains(entry));
    paragraphs.extend(entries.iter().filter(is_new).map(table));
    paragraphs.retain(|paragraph| !paragraph.trim().is_empty());
    let text: Vec<&str> = paragraphs.iter().map(|paragraph| paragraph.trim_start_matches('\n').trim_end()).collect();
    if text.is_empty() { String::new() } else { text.join("\n\n") + "\n" }
}

/// A paragraph of the file.
enum Piece {
    /// Remarks that belong to no entry.
    Remark(String),
    /// An entry with the remarks directly above it and within it.
    Entry(String),
}

/// Begins an entry.
const ENTRY: &str = "[[deviation]]";

fn pieces(text: &str) -> Vec<Piece> {
    let lines: Vec<&str> = text.lines().collect();
    let is_remark = |line: &str| line.starts_with('#') || line.trim().is_empty();
    let starts = (0..lines.len()).filter(|i| lines[*i].starts_with(ENTRY));
    let mut pieces = Vec::new();
    let mut done = 0;
    for start in starts {
        let above = lines[..start].iter().rev().take_while(|line| line.starts_with('#')).count();
        // What the file begins with is about the file.
        let begin = if above == start { start } else { start - above }.max(done);
        pieces.push(Piece::Remark(lines[done..begin].join("\n")));
        let next = lines[start + 1..].iter().position(|line| line.starts_with(ENTRY));
        let limit = next.map_or(lines.len(), |offset| start + 1 + offset);
        let last = (start..limit).rev().find(|i| !is_remark(lines[*i])).unwrap_or(start);
        done = last + 1;
        pieces.push(Piece::Entry(lines[begin..done].join("\n")));
    }
    pieces.push(Piece::Remark(lines[done..].join("\n")));
    pieces
}

/// Entries that still hold, and one for each new deviation.
fn entries(
    listed: &[ExpectedDeviation],
    scenarios: &[Scenario],
    results: &[&ConformanceResult],
) -> Vec<ExpectedDeviation> {
    let mut kept = Vec::new();
    let mut single = Vec::new();
    for entry in listed.iter().filter(|entry| exists(entry, scenarios)) {
        let meant: Vec<&&ConformanceResult> = results.iter().filter(|result| means(entry, result, scenarios)).collect();
        let any = |outcome| meant.iter().any(|result| result.outcome == outcome);
        // Neither says how the subject behaves.
        let decides_nothing = |result: &ConformanceResult| {
            matches!(result.outcome, Verdict::Skipped | Verdict::Error) || !result.stretched.is_empty()
        };
        let untouched = meant.iter().all(|result| decides_nothing(result));
        if untouched
            || entry.outcome == DeviationOutcome::Flaky
            || any(Verdict::ExpectedFail) && !any(Verdict::UnexpectedPass)
        {
            kept.push(entry.clone());
        } else {
            // What is left of a pattern when some of its cells pass.
            let still = meant.iter().filter(|result| result.outcome == Verdict::ExpectedFail);
            single.extend(still.map(|result| ExpectedDeviation { scenario: result.scenario.clone(), ..entry.clone() }));
        }
    }
    let new = results.iter().filter(|result| result.is_unexpected()).filter_map(|result| {
        let outcome = match result.outcome {
            Verdict::Fail => DeviationOutcome::Fail,
            Verdict::Timeout => DeviationOutcome::Timeout,
            Verdict::Crash => DeviationOutcome::Crash,
            _ => return None,
        };
        // Numbers that vary would never match again.
        let message = result.cause.clone();
        let (scenario, reason) = (result.scenario.clone(), UNEXPLAINED.to_owned());
        Some(ExpectedDeviation { scenario, outcome, message, reason, link: None })
    });
    single.extend(new);
    kept.extend(whole(&single, scenarios));
    kept
}

/// Joins the cells of a scenario into one entry where all of them deviate alike.
fn whole(single: &[ExpectedDeviation], scenarios: &[Scenario]) -> Vec<ExpectedDeviation> {
    let id = |entry: &ExpectedDeviation| entry.scenario.split('[').next().unwrap_or_default().to_owned();
    let mut joined: Vec<ExpectedDeviation> = Vec::new();
    for entry in single {
        let whole = ExpectedDeviation { scenario: id(entry), ..entry.clone() };
        let alike =
            single.iter().filter(|other| ExpectedDeviation { scenario: id(other), ..(*other).clone() } == whole);
        let cells = scenarios.iter().filter(|scenario| scenario.id == whole.scenario).count();
        let entry = if alike.count() == cells { whole } else { entry.clone() };
        if !joined.contains(&entry) {
            joined.push(entry);
        }
    }
    joined
}

fn means(entry: &ExpectedDeviation, result: &ConformanceResult, scenarios: &[Scenario]) -> bool {
    let selection = Selection::new(std::slice::from_ref(&entry.scenario), &[]);
    let scenario = scenarios.iter().find(|scenario| scenario.name() == result.scenario);
    selection.is_ok_and(|selection| scenario.is_some_and(|scenario| selection.takes(scenario)))
}

fn table(entry: &ExpectedDeviation) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let outcome = match entry.outcome {
        DeviationOutcome::Fail => "fail",
        DeviationOutcome::Timeout => "timeout",
        DeviationOutcome::Crash => "crash",
        DeviationOutcome::Flaky => "flaky",
    };
    let mut text = format!("[[deviation]]\nscenario = {}\noutcome = \"{outcome}\"\n", quoted(&entry.scenario));
    if !entry.message.is_empty() {
        let _ = writeln!(text, "message = {}", quoted(&entry.message));
    }
    let _ = writeln!(text, "reason = {}", quoted(&entry.reason));
    if let Some(link) = &entry.link {
        let _ = writeln!(text, "link = {}", quoted(link));
    }
    text
}

#[cfg(test)]
#[path = "expected_tests.rs"]
mod tests;
