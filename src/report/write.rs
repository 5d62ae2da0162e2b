//! A run's results folder: every format of one report.

use std::path::{Path, PathBuf};
use std::{fs, io};

use super::error::ReportError;
use super::file::write_file;
use super::formats::{FORMATS, Format};
use super::plots;
use crate::results::model::Report;

/// What [`write_all`] wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// A file for each format.
    pub files: Vec<PathBuf>,
    /// The one of them to open.
    pub page: Option<PathBuf>,
    /// Every plot, `.svg` and `.png`.
    pub plots: Vec<PathBuf>,
}

/// Folder of the plots in that of the results.
const PLOTS: &str = "plots";

/// Removes from `dir` what [`write_all`] has written there for an earlier report, so that nobody takes it for this one's
/// before there is one, or if there never is. Regular files alone; a folder that is not there is empty.
///
/// # Errors
/// [`ReportError::Write`] with a file that cannot be removed.
pub fn clear(dir: &Path) -> Result<(), ReportError> {
    for format in FORMATS {
        remove(&dir.join(format.file))?;
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

/// Writes every format of [`FORMATS`], `plots/*.svg` and `plots/*.png` into `dir`, which is made if needed. The page comes
/// last: whoever sees it finds the rest. Plots of an earlier report are removed.
///
/// # Errors
/// A file that cannot be written, or a defect of a format. Files already written stay.
pub fn write_all(report: &Report, dir: &Path) -> Result<Written, ReportError> {
    let written = |format: &Format| -> Result<PathBuf, ReportError> {
        let path = dir.join(format.file);
        write_file(&path, (format.render)(report)?.as_bytes())?;
        Ok(path)
    };
    let all = |is_page: bool| FORMATS.iter().filter(move |format| format.is_page == is_page);
    let mut files = all(false).map(written).collect::<Result<Vec<_>, _>>()?;
    let plots = plots::write_all(report, &dir.join(PLOTS))?;
    clear_plots(&dir.join(PLOTS), &plots)?;
    let pages = all(true).map(written).collect::<Result<Vec<_>, _>>()?;
    let page = pages.first().cloned();
    files.extend(pages);
    Ok(Written { files, page, plots })
}
