//! The matrix: its cells, and how a `$name` is filled in.

use std::collections::BTreeSet;

use super::error::{Flaw, Parsed};
use super::fields::is_name;
use super::tree::{Data, Entry, Node};
use super::violation::Violation;

/// The round of a repeat.
pub(super) const ROUND: &str = "i";
/// Cells that one scenario may have.
const CELLS_MAX: usize = 256;

/// Variables with a value each.
pub(super) type Cell = Vec<(String, Node)>;

/// Every combination of the matrix, the last variable changing fastest. One empty cell without a matrix.
pub(super) fn cells(matrix: Option<&Node>) -> Parsed<Vec<Cell>> {
    let Some(matrix) = matrix else { return Ok(vec![Vec::new()]) };
    let mut cells: Vec<Cell> = vec![Vec::new()];
    for entry in matrix.entries("matrix")? {
        if entry.key == ROUND {
            return Err(Flaw::new(Violation::ReservedVariable, &entry.key_span));
        }
        if !is_name(&entry.key) {
            return Err(Flaw::new(Violation::BadName { name: entry.key.clone() }, &entry.key_span));
        }
        let values = entry.value.list(&entry.key)?;
        for (i, value) in values.iter().enumerate() {
            if !matches!(value.data, Data::Text(_) | Data::Whole(_) | Data::Flag(_)) {
                let wanted = "a text, a number or a flag".to_owned();
                let violation = Violation::WrongType { key: entry.key.clone(), wanted, found: value.described() };
                return Err(Flaw::new(violation, &value.span));
            }
            if values[..i].iter().any(|earlier| earlier.data == value.data) {
                let violation = Violation::ListedTwice { key: entry.key.clone(), word: plain(value) };
                return Err(Flaw::new(violation, &value.span));
            }
        }
        if cells.len().saturating_mul(values.len()) > CELLS_MAX {
            let violation = Violation::TooMuch { what: "matrix cells".to_owned(), max: CELLS_MAX };
            return Err(Flaw::new(violation, &matrix.span));
        }
        cells = cells
            .into_iter()
            .flat_map(|cell| {
                values.iter().map(move |value| {
                    let mut cell = cell.clone();
                    cell.push((entry.key.clone(), value.clone()));
                    cell
                })
            })
            .collect();
    }
    Ok(cells)
}

/// A matrix value as it stands in a scenario's name.
pub(super) fn plain(value: &Node) -> String {
    match &value.data {
        Data::Text(text) => text.clone(),
        _ => value.to_string(),
    }
}

/// Fills variables in, everywhere below `node`.
#[derive(Debug)]
pub(super) struct Filler<'a> {
    cell: &'a Cell,
    /// Whether `$i` may stay: it is filled in when the repeat is written out.
    round_may_stay: bool,
    /// Variables that were met.
    pub used: BTreeSet<String>,
}

impl<'a> Filler<'a> {
    pub fn new(cell: &'a Cell) -> Self {
        Self { cell, round_may_stay: false, used: BTreeSet::new() }
    }

    /// `node` with every variable replaced. A text that is exactly `$name` becomes the value with its type.
    pub fn fill(&mut self, node: &Node) -> Parsed<Node> {
        let data = match &node.data {
            Data::Text(text) => self.text(text, node)?,
            Data::List(items) => Data::List(items.iter().map(|item| self.fill(item)).collect::<Parsed<_>>()?),
            Data::Table(entries) => self.table(entries)?,
            other => other.clone(),
        };
        Ok(Node { span: node.span.clone(), data })
    }

    fn table(&mut self, entries: &[Entry]) -> Parsed<Data> {
        let repeats = entries
            .iter()
            .any(|entry| entry.key == "runner" && matches!(&entry.value.data, Data::Text(text) if text == "repeat"));
        let outside = self.round_may_stay;
        self.round_may_stay |= repeats;
        let filled = entries
            .iter()
            .map(|entry| Ok(Entry { value: self.fill(&entry.value)?, ..entry.clone() }))
            .collect::<Parsed<_>>();
        self.round_may_stay = outside;
        Ok(Data::Table(filled?))
    }

    fn text(&mut self, text: &str, node: &Node) -> Parsed<Data> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            filled.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len());
            let (name, behind) = after.split_at(end);
            rest = behind;
            match self.cell.iter().find(|(variable, _)| variable == name) {
                // A dollar sign with no name behind it is one.
                _ if !is_name(name) => {
                    filled.push('$');
                    filled.push_str(name);
                }
                Some((variable, value)) => {
                    self.used.insert(variable.clone());
                    if text.len() == name.len() + 1 {
                        return Ok(value.data.clone());
                    }
                    filled.push_str(&plain(value));
                }
                None if name == ROUND && self.round_may_stay => filled.push_str("$i"),
                None if name == ROUND => return Err(Flaw::new(Violation::RoundOutsideRepeat, &node.span)),
                None => {
                    let known = self.cell.iter().map(|(variable, _)| variable.clone()).collect();
                    return Err(Flaw::new(Violation::UnknownVariable { name: name.to_owned(), known }, &node.span));
                }
            }
        }
        filled.push_str(rest);
        Ok(Data::Text(filled))
    }
}
