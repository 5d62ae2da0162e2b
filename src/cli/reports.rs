//! `shmark report`: earlier results, rendered anew; several side by side.

use std::path::{Path, PathBuf};

use super::args;
use super::failure::CommandError;
use crate::report::{ReportError, ResultsFolder, events_log, json};
use crate::results::merge::side_by_side;
use crate::results::model::Report;

pub(super) fn run(args: &args::Report) -> Result<u8, CommandError> {
    args.outputs.check()?;
    // All are read before anything is written.
    let reports: Vec<Report> = args.files.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
    let named = labels(&args.files).into_iter().zip(reports).collect();
    let Some(report) = side_by_side(named) else {
        return Err(CommandError::Nothing("no report was given".to_owned()));
    };
    let _folder = args.outputs.out.as_deref().map(ResultsFolder::take).transpose()?;
    args.outputs.show(&report);
    if let Some(page) = args.outputs.write(&report)? {
        args.outputs.tell(&format!("{}\n", page.display()));
    }
    Ok(0)
}

/// The paths, numbered where one is there twice.
fn labels(paths: &[PathBuf]) -> Vec<String> {
    let label = |(index, path): (usize, &PathBuf)| match paths[..index].iter().filter(|other| *other == path).count() {
        0 => path.display().to_string(),
        earlier => format!("{}, {}", path.display(), earlier + 1),
    };
    paths.iter().enumerate().map(label).collect()
}

pub(super) fn read(path: &Path) -> Result<Report, ReportError> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        events_log::read(path)
    } else {
        json::read(path)
    }
}
