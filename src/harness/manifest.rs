//! `subject.toml` and `expected.toml`: read, checked, with errors that point into the file.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::subject_error::{SubjectError, invalid};
use shmark_peer::protocol::FEATURES;

/// `subject.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Short name, unique among subjects.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Home page, if there is one.
    #[serde(default)]
    pub home: String,
    /// Commands that build the peer, each a list of words; `{root}`, `{here}`, `{target}` and `{shmark}` are filled in.
    #[serde(default)]
    pub build: Vec<Vec<String>>,
    /// Command that runs a peer.
    pub peer: Vec<String>,
    /// Command that sends a signal to a peer, for one that is not reached by signalling the process group of `peer`:
    /// `{signal}` is the signal (`KILL`, `STOP`, `CONT`, `TERM`), `{pid}` the process that was started, `{id}` a name of the
    /// peer that no other one has and that `peer` can use as well.
    #[serde(default)]
    pub signal: Vec<String>,
    /// Features that the peer has to declare.
    #[serde(default)]
    pub features: Vec<String>,
    /// Start of the version that the peer has to announce; any version if empty.
    #[serde(default)]
    pub pin: String,
    /// Time from the start of a peer to its answer to `hello`, ms.
    #[serde(default = "start_within_ms")]
    pub start_within_ms: u64,
    /// Files that the implementation keeps in a namespace on purpose, one each however often it is used, as globs over
    /// their names. They are no leak.
    #[serde(default)]
    pub keeps: Vec<String>,
}

/// Unless the manifest says otherwise.
fn start_within_ms() -> u64 {
    5000
}

/// An hour.
const START_WITHIN_MS_MAX: u64 = 3_600_000;

/// What a listed deviation looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviationOutcome {
    /// A step is answered otherwise than required.
    Fail,
    /// A step is not answered.
    Timeout,
    /// A peer dies.
    Crash,
    /// Sometimes it passes, sometimes it fails, times out or crashes.
    Flaky,
}

/// One entry of `expected.toml`: a known deviation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedDeviation {
    /// Scenario id (all its cells), or id with cell, or a glob over either: `liv/x[kind=slice,*`.
    pub scenario: String,
    /// How it ends.
    pub outcome: DeviationOutcome,
    /// Start of the message.
    #[serde(default)]
    pub message: String,
    /// Why it deviates.
    pub reason: String,
    /// Where to read more.
    #[serde(default)]
    pub link: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedFile {
    #[serde(default)]
    deviation: Vec<ExpectedDeviation>,
}

impl Manifest {
    /// What a program needs that has none.
    pub(super) fn of_program(name: &str, peer: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            description: peer.join(" "),
            home: String::new(),
            build: Vec::new(),
            peer,
            signal: Vec::new(),
            features: Vec::new(),
            pin: String::new(),
            start_within_ms: start_within_ms(),
            keeps: Vec::new(),
        }
    }

    /// Reads a manifest; `file` is its name for messages.
    ///
    /// # Errors
    /// [`SubjectError::Invalid`] with line and column.
    pub fn parse(file: &str, text: &str) -> Result<Self, SubjectError> {
        let manifest: Self = parse(file, text)?;
        let wrong = |needle: &str, message: String| Err(invalid(file, text, find(text, needle), message));
        if manifest.name.is_empty() || !manifest.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            return wrong("name", "`name` has to be letters, digits, `-`, `_` and `.`".to_owned());
        }
        if manifest.peer.is_empty() {
            return wrong("peer", "`peer` has to name a program".to_owned());
        }
        if manifest.build.iter().any(Vec::is_empty) {
            return wrong("build", "a command of `build` is empty: remove it, or name a program".to_owned());
        }
        if let Some(unknown) = manifest.features.iter().find(|name| !FEATURES.contains(&name.as_str())) {
            let message = format!("no feature is called `{unknown}`; there are: {}", FEATURES.join(", "));
            return wrong(&format!("\"{unknown}\""), message);
        }
        if !(1..=START_WITHIN_MS_MAX).contains(&manifest.start_within_ms) {
            let message = format!("`start_within_ms` has to be from 1 to {START_WITHIN_MS_MAX}");
            return wrong("start_within_ms", message);
        }
        for pattern in &manifest.keeps {
            if let Err(error) = globset::Glob::new(pattern) {
                return wrong(&format!("\"{pattern}\""), format!("`{pattern}` is no pattern of a file name: {error}"));
            }
        }
        if !manifest.signal.is_empty() && !manifest.signal.iter().any(|word| word.contains("{signal}")) {
            return wrong(
                "signal",
                "`signal` has to say `{signal}` where the command takes the signal's name".to_owned(),
            );
        }
        for (words, known) in [
            (manifest.build.concat(), &PLACEHOLDERS[..4]),
            (manifest.peer.clone(), &PLACEHOLDERS[..5]),
            (manifest.signal.clone(), &PLACEHOLDERS[..]),
        ] {
            if let Some(placeholder) = words.iter().find_map(|word| unknown_placeholder(word, known)) {
                let known: Vec<String> = known.iter().map(|name| format!("{{{name}}}")).collect();
                let message = format!("no placeholder is called `{placeholder}` here; there are {}", known.join(", "));
                return wrong(placeholder, message);
            }
        }
        Ok(manifest)
    }
}

