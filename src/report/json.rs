//! `report.json`, pretty-printed so that two reports can be compared with `diff`.

use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use serde_json::error::Category;

use super::error::ReportError;
use super::sanitise;
use crate::results::model::{Report, SCHEMA};

/// The report as JSON, with a newline at the end. Figures that are no numbers make their result invalid.
///
/// # Errors
/// [`ReportError::Render`] if the report cannot be represented.
pub fn render(report: &Report) -> Result<String, ReportError> {
    pretty(&sanitise::finite(report), "report.json")
}

/// JSON that can be compared with `diff`, with a newline at the end; `format` is for messages.
pub(super) fn pretty(value: &impl Serialize, format: &'static str) -> Result<String, ReportError> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| ReportError::Render { format, why: error.to_string() })?;
    text.push('\n');
    Ok(text)
}

/// Reads a report from a file.
///
/// # Errors
/// The file cannot be read, is cut off, is no JSON, is no report, or has another schema.
pub fn read(path: &Path) -> Result<Report, ReportError> {
    let text = fs::read(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
    parse(&text, path)
}

/// Reads a report from memory; `path` is for messages.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &[u8], path: &Path) -> Result<Report, ReportError> {
    // The schema is looked at first: a report of another version would otherwise be blamed for some missing field.
    let value: Value = serde_json::from_slice(text).map_err(|error| malformed(&error, path))?;
    match value.get("schema") {
        Some(Value::String(schema)) if schema == SCHEMA => {}
        Some(Value::String(schema)) => {
            return Err(ReportError::ForeignSchema { path: path.to_owned(), found: schema.clone() });
        }
        _ => return Err(ReportError::NoSchema { path: path.to_owned() }),
    }
    // From the text again, so that an error has a line and a column.
    serde_json::from_slice(text).map_err(|error| malformed(&error, path))
}

fn malformed(error: &serde_json::Error, path: &Path) -> ReportError {
    let path = path.to_owned();
    if error.classify() == Category::Eof {
        return ReportError::CutOff { path, line: error.line() };
    }
    // serde_json's text ends in the position, which the variant has as fields.
    let text = error.to_string();
    let why = text.split(" at line ").next().unwrap_or(&text).to_owned();
    ReportError::Malformed { path, line: error.line(), column: error.column(), why }
}
