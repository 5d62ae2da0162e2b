//! The text of a file, and where in it something stands.

use std::ops::Range;
use std::sync::Arc;

/// Bytes of the text, from and up to.
pub type Span = Range<usize>;

/// One file. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Source {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: String,
    text: String,
    line_starts: Vec<usize>,
}

impl Source {
    /// `file` is the name that messages show.
    pub fn new(file: &str, text: &str) -> Self {
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { inner: Arc::new(Inner { file: file.to_owned(), text: text.to_owned(), line_starts }) }
    }

    /// Name that messages show.
    pub fn file(&self) -> &str {
        &self.inner.file
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.inner.text
    }

    /// Line of a byte, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.inner.line_starts.partition_point(|start| *start <= at).max(1)
    }

    /// Column of a byte in its line, in characters, from 1.
    pub fn column(&self, at: usize) -> usize {
        let start = self.line_start(at);
        let at = self.text().floor_char_boundary(at);
        self.text().get(start..at).map_or(0, |before| before.chars().count()) + 1
    }

    /// Text of the line of a byte, without its line break.
    pub fn line_text(&self, at: usize) -> &str {
        self.text().get(self.line_start(at)..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.inner.line_starts.get(self.line(at) - 1).copied().unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::Source;

    #[test]
    fn counts_lines_and_characters_from_one() {
        let source = Source::new("f", "a = 1\nä = 2\n");
        let at = source.text().find('2').unwrap();
        assert_eq!((source.line(0), source.column(0)), (1, 1));
        assert_eq!((source.line(at), source.column(at)), (2, 5));
        assert_eq!(source.line_text(at), "ä = 2");
    }

    #[test]
    fn a_place_behind_the_end_is_the_end() {
        let source = Source::new("f", "a");
        assert_eq!((source.line(99), source.column(99), source.line_text(99)), (1, 2, "a"));
    }
}
