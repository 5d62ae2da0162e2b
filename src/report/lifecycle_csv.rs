//! `lifecycle.csv`: one row a figure about the lifecycle, for spreadsheets and data frames.

use super::csv::no_formula;
use super::error::ReportError;
use super::sanitise::sanitise;
use super::tracked::case_text;
use crate::results::model::{LifecycleFigure, LifecycleResult, Report};

/// Columns. The figure's name has its unit at its end; bounds are those of a 95 % confidence interval.
const HEADINGS: [&str; 11] =
    ["scenario", "case", "subject", "valid", "why_invalid", "rounds", "figure", "median", "low", "high", "max"];

/// The results as CSV (RFC 4180, but with `\n`), with headings even without a result. One that does not count has a row
/// without figures.
///
/// # Errors
/// [`ReportError::Render`] if a row cannot be written.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let failed = |why: String| ReportError::Render { format: "lifecycle.csv", why };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADINGS).map_err(|error| failed(error.to_string()))?;
    for result in &sanitise(report).lifecycle {
        let figures: Vec<Option<&LifecycleFigure>> =
            if result.valid { result.figures.iter().map(Some).collect() } else { vec![None] };
        for figure in figures {
            writer.write_record(row(result, figure)).map_err(|error| failed(error.to_string()))?;
        }
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}

fn row(result: &LifecycleResult, figure: Option<&LifecycleFigure>) -> [String; HEADINGS.len()] {
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let bounds = figure.and_then(|figure| figure.ci95);
    [
        no_formula(&result.scenario),
        no_formula(&case_text(&result.case)),
        no_formula(&result.subject),
        result.valid.to_string(),
        no_formula(result.why_invalid.as_deref().unwrap_or_default()),
        result.rounds.to_string(),
        figure.map_or_else(String::new, |figure| no_formula(&figure.name)),
        number(figure.map(|figure| figure.median)),
        number(bounds.map(|[low, _]| low)),
        number(bounds.map(|[_, high]| high)),
        number(figure.map(|figure| figure.max)),
    ]
}
