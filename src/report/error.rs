//! What can go wrong between a report and a file.

use std::path::PathBuf;

use crate::results::model::SCHEMA;

/// Why a report could not be read, rendered or written.
#[derive(Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "fields carry what the message shows")]
pub enum ReportError {
    /// A file or folder could not be read.
    Read { path: PathBuf, source: std::io::Error },
    /// A file or folder could not be written.
    Write { path: PathBuf, source: std::io::Error },
    /// Another run writes its results into the folder.
    InUse { path: PathBuf },
    /// The file ends in the middle.
    CutOff { path: PathBuf, line: usize },
    /// The file is not JSON, or not a report.
    Malformed { path: PathBuf, line: usize, column: usize, why: String },
    /// The file says that it has another schema.
    ForeignSchema { path: PathBuf, found: String },
    /// The file says no schema at all.
    NoSchema { path: PathBuf },
    /// An events file without a first event to build on.
    NoRunStarted { path: PathBuf },
    /// A template, table or drawing could not be made; a defect of shmark.
    Render { format: &'static str, why: String },
}

impl std::fmt::Display for ReportError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(f, "cannot read {}: {source}; give the path of a report.json or events.jsonl", path.display())
            }
            Self::Write { path, source } => {
                write!(f, "cannot write {}: {source}; choose another place", path.display())
            }
            Self::InUse { path } => write!(
                f,
                "another run writes its results into {}; wait for its end, or choose another folder with --out",
                path.display()
            ),
            Self::CutOff { path, line } => write!(
                f,
                "{} ends in the middle, at line {line}: its writer was stopped or the copy is incomplete; copy it again, \
                 or render the events.jsonl beside it, which holds everything up to that moment",
                path.display()
            ),
            Self::Malformed { path, line, column, why } => write!(
                f,
                "{}:{line}:{column}: not a report: {why}; give a report.json that shmark wrote, or run shmark again",
                path.display()
            ),
            Self::ForeignSchema { path, found } => write!(
                f,
                "{} has the schema {found:?}, this shmark reads {:?}; render it with the shmark that wrote it, or run \
                 again with this one",
                path.display(),
                SCHEMA
            ),
            Self::NoSchema { path } => write!(
                f,
                "{} is JSON without a \"schema\" field, so it is no report; give a report.json that shmark wrote",
                path.display()
            ),
            Self::NoRunStarted { path } => write!(
                f,
                "{} does not begin with a run-started event, so nothing says what ran; give an events.jsonl from its \
                 first line on",
                path.display()
            ),
            Self::Render { format, why } => {
                write!(
                    f,
                    "cannot render {format}: {why}; this is a defect of shmark, please report it with report.json"
                )
            }
        }
    }
}

impl std::error::Error for ReportError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { source, .. } | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
