//! TOML as a tree that remembers where everything stands.

use std::fmt;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::error::{Flaw, Parsed};
use super::source::Span;
use super::violation::Violation;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub span: Span,
    pub data: Data,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Text(String),
    Whole(i64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What no scenario uses: floats, dates, integers beyond 64 bits. Its kind, and how it is written.
    Other(&'static str, String),
}

/// A key of a table and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub key: String,
    pub key_span: Span,
    pub value: Node,
}

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Parsed<Node> {
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        Flaw::new(Violation::Syntax { message: error.message().to_owned() }, &span)
    })?;
    Ok(Node { span: 0..0, data: Data::Table(entries(table.get_ref())) })
}

fn entries(table: &DeTable<'_>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = table
        .iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            key_span: key.span(),
            value: Node { span: value.span(), data: data(value.get_ref()) },
        })
        .collect();
    // The order of the file decides the order of peers and of matrix variables.
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn data(value: &DeValue<'_>) -> Data {
    match value {
        DeValue::String(text) => Data::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Data::Other("integer beyond 64 bits", number.to_string()), Data::Whole),
        DeValue::Boolean(flag) => Data::Flag(*flag),
        DeValue::Array(items) => {
            Data::List(items.iter().map(|item| Node { span: item.span(), data: data(item.get_ref()) }).collect())
        }
        DeValue::Table(table) => Data::Table(entries(table)),
        DeValue::Float(number) => Data::Other("fraction", number.to_string()),
        DeValue::Datetime(date) => Data::Other("date", date.to_string()),
    }
}

impl Node {
    /// Kind and value for a message: `the text "a"`.
    pub fn described(&self) -> String {
        match &self.data {
            Data::Text(_) => format!("the text {self}"),
            Data::Whole(_) => format!("the number {self}"),
            Data::Flag(_) => format!("the flag {self}"),
            Data::List(_) => "a list".to_owned(),
            Data::Table(_) => "a table".to_owned(),
            Data::Other(kind, _) => format!("the {kind} {self}"),
        }
    }

    fn wrong(&self, key: &str, wanted: &str) -> Flaw {
        let violation =
            Violation::WrongType { key: key.to_owned(), wanted: wanted.to_owned(), found: self.described() };
        Flaw::new(violation, &self.span)
    }

    pub fn text(&self, key: &str) -> Parsed<&str> {
        match &self.data {
            Data::Text(text) => Ok(text),
            _ => Err(self.wrong(key, "a text")),
        }
    }

    /// An integer from 0 to 2^63 - 1.
    pub fn count(&self, key: &str) -> Parsed<u64> {
        match self.data {
            Data::Whole(number) => u64::try_from(number).map_err(|_| self.wrong(key, "a number from 0")),
            _ => Err(self.wrong(key, "a number from 0")),
        }
    }

    pub fn flag(&self, key: &str) -> Parsed<bool> {
        match self.data {
            Data::Flag(flag) => Ok(flag),
            _ => Err(self.wrong(key, "true or false")),
        }
    }

    pub fn list(&self, key: &str) -> Parsed<&[Node]> {
        match &self.data {
            Data::List(items) if items.is_empty() => {
                Err(Flaw::new(Violation::EmptyList { key: key.to_owned() }, &self.span))
            }
            Data::List(items) => Ok(items),
            _ => Err(self.wrong(key, "a list")),
        }
    }

    pub fn entries(&self, key: &str) -> Parsed<&[Entry]> {
        match &self.data {
            Data::Table(entries) => Ok(entries),
            _ => Err(self.wrong(key, "a table")),
        }
    }

    /// As it goes on the wire.
    pub fn json(&self) -> Value {
        match &self.data {
            Data::Text(text) | Data::Other(_, text) => Value::from(text.as_str()),
            Data::Whole(number) => Value::from(*number),
            Data::Flag(flag) => Value::from(*flag),
            Data::List(items) => items.iter().map(Node::json).collect(),
            Data::Table(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.value.json())).collect(),
        }
    }
}

/// TOML on one line.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Data::Whole(number) => write!(f, "{number}"),
            Data::Flag(flag) => write!(f, "{flag}"),
            Data::Other(_, text) => f.write_str(text),
            Data::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
            Data::Table(entries) if entries.is_empty() => f.write_str("{}"),
            Data::Table(entries) => {
                f.write_str("{")?;
                for (i, entry) in entries.iter().enumerate() {
                    write!(f, "{}{} = {}", if i == 0 { " " } else { ", " }, entry.key, entry.value)?;
                }
                f.write_str(" }")
            }
        }
    }
}