/// Reads a list of known deviations; `file` is its name for messages.
///
/// # Errors
/// [`SubjectError::Invalid`] with line and column.
pub fn parse_expected(file: &str, text: &str) -> Result<Vec<ExpectedDeviation>, SubjectError> {
    let expected: ExpectedFile = parse(file, text)?;
    for deviation in &expected.deviation {
        if deviation.reason.trim().is_empty() {
            let message = format!("the deviation of `{}` needs a `reason`", deviation.scenario);
            return Err(invalid(file, text, find(text, &deviation.scenario), message));
        }
        // Brackets stand for themselves, as everywhere where scenarios are chosen.
        let literal = deviation.scenario.replace('[', "\\[").replace(']', "\\]");
        if let Err(error) = globset::Glob::new(&literal) {
            let message = format!("`{}` is no scenario id and no pattern: {error}", deviation.scenario);
            return Err(invalid(file, text, find(text, &deviation.scenario), message));
        }
    }
    Ok(expected.deviation)
}

/// Those of `build` first, then what `peer` has as well, then what `signal` has as well.
const PLACEHOLDERS: [&str; 7] = ["shmark", "root", "target", "here", "id", "signal", "pid"];

/// `{...}` of letters that is none of the placeholders.
fn unknown_placeholder<'a>(word: &'a str, known: &[&str]) -> Option<&'a str> {
    word.match_indices('{').find_map(|(at, _)| {
        let rest = &word[at..];
        let inner = &rest[1..rest.find('}')?];
        let named = !inner.is_empty() && inner.chars().all(|c| c.is_ascii_lowercase());
        (named && !known.contains(&inner)).then(|| &rest[..inner.len() + 2])
    })
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, SubjectError> {
    toml::from_str(text).map_err(|error| invalid(file, text, error.span().unwrap_or(0..0), error.message().to_owned()))
}

fn find(text: &str, needle: &str) -> std::ops::Range<usize> {
    text.find(needle).map_or(0..0, |start| start..start + needle.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"x\"\ndescription = \"d\"\npeer = [\"{here}/x\"]\n";

    fn rejected(text: &str) -> String {
        Manifest::parse("subject.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn the_smallest_manifest_is_read() {
        let manifest = Manifest::parse("subject.toml", GOOD).unwrap();
        assert_eq!(manifest.peer, ["{here}/x"]);
        assert!(manifest.build.is_empty() && manifest.pin.is_empty());
    }

    #[test]
    fn errors_have_line_and_column_and_a_remedy() {
        assert!(rejected(&format!("{GOOD}colour = 1\n")).starts_with("subject.toml:4:1: unknown field `colour`"));
        let seen = rejected(&format!("{GOOD}features = [\n  \"fixed\", \"magic\"]\n"));
        assert!(seen.starts_with("subject.toml:5:12: no feature is called `magic`"), "{seen}");
        assert!(rejected("name = \"x\"\ndescription = \"d\"\npeer = []\n").contains(":3:1: `peer` has to name"));
        assert!(rejected(&GOOD.replace("{here}", "{hier}")).contains(":3:10: no placeholder is called `{hier}`"));
        for time in ["0", "3600001"] {
            let seen = rejected(&format!("{GOOD}start_within_ms = {time}\n"));
            assert!(seen.starts_with("subject.toml:4:1: `start_within_ms` has to be from 1 to 3600000"), "{seen}");
        }
        assert!(
            rejected(&format!("{GOOD}start_within_ms = \"long\"\n")).starts_with("subject.toml:4:19: invalid type")
        );
        assert!(rejected("name = ").starts_with("subject.toml:1:"));
        assert!(rejected(&GOOD.replace("{here}", "{pid}")).contains("no placeholder is called `{pid}` here"));
        assert!(rejected(&format!("{GOOD}signal = [\"kill\", \"{{pid}}\"]\n")).contains(":4:1: `signal` has to say"));
        assert!(Manifest::parse("s", &format!("{GOOD}signal = [\"k\", \"{{signal}}\", \"{{id}}\"]\n")).is_ok());
    }

    #[test]
    fn json_in_a_command_is_no_placeholder() {
        assert_eq!(unknown_placeholder("{\"a\":1}", &PLACEHOLDERS), None);
        assert_eq!(unknown_placeholder("{", &PLACEHOLDERS), None);
        assert_eq!(unknown_placeholder("{shmark}{roof}", &PLACEHOLDERS), Some("{roof}"));
    }

    #[test]
    fn a_deviation_needs_a_reason() {
        let good = "[[deviation]]\nscenario = \"a/*\"\noutcome = \"flaky\"\nreason = \"r\"\n";
        assert_eq!(parse_expected("e", good).unwrap()[0].outcome, DeviationOutcome::Flaky);
        let bad = parse_expected("e", &good.replace("\"r\"", "\"\"")).unwrap_err().to_string();
        assert!(bad.starts_with("e:2:13: the deviation of `a/*` needs"), "{bad}");
    }
}
