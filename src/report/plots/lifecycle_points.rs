//! A question about the lifecycle as points with their intervals: the first figures of each case, on a logarithmic axis.

use super::drawing::{Anchor, Drawing, Shape};
use super::layout::{LABEL, begin_titled, end_titled, shorten, whisker};
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::render::text_width;
use super::scale::Scale;
use crate::report::bounded::Bounded;
use crate::report::lifecycle::{LifecycleQuestion, Unit, bounded, figure_name};
use crate::results::model::LifecycleFigure;

/// Lines of the picture at most; the table has all.
const LINES_MAX: usize = 80;
/// Figures of a result that are shown: those that answer the question.
const SHOWN: usize = 2;

/// The figures of a result that a picture shows: the first one and those of its unit behind it.
pub(super) fn shown(figures: &[LifecycleFigure]) -> impl Iterator<Item = &LifecycleFigure> {
    let unit = figures.first().map(|figure| Unit::of(&figure.name));
    figures.iter().take(SHOWN).filter(move |figure| Some(Unit::of(&figure.name)) == unit && figure.median > 0.0)
}

enum Line {
    Case(String),
    Figure { name: String, colour: Colour, figure: Bounded, text: String },
}

/// The plot of a question; `None` without a valid result.
pub(super) fn draw(question: &LifecycleQuestion<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let (lines, unit) = lines(question, colours)?;
    let narrow = shape == Shape::Narrow;
    let what = unit.axis();
    let (mut drawing, head) = begin_titled(shape, question.title, &question.label(), what);
    let names = || lines.iter().map(|line| if let Line::Figure { name, .. } = line { name.as_str() } else { "" });
    let texts = || lines.iter().map(|line| if let Line::Figure { text, .. } = line { text.as_str() } else { "" });
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| text_width(t, LABEL, true)).fold(0.0, f64::max);
    let left = drawing.margin + if narrow { 26.0 } else { widest(&mut names()).min(300.0) + 14.0 };
    let right = drawing.width - drawing.margin - widest(&mut texts()) - 14.0;
    let height = |line: &Line| match line {
        Line::Figure { .. } if narrow => 42.0,
        Line::Case(_) | Line::Figure { .. } => 28.0,
    };
    let top = head + 4.0;
    let bottom = top + lines.iter().map(height).sum::<f64>() + 4.0;
    let x = axis(&lines, (left, right));
    for tick in unit.ticks(&x, if narrow { 62.0 } else { 72.0 }) {
        drawing.line((x.at(tick), top), (x.at(tick), bottom + 5.0), Colour::Grid, 1.0);
        drawing.text((x.at(tick), bottom + 16.0), &unit.tick(tick), LABEL, Colour::Muted, Anchor::Middle);
    }
    let mut row = top;
    for line in &lines {
        let (above, middle) = (row, row + height(line) / 2.0);
        row += height(line);
        match line {
            Line::Case(name) => {
                let name = shorten(name, drawing.width - 2.0 * drawing.margin, LABEL);
                drawing.bold((drawing.margin, middle + 4.0), &name, LABEL, Colour::Ink, Anchor::Left);
            }
            Line::Figure { name, colour, figure, text } => {
                let room = if narrow { drawing.width - left - drawing.margin } else { left - drawing.margin - 12.0 };
                let (at, anchor) =
                    if narrow { ((left, above + 10.0), Anchor::Left) } else { ((left - 10.0, middle), Anchor::Right) };
                drawing.bold(at, &shorten(name, room, LABEL), LABEL, *colour, anchor);
                let middle = if narrow { above + 28.0 } else { middle };
                whisker(&mut drawing, (x.at(figure.ends()[0]), middle), (x.at(figure.ends()[1]), middle));
                drawing.marks.push(marker((x.at(figure.value), middle), *colour));
                let after = x.at(figure.all().fold(0.0, f64::max)) + 12.0;
                drawing.bold((after, middle), text, LABEL, Colour::Ink, Anchor::Left);
            }
        }
    }
    let axis_title = format!("{what} (logarithmic)");
    drawing.text((f64::midpoint(left, right), bottom + 36.0), &axis_title, LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(&lines);
    let caption = "Further left is better. Whiskers: 95\u{a0}% interval of the median over rounds.";
    end_titled(&mut drawing, shape, &question.rounds(), bottom + 52.0, caption);
    Some(drawing)
}

fn lines(question: &LifecycleQuestion<'_>, colours: &Palette) -> Option<(Vec<Line>, Unit)> {
    let (mut lines, mut unit) = (Vec::new(), None);
    for case in &question.cases {
        let results = case.results.iter().filter(|result| result.valid);
        let figures: Vec<Line> = results
            .flat_map(|result| shown(&result.figures).map(move |figure| (result, figure)))
            .map(|(result, figure)| {
                let of = *unit.get_or_insert(Unit::of(&figure.name));
                let name = format!("{}, {}", result.subject, figure_name(&figure.name));
                let text = of.shown(figure.median);
                Line::Figure { name, colour: colours.colour(&result.subject), figure: bounded(figure), text }
            })
            .collect();
        if !figures.is_empty() && question.cases.len() > 1 {
            lines.push(Line::Case(case.name.clone()));
        }
        lines.extend(figures);
    }
    lines.truncate(LINES_MAX);
    unit.map(|unit| (lines, unit))
}

fn axis(lines: &[Line], pixels: (f64, f64)) -> Scale {
    let figures =
        || lines.iter().filter_map(|line| if let Line::Figure { figure, .. } = line { Some(figure) } else { None });
    let ends = || figures().flat_map(Bounded::all).filter(|value| *value > 0.0);
    Scale::rounded(ends().fold(f64::INFINITY, f64::min), ends().fold(0.0, f64::max), pixels)
}

fn describe(lines: &[Line]) -> String {
    let parts = lines.iter().map(|line| match line {
        Line::Case(name) => name.clone(),
        Line::Figure { name, text, .. } => format!("{name} {text}"),
    });
    format!("Points with intervals. {}.", parts.collect::<Vec<_>>().join("; "))
}
