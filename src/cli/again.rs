//! What a command needs so that it can be repeated, and what it says about scenarios that are not the built-in ones.

use std::path::Path;

use super::run_args;
use super::session::Session;
use crate::harness::shell::quoted;
use crate::results::events::{Event, Observer};
use crate::scenario::Library;

/// Words of a command line that everything which is repeated needs as well. Paths are absolute: a report is read in other
/// folders than the run's.
fn words(scenarios: Option<&Path>) -> Vec<String> {
    let Some(dir) = scenarios else { return Vec::new() };
    let absolute = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    vec!["--scenarios".to_owned(), absolute.to_string_lossy().into_owned()]
}

/// Those, and what only a run needs.
pub(super) fn words_of_run(common: &run_args::Common) -> Vec<String> {
    let mut words = words(common.scenarios.as_deref());
    if common.timeout_multiplier.is_stretched() {
        words.extend(["--timeout-multiplier".to_owned(), common.timeout_multiplier.to_string()]);
    }
    words
}

/// The same, ready to stand behind a command in a shell line.
pub(super) fn suffix(scenarios: Option<&Path>) -> String {
    words(scenarios).iter().fold(String::new(), |mut text, word| {
        text.push(' ');
        text.push_str(&quoted(word));
        text
    })
}

/// Marks in the report which of the scenarios that were chosen have taken the place of a built-in one.
pub(super) fn mark_replaced<'a>(session: &mut Session<'_>, library: &Library, chosen: impl Iterator<Item = &'a str>) {
    let chosen: Vec<&str> = chosen.collect();
    for replaced in library.replaced().iter().filter(|replaced| chosen.contains(&replaced.id.as_str())) {
        let text = format!(
            "scenario `{}` is not the built-in one: {} has taken its place, by --scenarios",
            replaced.id, replaced.file
        );
        session.event(&Event::Warning { text });
    }
}
