//! A table whose keys are known beforehand.

use super::error::{Flaw, Parsed};
use super::source::Span;
use super::tree::{Entry, Node};
use super::violation::Violation;

/// A table that holds known keys only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    entries: &'a [Entry],
    span: &'a Span,
    what: &'a str,
}

impl<'a> Fields<'a> {
    /// `what` names the table in messages: `a peer`.
    ///
    /// # Errors
    /// If it is no table, or has a key that is not in `known`.
    pub fn new(node: &'a Node, what: &'a str, known: &[&str]) -> Parsed<Self> {
        let entries = node.entries(what)?;
        for entry in entries {
            if !known.contains(&entry.key.as_str()) {
                let violation = Violation::UnknownKey {
                    key: entry.key.clone(),
                    what: what.to_owned(),
                    known: known.iter().map(|&key| key.to_owned()).collect(),
                };
                return Err(Flaw::new(violation, &entry.key_span));
            }
        }
        Ok(Self { entries, span: &node.span, what })
    }

    pub fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    pub fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub fn need(&self, key: &str) -> Parsed<&'a Node> {
        self.get(key).ok_or_else(|| {
            Flaw::new(Violation::MissingKey { key: key.to_owned(), what: self.what.to_owned() }, self.span)
        })
    }

    pub fn entries(&self) -> &'a [Entry] {
        self.entries
    }

    pub fn text(&self, key: &str) -> Parsed<Option<&'a str>> {
        self.get(key).map(|node| node.text(key)).transpose()
    }

    pub fn count(&self, key: &str) -> Parsed<Option<u64>> {
        self.get(key).map(|node| node.count(key)).transpose()
    }

    pub fn flag(&self, key: &str) -> Parsed<Option<bool>> {
        self.get(key).map(|node| node.flag(key)).transpose()
    }
}

/// Letters, digits, `_` and `-`, beginning with a letter or `_`: names of peers, handles, tags and variables.
pub(super) fn name<'a>(node: &'a Node, key: &str) -> Parsed<&'a str> {
    let text = node.text(key)?;
    if is_name(text) { Ok(text) } else { Err(Flaw::new(Violation::BadName { name: text.to_owned() }, &node.span)) }
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A number within the range of its key.
pub(super) fn ranged(node: &Node, key: &str, min: u64, max: u64) -> Parsed<u64> {
    let number = node.count(key)?;
    if (min..=max).contains(&number) {
        return Ok(number);
    }
    let range = format!("from {min} to {max}");
    Err(Flaw::new(Violation::OutOfRange { key: key.to_owned(), number, range }, &node.span))
}

/// One of the listed words.
pub(super) fn word<'a>(node: &'a Node, key: &str, known: &[&str]) -> Parsed<&'a str> {
    let text = node.text(key)?;
    if known.contains(&text) {
        return Ok(text);
    }
    let violation = Violation::UnknownWord {
        key: key.to_owned(),
        word: text.to_owned(),
        known: known.iter().map(|&word| word.to_owned()).collect(),
    };
    Err(Flaw::new(violation, &node.span))
}
