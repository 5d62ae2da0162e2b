//! `shmark report`: earlier results, rendered anew.

use std::path::Path;

use super::args::{self, Outputs};
use super::failure::Failure;
use super::session::{print, show, write};
use crate::report::model::Report;
use crate::report::{ReportError, events_log, json};

pub(super) fn run(args: &args::Report) -> Result<u8, Failure> {
    let Outputs { out, json, junit, html, markdown } = &args.outputs;
    let several = args.files.len() > 1;
    if several && [json, junit, html, markdown].iter().any(|path| path.is_some()) {
        return Err(Failure::OneFileForSeveral);
    }
    // All are read before anything is written.
    let reports = args.files.iter().map(|path| Ok((path, read(path)?))).collect::<Result<Vec<_>, ReportError>>()?;
    for (index, (path, report)) in reports.iter().enumerate() {
        if several {
            print(&format!("{}{}\n\n", if index == 0 { "" } else { "\n" }, path.display()));
        }
        show(report);
        let page = if several {
            let out = out.as_ref().map(|dir| dir.join((index + 1).to_string()));
            write(report, &Outputs { out, ..Outputs::default() })?
        } else {
            write(report, &args.outputs)?
        };
        if let Some(page) = page {
            print(&format!("{}\n", page.display()));
        }
    }
    Ok(0)
}

fn read(path: &Path) -> Result<Report, ReportError> {
    if path.extension().is_some_and(|extension| extension == "jsonl") {
        events_log::read(path)
    } else {
        json::read(path)
    }
}
