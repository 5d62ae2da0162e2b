//! JSON Schemas of `report.json` and of a line of `events.jsonl`, from the types that write them.

use super::error::ReportError;
use crate::results::events::Event;
use crate::results::model::Report;

/// Schema of `report.json`, pretty-printed.
///
/// # Errors
/// [`ReportError::Render`] if the schema cannot be written as JSON.
pub fn report_schema() -> Result<String, ReportError> {
    text(&schemars::schema_for!(Report))
}

/// Schema of one line of `events.jsonl`, pretty-printed.
///
/// # Errors
/// As [`report_schema`].
pub fn event_schema() -> Result<String, ReportError> {
    text(&schemars::schema_for!(Event))
}

fn text(schema: &schemars::Schema) -> Result<String, ReportError> {
    serde_json::to_string_pretty(schema)
        .map(|text| text + "\n")
        .map_err(|error| ReportError::Render { format: "JSON Schema", why: error.to_string() })
}
