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
use super::model::Report;
use super::sanitise::sanitise;

/// Both plots of a case in one shape; a case without a valid result has none.
pub fn of_case(case: &Case<'_>, colours: &palette::Palette, shape: Shape) -> Vec<(&'static str, Drawing)> {
    let bars = bars::draw(case, colours, shape).map(|drawing| ("floors", drawing));
    let percentiles = percentiles::draw(case, colours, shape).map(|drawing| ("percentiles", drawing));
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
