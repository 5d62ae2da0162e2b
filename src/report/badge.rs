//! A badge: how the run ended, in one picture for a README, or as data for an endpoint of shields.io.

use serde_json::json;

use super::error::ReportError;
use super::sanitise::sanitise;
use super::summary::{Summary, Tone};
use crate::results::model::{Report, Verdict};

const LABEL: &str = "shmark";
/// Height, px, and the width of a character of its font at 11 px, in about.
const HEIGHT: usize = 20;
const CHARACTER: f64 = 6.6;
/// On either side of a text, px.
const PADDING: f64 = 6.0;

/// As an image.
pub fn svg(report: &Report) -> String {
    let (message, colour) = badge(report);
    let width = |text: &str| (text.chars().count() as f64 * CHARACTER + 2.0 * PADDING).round();
    let (left, right) = (width(LABEL), width(&message));
    let whole = left + right;
    let message = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"{HEIGHT}\" role=\"img\" aria-label=\"{LABEL}: {message}\">\n\
         <title>{LABEL}: {message}</title>\n\
         <clipPath id=\"r\"><rect width=\"{whole}\" height=\"{HEIGHT}\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"{HEIGHT}\" fill=\"#444\"/><rect x=\"{left}\" width=\"{right}\" height=\"{HEIGHT}\" fill=\"{}\"/></g>\n\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"{}\" y=\"14\">{LABEL}</text><text x=\"{}\" y=\"14\">{message}</text></g>\n</svg>\n",
        colour.hex,
        left / 2.0,
        left + right / 2.0,
    )
}

/// As data for an endpoint badge (<https://shields.io/badges/endpoint-badge>).
///
/// # Errors
/// [`ReportError::Render`], which would be a defect.
pub fn shields(report: &Report) -> Result<String, ReportError> {
    let (message, colour) = badge(report);
    let value = json!({ "schemaVersion": 1, "label": LABEL, "message": message, "color": colour.name });
    serde_json::to_string_pretty(&value)
        .map(|text| text + "\n")
        .map_err(|error| ReportError::Render { format: "badge.json", why: error.to_string() })
}

struct BadgeColour {
    name: &'static str,
    hex: &'static str,
}

/// What it says. White text on each colour has a contrast of at least 4.5.
fn badge(report: &Report) -> (String, BadgeColour) {
    let report = &sanitise(report);
    let summary = Summary::of(report);
    let judged: usize = summary.counts.values().sum::<usize>() - summary.count(Verdict::Skipped);
    let held = summary.requirements;
    let fails =
        summary.unexpected.len() + summary.bench_invalid + report.comparisons.iter().filter(|c| c.fails).count();
    let message = match summary.tone() {
        Tone::Bad if fails > 0 => format!("{fails} unexpected"),
        Tone::Bad => "failed".to_owned(),
        Tone::Unclear => "no verdict".to_owned(),
        Tone::Good if held.total() > 0 => format!("{} of {} requirements", held.held, held.total()),
        Tone::Good if judged > 0 => format!("{judged} as expected"),
        Tone::Good => "as expected".to_owned(),
    };
    let colour = match summary.tone() {
        Tone::Good => BadgeColour { name: "success", hex: "#1a7f37" },
        Tone::Bad => BadgeColour { name: "critical", hex: "#b3261e" },
        Tone::Unclear => BadgeColour { name: "lightgrey", hex: "#6b6b6b" },
    };
    (message, colour)
}
