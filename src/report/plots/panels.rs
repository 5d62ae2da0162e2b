//! Distributions of round trips: the same axes in a panel for each case of a question.

use super::drawing::{Anchor, Drawing, Shape};
use super::layout::{LABEL, shorten};
use super::palette::{Colour, Palette};
use crate::report::cases::Case;
use crate::report::questions::Question;
use crate::results::model::BenchResult;
use crate::statistics::median;

/// Where a panel's axes are, logical pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Frame {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
    /// Whether it is the first of its row, which has the ticks of the vertical axis.
    pub is_first: bool,
}

/// Room below a panel for the ticks of its horizontal axis.
const TICK_ROOM: f64 = 30.0;
/// Room above a panel for the name of its case.
const NAME_ROOM: f64 = 22.0;
/// Between two panels of a row.
const GAP: f64 = 22.0;

/// Cases with something to show and what they are called, by the number in which they differ if there is one.
pub fn shown<'a, 'q>(question: &'q Question<'a>) -> Vec<(String, &'q Case<'a>)> {
    let mut cases: Vec<(f64, String, &Case<'_>)> = Vec::new();
    let varying = question.varying();
    for (index, case) in question.cases.iter().enumerate().filter(|(_, case)| told(case).next().is_some()) {
        let (place, name) = match &varying {
            Some(varying) => {
                let words = &varying.words[index];
                let comma = if words.is_empty() { "" } else { ", " };
                let shown = varying.shown(varying.values[index]);
                (varying.values[index], format!("{} {shown}{comma}{words}", varying.named()))
            }
            None => (index as f64, case.name.clone()),
        };
        cases.push((place, name, case));
    }
    cases.sort_by(|a, b| a.0.total_cmp(&b.0));
    cases.into_iter().map(|(_, name, case)| (name, case)).collect()
}

/// Results whose distribution says something. Beyond saturation, latencies are as long as the slices are.
pub fn told<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a BenchResult> {
    case.valid().filter(|result| result.saturated.is_none())
}

/// What panels are called; a single one has no name.
pub fn names<'s>(cases: &'s [(String, &Case<'_>)]) -> Vec<&'s str> {
    cases.iter().map(|(name, _)| name.as_str()).collect()
}

/// A frame for each case, below `head`, its name above it if there are several. `left` and `right` are the room for ticks
/// and for labels. The second value is the place below all of them.
pub fn frames(
    drawing: &mut Drawing,
    shape: Shape,
    names: &[&str],
    head: f64,
    (left, right): (f64, f64),
) -> (Vec<Frame>, f64) {
    let count = names.len();
    let (columns, height) = match (shape, count) {
        (Shape::Narrow, 0 | 1) => (1, 290.0),
        (Shape::Narrow, _) => (1, 190.0),
        (_, 0 | 1) => (1, 350.0),
        (_, 2 | 4) => (2, 250.0),
        (_, _) => (3, 220.0),
    };
    let name_room = if count > 1 { NAME_ROOM } else { 0.0 };
    let from = drawing.margin + left;
    let width = (drawing.width - drawing.margin - right - from - GAP * (columns - 1) as f64) / columns as f64;
    let mut frames = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let top = head + name_room + (height + name_room + TICK_ROOM) * row as f64;
        let x = from + (width + GAP) * column as f64;
        if count > 1 {
            let name = shorten(name, width, LABEL);
            drawing.bold((x, top - NAME_ROOM / 2.0), &name, LABEL, Colour::Ink, Anchor::Left);
        }
        frames.push(Frame { left: x, top, right: x + width, bottom: top + height, is_first: column == 0 });
    }
    let below = frames.iter().map(|frame| frame.bottom).fold(head, f64::max) + TICK_ROOM;
    (frames, below)
}

/// Subjects of which something is drawn, with their colours, in the order of the colours.
pub fn legend_entries<'a>(question: &Question<'a>, colours: &Palette) -> Vec<(&'a str, Colour)> {
    let is_told = |subject: &&str| question.cases.iter().flat_map(told).any(|result| result.subject == **subject);
    let subjects = question.subjects().into_iter().filter(is_told);
    let mut entries: Vec<(&str, Colour)> = subjects.map(|subject| (subject, colours.colour(subject))).collect();
    // Not by figures: so the order is the same in every picture.
    entries.sort_by_key(|(_, colour)| if let Colour::Series(index) = colour { *index } else { usize::MAX });
    entries
}

/// The floor that belongs to round trips that are timed one by one, ns: one reading of the clock is in it, too.
pub fn floor_ns<'a>(results: impl Iterator<Item = &'a BenchResult>) -> Option<f64> {
    median(&results.map(|result| result.floor_rtt_ns.p50).filter(|ns| *ns > 0.0).collect::<Vec<_>>())
}

/// The points of a line that are at least a pixel from the last one that is kept, and its end.
pub fn thinned(points: impl IntoIterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    let mut last = None;
    for point in points {
        last = Some(point);
        if kept.last().is_none_or(|(x, y)| (point.0 - x).hypot(point.1 - y) >= 1.0) {
            kept.push(point);
        }
    }
    if let Some(end) = last.filter(|end| kept.last() != Some(end)) {
        kept.push(end);
    }
    kept
}
