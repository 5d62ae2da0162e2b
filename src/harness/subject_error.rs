//! Why a subject cannot be used, with the place in its file.

use std::fmt;
use std::io;
use std::path::PathBuf;

use miette::{Diagnostic, NamedSource, SourceSpan};

use crate::suggest::nearest;

/// Why a subject cannot be used.
#[derive(Debug)]
pub enum SubjectError {
    /// No built-in subject and no file has this name.
    Unknown {
        /// What was asked for.
        asked: String,
        /// The built-in subjects.
        known: Vec<String>,
    },
    /// The file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not what it should be.
    Invalid(Box<InvalidFile>),
    /// A command needs the project's source checkout, and there is none.
    NoCheckout {
        /// Subject.
        subject: String,
        /// The word that needs it.
        word: String,
    },
}

/// A file that is not what it should be, and where.
#[derive(Debug)]
pub struct InvalidFile {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong, and what to do.
    pub message: String,
    pub(super) source: NamedSource<String>,
    pub(super) span: SourceSpan,
}

impl fmt::Display for SubjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { asked, known } => {
                write!(f, "no subject `{asked}`: ")?;
                if let Some(near) = nearest(asked, known) {
                    write!(f, "did you mean `{near}`? ")?;
                }
                let list = known.join(", ");
                write!(f, "built in are {list}; a subject of your own is named by the path of its subject.toml")
            }
            Self::Unreadable { path, source } => write!(f, "{} cannot be read: {source}", path.display()),
            Self::Invalid(invalid) => {
                write!(f, "{}:{}:{}: {}", invalid.file, invalid.line, invalid.column, invalid.message)
            }
            Self::NoCheckout { subject, word } => write!(
                f,
                "subject `{subject}` needs `{word}`, and there is no source checkout of shmark at or above the current \
                 folder. Its peer links the implementation's own crates and has to be built from source: run shmark \
                 inside a checkout"
            ),
        }
    }
}

impl std::error::Error for SubjectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl Diagnostic for SubjectError {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        match self {
            Self::Invalid(invalid) => Some(&invalid.source),
            _ => None,
        }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        match self {
            Self::Invalid(invalid) => Some(Box::new(std::iter::once(miette::LabeledSpan::new_with_span(
                Some("here".to_owned()),
                invalid.span,
            )))),
            _ => None,
        }
    }
}

/// A file that is wrong at a place in its text.
pub(super) fn invalid(file: &str, text: &str, span: std::ops::Range<usize>, message: String) -> SubjectError {
    let before = text.get(..span.start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let source = NamedSource::new(file, text.to_owned()).with_language("TOML");
    SubjectError::Invalid(Box::new(InvalidFile {
        file: file.to_owned(),
        line,
        column,
        message,
        source,
        span: span.into(),
    }))
}
