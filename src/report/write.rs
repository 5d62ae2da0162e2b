//! A run's results folder: every format of one report.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::error::ReportError;
use super::file::write_file;
use super::{html, json, junit, markdown, plots};
use crate::results::model::Report;

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

const JSON: &str = "report.json";
const JUNIT: &str = "junit.xml";
const MARKDOWN: &str = "summary.md";
const HTML: &str = "report.html";
const PLOTS: &str = "plots";

/// Removes from `dir` what [`write_all`] has written there for an earlier report, so that nobody takes it for this one's
/// before there is one, or if there never is. Regular files alone; a folder that is not there is empty.
///
/// # Errors
/// [`ReportError::Write`] with a file that cannot be removed.
pub fn clear(dir: &Path) -> Result<(), ReportError> {
    for name in [JSON, JUNIT, MARKDOWN, HTML] {
        remove(&dir.join(name))?;
    }
    clear_plots(&dir.join(PLOTS), &[])
}

/// Removes all plots but those of this report.
fn clear_plots(dir: &Path, ours: &[PathBuf]) -> Result<(), ReportError> {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if plots::is_named_as_one(&path) && !ours.contains(&path) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), ReportError> {
    if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Ok(());
    }
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(ReportError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Writes `report.json`, `junit.xml`, `summary.md`, `plots/*.svg`, `plots/*.png` and `report.html` into `dir`, which is
/// made if needed. The data comes first and the page last: whoever sees the page finds the rest. Plots of an earlier
/// report are removed.
///
/// # Errors
/// A file that cannot be written, or a defect of a format. Files already written stay.
pub fn write_all(report: &Report, dir: &Path) -> Result<Written, ReportError> {
    let written = |name: &str, text: String| -> Result<PathBuf, ReportError> {
        let path = dir.join(name);
        write_file(&path, text.as_bytes())?;
        Ok(path)
    };
    let json = written(JSON, json::render(report)?)?;
    let junit = written(JUNIT, junit::render(report)?)?;
    let markdown = written(MARKDOWN, markdown::render(report))?;
    let plots = plots::write_all(report, &dir.join(PLOTS))?;
    clear_plots(&dir.join(PLOTS), &plots)?;
    let html = written(HTML, html::render(report)?)?;
    Ok(Written { html, json, markdown, junit, plots })
}
