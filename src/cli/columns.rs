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

/// As [`columns`], with the last cell wrapped to `width`: beside the others if it has room there, else below them. The
/// other cells are never wrapped, so that they can be copied.
pub(super) fn columns_within(rows: &[Vec<String>], width: usize) -> String {
    let short: Vec<Vec<String>> = rows.iter().map(|row| row[..row.len().saturating_sub(1)].to_vec()).collect();
    let heads = columns(&short);
    let lead = heads.lines().map(|head| head.chars().count()).max().unwrap_or(0) + 2;
    let beside = width >= lead + TEXT_MIN;
    let indent = if beside { lead } else { 4 };
    let mut text = String::new();
    for (head, row) in heads.lines().zip(rows) {
        let cell = row.last().map(|cell| visible(cell)).unwrap_or_default();
        let lines = wrap(&cell, width.saturating_sub(indent));
        let mut lines = lines.iter();
        let first = if beside { lines.next() } else { None };
        let line = format!("{head:<lead$}{}", first.map_or("", |line| line.as_str()));
        let _ = writeln!(text, "{}", line.trim_end());
        for line in lines {
            let _ = writeln!(text, "{:indent$}{line}", "");
        }
    }
    text
}

/// Columns that a text needs beside others.
const TEXT_MIN: usize = 30;

/// A text in lines of at most `width` characters; only a longer word is longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A text whose lines fit a terminal, which would break them inside words. Lines that fit stay as they are, and so do those
/// to copy, which begin with `shmark`; what is broken keeps its indentation.
pub(super) fn fitted(text: &str, width: Option<usize>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut fitted = String::new();
    for line in text.split_inclusive('\n') {
        let (content, end) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        let plain = content.trim_start();
        if content.chars().count() <= width || plain.starts_with("shmark ") {
            fitted.push_str(line);
            continue;
        }
        let indent = &content[..content.len() - plain.len()];
        let lines = wrap(plain, width.saturating_sub(indent.chars().count()));
        fitted.push_str(indent);
        fitted.push_str(&lines.join(&format!("\n{indent}")));
        fitted.push_str(end);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_aligned_and_harmless() {
        let rows = [["a", "b", ""], ["long", "\u{1b}[31mc\nd", "e"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "a     b\nlong  \\u{1b}[31mc d  e\n");
    }

    #[test]
    fn texts_are_wrapped_between_words_beside_or_below() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("unbreakable a", 4), ["unbreakable", "a"]);
        assert!(wrap(" ", 4).is_empty());
        assert_eq!(fitted("  code  x\n  more words\n", Some(9)), "  code  x\n  more\n  words\n");
        assert_eq!(fitted("shmark list subjects", Some(9)), "shmark list subjects");
        assert_eq!(fitted("more words", None), "more words");
        let rows = [vec!["id".to_owned(), "must".to_owned(), "word ".repeat(12)]];
        let text = columns_within(&rows, 45);
        assert!(text.starts_with("id  must  word") && text.lines().all(|line| line.chars().count() <= 45), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("          word")), "{text}");
        let text = columns_within(&rows, 30);
        assert!(
            text.starts_with("id  must\n    word") && text.lines().all(|line| line.chars().count() <= 30),
            "{text}"
        );
    }
}
