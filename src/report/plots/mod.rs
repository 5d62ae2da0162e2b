//! Plots of benchmark questions. A plot is first a [`drawing::Drawing`], plain marks at plain positions, which the tests
//! measure; one renderer then turns it into SVG and PNG.

pub mod comparison;
pub mod distribution;
pub mod drawing;
pub mod histogram;
mod labels;
mod layout;
mod lifecycle_lines;
mod lifecycle_points;
pub mod markers;
pub mod palette;
pub mod panels;
pub mod percentiles;
pub mod points;
mod render;
pub mod scale;
pub mod series;

use std::path::{Path, PathBuf};

pub use drawing::{Drawing, Shape};
pub use palette::Theme;
pub use render::{raster, svg, text_width, write_png};

use super::error::ReportError;
use super::file::write_file;
use super::lifecycle::{LifecycleQuestion, lifecycle_questions};
use super::questions::{Question, questions, slugs};
use super::sanitise::sanitise;
use crate::results::model::{Measure, Report};

/// What a picture shows, as the end of its file's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Picture {
    /// Subjects side by side, in floors.
    Floors,
    /// Subjects side by side, in messages per second.
    Rates,
    /// Figures over the number in which cases differ.
    Series,
    /// Latency by percentile.
    Percentiles,
    /// Shares of round trips by time.
    Distribution,
    /// Figures of a question about the lifecycle.
    Lifecycle,
    /// Builds that were compared.
    Comparison,
}

impl Picture {
    const ALL: [Self; 7] = [
        Self::Floors,
        Self::Rates,
        Self::Series,
        Self::Percentiles,
        Self::Distribution,
        Self::Lifecycle,
        Self::Comparison,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Floors => "floors",
            Self::Rates => "rates",
            Self::Series => "series",
            Self::Percentiles => "percentiles",
            Self::Distribution => "distribution",
            Self::Lifecycle => "lifecycle",
            Self::Comparison => "comparison",
        }
    }
}

const DARK: &str = "-dark";

/// Whether a path ends as those that [`write_all`] writes do.
pub fn is_named_as_one(path: &Path) -> bool {
    let is_plot = |stem: &str| {
        let stem = stem.strip_suffix(DARK).unwrap_or(stem);
        let parts = stem.rsplit_once('-');
        parts.is_some_and(|(question, name)| {
            !question.is_empty() && Picture::ALL.iter().any(|known| known.name() == name)
        })
    };
    path.extension().is_some_and(|extension| extension == "svg" || extension == "png")
        && path.file_stem().and_then(|stem| stem.to_str()).is_some_and(is_plot)
}

/// The picture that answers a question, and those that show how its round trips are distributed, in one shape. A question
/// without a valid result has none.
pub fn of_question(question: &Question<'_>, colours: &palette::Palette, shape: Shape) -> Vec<(Picture, Drawing)> {
    let points = match question.measure() {
        Measure::RoundTrip | Measure::OpenLoop => Picture::Floors,
        Measure::Throughput => Picture::Rates,
    };
    let answer = series::draw(question, colours, shape).map(|drawing| (Picture::Series, drawing));
    let answer = answer.or_else(|| points::draw(question, colours, shape).map(|drawing| (points, drawing)));
    let percentiles = percentiles::draw(question, colours, shape).map(|drawing| (Picture::Percentiles, drawing));
    let distribution = distribution::draw(question, colours, shape).map(|drawing| (Picture::Distribution, drawing));
    answer.into_iter().chain(percentiles).chain(distribution).collect()
}

/// The picture that answers a question about the lifecycle, in one shape: lines over the number in which its cases differ, or
/// points. `None` without a valid result.
pub fn of_lifecycle(question: &LifecycleQuestion<'_>, colours: &palette::Palette, shape: Shape) -> Option<Drawing> {
    lifecycle_lines::draw(question, colours, shape).or_else(|| lifecycle_points::draw(question, colours, shape))
}

/// Writes every plot into `dir` as `QUESTION-PICTURE`, `.svg` and `.png`, and likewise `QUESTION-PICTURE-dark`.
///
/// # Errors
/// As [`svg`], [`write_png`] and [`write_file`].
pub fn write_all(report: &Report, dir: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let report = &sanitise(report);
    let colours = palette::Palette::of(report);
    let questions = questions(report);
    let mut paths = Vec::new();
    let mut write = |slug: &str, picture: Picture, drawing: &Drawing| -> Result<(), ReportError> {
        for (theme, ending) in [(Theme::Light, ""), (Theme::Dark, DARK)] {
            let path = dir.join(format!("{slug}-{}{ending}.svg", picture.name()));
            write_file(&path, svg(drawing, theme)?.as_bytes())?;
            paths.push(path);
            let path = dir.join(format!("{slug}-{}{ending}.png", picture.name()));
            write_png(drawing, theme, &path)?;
            paths.push(path);
        }
        Ok(())
    };
    for (question, slug) in questions.iter().zip(slugs(questions.iter().map(|question| question.scenario))) {
        for (picture, drawing) in of_question(question, &colours, Shape::File) {
            write(&slug, picture, &drawing)?;
        }
    }
    if let Some(drawing) = comparison::draw(&report.comparisons, Shape::File) {
        write("builds", Picture::Comparison, &drawing)?;
    }
    let lifecycle = lifecycle_questions(report);
    for (question, slug) in lifecycle.iter().zip(slugs(lifecycle.iter().map(|question| question.scenario))) {
        if let Some(drawing) = of_lifecycle(question, &colours, Shape::File) {
            write(&slug, Picture::Lifecycle, &drawing)?;
        }
    }
    Ok(paths)
}
