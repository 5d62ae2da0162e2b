//! What is wrong with a file, and where.

use std::fmt;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};

use super::source::{Source, Span};
use super::violation::Violation;

/// A flaw of the text at hand; becomes a [`ScenarioError`] once the file is known.
#[derive(Debug, Clone)]
pub(super) struct Flaw {
    violation: Box<Violation>,
    span: Span,
}

/// Result while one file is read.
pub(super) type Parsed<T> = Result<T, Flaw>;

impl Flaw {
    pub fn new(violation: Violation, span: &Span) -> Self {
        Self { violation: Box::new(violation), span: span.clone() }
    }

    pub fn in_file(self, source: &Source) -> ScenarioError {
        ScenarioError {
            inner: Box::new(Inner {
                violation: *self.violation,
                named: NamedSource::new(source.file(), source.text().to_owned()),
                source: source.clone(),
                span: self.span,
            }),
        }
    }
}

/// A rule that a scenario file violates, with its place and a remedy.
///
/// `Display` is one line, `file:line:column: text; remedy`. As a [`miette::Diagnostic`] it shows the line of the file
/// with the place marked.
#[derive(Debug, Clone)]
pub struct ScenarioError {
    inner: Box<Inner>,
}

#[derive(Debug, Clone)]
struct Inner {
    violation: Violation,
    source: Source,
    named: NamedSource<String>,
    span: Span,
}

impl ScenarioError {
    /// The rule.
    pub fn violation(&self) -> &Violation {
        &self.inner.violation
    }

    /// The file, as it was named when it was loaded.
    pub fn file(&self) -> &str {
        self.inner.source.file()
    }

    /// Line, from 1.
    pub fn line(&self) -> usize {
        self.inner.source.line(self.inner.span.start)
    }

    /// Column in characters, from 1.
    pub fn column(&self) -> usize {
        self.inner.source.column(self.inner.span.start)
    }

    /// The line's text.
    pub fn line_text(&self) -> &str {
        self.inner.source.line_text(self.inner.span.start)
    }
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file(), self.line(), self.column(), self.inner.violation)?;
        match self.inner.violation.remedy() {
            Some(remedy) => write!(f, "; {remedy}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ScenarioError {}

impl Diagnostic for ScenarioError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!("scenario::{}", self.inner.violation.code())))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.inner.violation.remedy().map(|remedy| Box::new(remedy) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.inner.named)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let text = self.inner.source.text();
        let start = text.floor_char_boundary(self.inner.span.start);
        let end = text.ceil_char_boundary(self.inner.span.end).max(start);
        // Only the first line of a long table is marked: the rest would bury the message.
        let len = text.get(start..end).map_or(0, |marked| marked.lines().next().unwrap_or_default().len());
        Some(Box::new(std::iter::once(LabeledSpan::new(Some("here".to_owned()), start, len))))
    }
}
