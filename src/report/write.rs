//! A run's results folder: every format of one report.

use std::path::{Path, PathBuf};

use super::error::ReportError;
use super::file::write_file;
use super::model::Report;
use super::{html, json, junit, markdown, plots};

/// What [`write_all`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page to open.
    pub html: PathBuf,
    /// `report.json`.
    pub json: PathBuf,
    /// `summary.md`.
    pub markdown: PathBuf,
    /// `junit.xml`.
    pub junit: PathBuf,
    /// Every plot, `.svg` and `.png`.
    pub plots: Vec<PathBuf>,
}

/// Writes `report.json`, `junit.xml`, `summary.md`, `plots/*.svg`, `plots/*.png` and `report.html` into `dir`, which is
/// made if needed. The data comes first and the page last: whoever sees the page finds the rest.
///
/// # Errors
/// A file that cannot be written, or a defect of a format. Files already written stay.
pub fn write_all(report: &Report, dir: &Path) -> Result<Written, ReportError> {
    let written = |name: &str, text: String| -> Result<PathBuf, ReportError> {
        let path = dir.join(name);
        write_file(&path, text.as_bytes())?;
        Ok(path)
    };
    let json = written("report.json", json::render(report)?)?;
    let junit = written("junit.xml", junit::render(report)?)?;
    let markdown = written("summary.md", markdown::render(report))?;
    let plots = plots::write_all(report, &dir.join("plots"))?;
    let html = written("report.html", html::render(report)?)?;
    Ok(Written { html, json, markdown, junit, plots })
}
