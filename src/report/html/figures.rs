//! What the template shows of a benchmark question.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use minijinja::Value;
use serde::Serialize;

use crate::report::error::ReportError;
use crate::report::lifecycle::LifecycleQuestion;
use crate::report::plots::markers::corners;
use crate::report::plots::palette::{Colour, Palette, SERIES_COUNT};
use crate::report::plots::{self, Drawing, Picture, Shape, Theme};
use crate::report::questions::Question;
use crate::report::sentences::Said;
use crate::report::tables::{self, FigureTable};

/// A question with its plots and its tables.
#[derive(Serialize)]
pub struct QuestionView {
    id: String,
    title: String,
    label: String,
    /// What answers the question, above the figures.
    answer: Option<Plot>,
    /// How round trips are distributed, below them.
    distributions: Vec<Plot>,
    said: Vec<Said>,
    times: FigureTable,
    regimes: Option<FigureTable>,
    percentiles: Option<FigureTable>,
    resources: Option<FigureTable>,
    /// The marker of each subject that has one.
    keys: BTreeMap<String, Key>,
}

/// A drawing in both shapes of a page.
#[derive(Serialize)]
pub(super) struct Plot {
    wide: Value,
    narrow: Value,
}

impl Plot {
    /// `None` where nothing is drawn.
    pub(super) fn of(draw: impl Fn(Shape) -> Option<Drawing>) -> Result<Option<Self>, ReportError> {
        let drawn = |shape| draw(shape).as_ref().map(inline_svg).transpose();
        Ok(drawn(Shape::Wide)?.zip(drawn(Shape::Narrow)?).map(|(wide, narrow)| Self { wide, narrow }))
    }
}

#[derive(Serialize)]
struct Key {
    series: usize,
    /// Points of a polygon around (0, 0), at most 1.4 from it.
    corners: String,
}

/// What is shown of a question; `number` is its place in the report.
pub fn question_view(question: &Question<'_>, colours: &Palette, number: usize) -> Result<QuestionView, ReportError> {
    let wide = plots::of_question(question, colours, Shape::Wide);
    let narrow = plots::of_question(question, colours, Shape::Narrow);
    let (mut answer, mut distributions) = (None, Vec::new());
    for ((picture, wide), (_, narrow)) in wide.iter().zip(&narrow) {
        let plot = Plot { wide: inline_svg(wide)?, narrow: inline_svg(narrow)? };
        match picture {
            Picture::Percentiles | Picture::Distribution => distributions.push(plot),
            _ => answer = Some(plot),
        }
    }
    Ok(QuestionView {
        id: format!("bench-{number}"),
        title: question.title.to_owned(),
        label: question.label(),
        answer,
        distributions,
        said: question.said(),
        times: tables::times(question),
        regimes: question.regimes(),
        percentiles: tables::percentiles(question),
        resources: Some(tables::resources(question)),
        keys: question.subjects().into_iter().filter_map(|s| Some((s.to_owned(), key(colours.colour(s))?))).collect(),
    })
}

/// What is shown of a question about the lifecycle; `number` is its place behind the others.
pub fn lifecycle_view(
    question: &LifecycleQuestion<'_>,
    colours: &Palette,
    number: usize,
) -> Result<QuestionView, ReportError> {
    let answer = Plot::of(|shape| plots::of_lifecycle(question, colours, shape))?;
    let sentences = question.said();
    let said = if sentences.is_empty() { Vec::new() } else { vec![Said { case: String::new(), sentences }] };
    let subjects = question.cases.iter().flat_map(|case| &case.results).map(|result| &result.subject);
    Ok(QuestionView {
        id: format!("lifecycle-{number}"),
        title: question.title.to_owned(),
        label: question.label(),
        answer,
        distributions: Vec::new(),
        said,
        times: question.table(),
        regimes: None,
        percentiles: None,
        resources: None,
        keys: subjects.filter_map(|subject| Some((subject.clone(), key(colours.colour(subject))?))).collect(),
    })
}

/// Our own drawing, whose texts the SVG writer has escaped. The page's style sheet makes it dark.
fn inline_svg(drawing: &Drawing) -> Result<Value, ReportError> {
    Ok(Value::from_safe_string(plots::svg(drawing, Theme::Light)?))
}

fn key(colour: Colour) -> Option<Key> {
    let Colour::Series(index) = colour else { return None };
    let mut points = String::new();
    for (x, y) in corners(colour) {
        let _ = write!(points, "{x:.2},{y:.2} ");
    }
    Some(Key { series: index % SERIES_COUNT, corners: points })
}
