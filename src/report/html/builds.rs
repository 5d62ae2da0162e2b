//! Builds that were compared, ready as text.

use serde::Serialize;

use crate::report::comparisons::{HEADINGS, LEGEND, caution, ordered, row, sentence};
use crate::results::model::{Comparison, ComparisonVerdict};

/// The section.
#[derive(Serialize)]
pub(super) struct BuildsView {
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
    pub(super) fn of(comparisons: &[Comparison]) -> Option<Self> {
        let ordered = ordered(comparisons);
        let rows = ordered.iter().map(|comparison| BuildsRow { class: class(comparison), cells: row(comparison) });
        (!ordered.is_empty()).then(|| Self {
            caution: caution(comparisons),
            legend: LEGEND,
            sentences: ordered.iter().map(|comparison| sentence(comparison)).collect(),
            headings: HEADINGS,
            rows: rows.collect(),
        })
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
