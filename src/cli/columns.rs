//! Rows as aligned columns, without a frame, so that they can be cut, sorted and searched.

use std::fmt::Write as _;

use crate::report::sanitise::visible;

/// One line a row; every column but the last is as wide as its widest cell. Hidden characters are shown as escapes.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> =
        rows.iter().map(|row| row.iter().map(|cell| visible(cell).replace(['\n', '\t'], " ")).collect()).collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..count).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(line, "{cell:<width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_aligned_and_harmless() {
        let rows = [["a", "b", ""], ["long", "\u{1b}[31mc\nd", "e"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "a     b\nlong  \\u{1b}[31mc d  e\n");
    }
}
