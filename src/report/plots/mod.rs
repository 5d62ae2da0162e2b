//! Plots of benchmark cases. A plot is first a [`drawing::Drawing`], plain marks at plain positions, which the tests
//! measure; one renderer then turns it into SVG and PNG.

pub mod bars;
pub mod drawing;
pub mod histogram;
mod layout;
pub mod palette;
pub mod percentiles;
mod render;
pub mod scale;

use std::path::{Path, PathBuf};

pub use drawing::{Drawing, Shape};
pub use render::{raster, svg, text_width, write_png};

use super::cases::{Case, cases, slugs};
use super::error::ReportError;
use super::file::write_file;
use super::sanitise::sanitise;
use crate::results::model::Report;

const FLOORS: &str = "floors";
const PERCENTILES: &str = "percentiles";

/// Whether a path ends as those that [`write_all`] writes do.
pub fn is_named_as_one(path: &Path) -> bool {
    let is_plot = |stem: &str| {
        stem.rsplit_once('-').is_some_and(|(case, name)| !case.is_empty() && [FLOORS, PERCENTILES].contains(&name))
    };
    path.extension().is_some_and(|extension| extension == "svg" || extension == "png")
        && path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_plot)
}

/// Both plots of a case in one shape; a case without a valid result has none.
pub fn of_case(case: &Case<'_>, colours: &palette::Palette, shape: Shape) -> Vec<(&'static str, Drawing)> {
    let bars = bars::draw(case, colours, shape).map(|drawing| (FLOORS, drawing));
    let percentiles = percentiles::draw(case, colours, shape).map(|drawing| (PERCENTILES, drawing));
    bars.into_iter().chain(percentiles).collect()
}

/// Writes every plot into `dir` as `CASE-floors` and `CASE-percentiles`, `.svg` and `.png`.
///
/// # Errors
/// As [`svg`], [`write_png`] and [`write_file`].
pub fn write_all(report: &Report, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let report = &sanitise(report);
    let colours = palette::Palette::of(report);
    let cases = cases(report);
    let mut paths = Vec::new();
    for (case, slug) in cases.iter().zip(slugs(&cases)) {
        for (name, drawing) in of_case(case, &colours, Shape::Wide) {
            let path = dir.join(format!("{slug}-{name}.svg"));
            write_file(&path, svg(&drawing)?.as_bytes())?;
            paths.push(path);
            let path = dir.join(format!("{slug}-{name}.png"));
            write_png(&drawing, &path)?;
            paths.push(path);
        }
    }
    Ok(paths)
}
