//! A sentence and its stable form, by which lists of known deviations and reports recognise it from run to run.

use std::fmt;
use std::time::Duration;

use crate::harness::timeout::TimeoutMultiplier;

/// Stands in the stable form for whatever varies.
const ANY: &str = "*";
/// Fewest characters of a word that is taken for a made-up name when it is all hexadecimal digits.
const HEX_MIN: usize = 8;

/// A sentence about what happened, in two forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StableText {
    /// For people, with every figure.
    pub(super) text: String,
    /// The same in every run: measured values, checksums, process ids and made-up names are `*`.
    pub(super) stable: String,
}

impl StableText {
    /// With a stable form of its own.
    pub(super) fn new(text: impl Into<String>, stable: impl Into<String>) -> Self {
        Self { text: text.into(), stable: stable.into() }
    }

    /// A time limit: as it was stretched, and, stable, as it is without.
    pub(super) fn limit(own: Duration, multiplier: TimeoutMultiplier) -> Self {
        let shown = |time: Duration| format!("{} ms", time.as_millis());
        Self::new(shown(multiplier.of(own)), shown(own))
    }

    /// A text by somebody else, such as a peer or the system: every number in it is taken for one that varies.
    pub(super) fn foreign(text: impl Into<String>) -> Self {
        let text = text.into();
        let stable = without_numbers(&text);
        Self { text, stable }
    }

    /// With a function applied to both forms.
    pub(super) fn map(self, change: impl Fn(&str) -> String) -> Self {
        Self { text: change(&self.text), stable: change(&self.stable) }
    }

    /// Sentences one after the other.
    pub(super) fn joined(all: &[Self], separator: &str) -> Self {
        let join = |form: fn(&Self) -> &str| all.iter().map(form).collect::<Vec<_>>().join(separator);
        Self { text: join(|said| &said.text), stable: join(|said| &said.stable) }
    }
}

/// A text in which nothing varies.
impl From<String> for StableText {
    fn from(text: String) -> Self {
        Self { stable: text.clone(), text }
    }
}

impl From<&str> for StableText {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl fmt::Display for StableText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The text with `*` for every number and every long hexadecimal word. Words that merely have digits, such as `u64`, stay.
pub(super) fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        if end == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        out.push_str(if varies(word) { ANY } else { word });
        rest = after;
    }
    out
}

fn varies(word: &str) -> bool {
    let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
    let is_hex = word.len() >= HEX_MIN && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    has_digit && (is_hex || word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_made_up_names_vary_and_words_do_not() {
        for (text, stable) in [
            ("process 4711 (sleep)", "process * (sleep)"),
            ("file services/0f3a9c12aa/u64.bin", "file services/*/u64.bin"),
            ("crc32 is 12", "crc32 is *"),
            ("a deadbeef decade", "a deadbeef decade"),
            ("9.5 µs, -3", "*.* µs, -*"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(text), stable);
        }
    }

    #[test]
    fn both_forms_are_changed_and_joined_alike() {
        let pid = StableText::foreign("process 7").map(|form| format!("left: {form}"));
        assert_eq!(pid, StableText::new("left: process 7", "left: process *"));
        let both = StableText::joined(&[pid, "x is 0".into()], "; ");
        assert_eq!((both.text.as_str(), both.stable.as_str()), ("left: process 7; x is 0", "left: process *; x is 0"));
    }
}
