//! Builds that were compared, ready as text.

use serde::Serialize;

use super::figures::Plot;
use crate::report::comparisons::{HEADINGS, LEGEND, caution, ordered, row, sentence};
use crate::report::error::ReportError;
use crate::report::plots::comparison;
use crate::results::model::{Comparison, ComparisonVerdict};

/// The section.
#[derive(Serialize)]
pub(super) struct BuildsView {
    plot: Option<Plot>,
    caution: Option<&'static str>,
    legend: &'static str,
    sentences: Vec<String>,
    headings: [&'static str; HEADINGS.len()],
    rows: Vec<BuildsRow>,
}

#[derive(Serialize)]
struct BuildsRow {
    class: &'static str,
    cells: [String; HEADINGS.len()],
}

impl BuildsView {
    /// `None` without any.
    ///
    /// # Errors
    /// A drawing that cannot be rendered.
    pub(super) fn of(comparisons: &[Comparison]) -> Result<Option<Self>, ReportError> {
        let ordered = ordered(comparisons);
        let plot = Plot::of(|shape| comparison::draw(comparisons, shape))?;
        let rows = ordered.iter().map(|comparison| BuildsRow { class: class(comparison), cells: row(comparison) });
        Ok((!ordered.is_empty()).then(|| Self {
            plot,
            caution: caution(comparisons),
            legend: LEGEND,
            sentences: ordered.iter().map(|comparison| sentence(comparison)).collect(),
            headings: HEADINGS,
            rows: rows.collect(),
        }))
    }
}

fn class(comparison: &Comparison) -> &'static str {
    match comparison.verdict {
        _ if comparison.fails => "bad",
        ComparisonVerdict::Worse | ComparisonVerdict::Invalid => "warn",
        ComparisonVerdict::TooNoisy => "quiet",
        ComparisonVerdict::Better | ComparisonVerdict::Same => "good",
    }
}
