//! The subjects of a question as points with their intervals: in floors, so that the state of the machine matters little,
//! or as rates. A point says where a figure is, whatever the axis begins with.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::layout::{LABEL, begin, end, shorten, whisker};
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::render::text_width;
use super::scale::Scale;
use crate::report::bounded::{Bounded, rate, round_trip_ns};
use crate::report::figures::{duration_ns, rate_per_s, three_digits, tick_rate, tick_ratio};
use crate::report::questions::Question;
use crate::results::model::{BenchResult, Measure};

/// Largest ratio between points that a linear axis can show; beyond it the axis is logarithmic.
pub const LINEAR_RANGE: f64 = 20.0;

enum Line<'a> {
    Case(&'a str),
    Subject { result: &'a BenchResult, figure: Bounded, text: String },
}

/// The plot of a question; `None` if no valid result has such a figure.
pub fn draw(question: &Question<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let narrow = shape == Shape::Narrow;
    let lines = lines(question, narrow);
    let figures = || lines.iter().filter_map(Line::figure);
    figures().next()?;
    let is_rate = question.measure() == Measure::Throughput;
    let what = if is_rate { "Messages per second" } else { "Round trips in floors" };
    let (mut drawing, head) = begin(shape, question, what);

    // Names stand left of the points, or above them where there is no room beside.
    let name_width = if narrow { drawing.width - 2.0 * drawing.margin - 8.0 } else { 220.0 };
    let names: Vec<String> = lines.iter().map(|line| shorten(line.name(), name_width, LABEL)).collect();
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| text_width(t, LABEL, true)).fold(0.0, f64::max);
    let name_end = drawing.margin + widest(&mut names.iter().map(String::as_str)) + 12.0;
    let left = if narrow { drawing.margin + 8.0 } else { name_end };
    let right = drawing.width - drawing.margin - widest(&mut lines.iter().filter_map(Line::text)) - 14.0;
    let top = head + if is_rate { 4.0 } else { 22.0 };
    let height = |line: &Line<'_>| match line {
        Line::Case(_) => 30.0,
        Line::Subject { .. } if narrow => 48.0,
        Line::Subject { .. } => 34.0,
    };
    let bottom = top + lines.iter().map(height).sum::<f64>() + 4.0;
    let x = axis(&figures().collect::<Vec<_>>(), !is_rate, (left, right));

    for tick in x.ticks(if narrow { 48.0 } else { 64.0 }) {
        let text = if is_rate { tick_rate(tick) } else { tick_ratio(tick) };
        drawing.line((x.at(tick), top), (x.at(tick), bottom + 5.0), Colour::Grid, 1.0);
        drawing.text((x.at(tick), bottom + 16.0), &text, LABEL, Colour::Muted, Anchor::Middle);
    }
    if !is_rate {
        // Where a subject would be as fast as the hardware.
        floor_label(&mut drawing, question, x.at(1.0), top - 13.0);
    }
    let mut row = top;
    for (line, name) in lines.iter().zip(&names) {
        let (above, middle) = (row, row + height(line) / 2.0);
        row += height(line);
        match line {
            Line::Case(_) => drawing.bold((drawing.margin, middle + 4.0), name, LABEL, Colour::Ink, Anchor::Left),
            Line::Subject { result, figure, text } => {
                let colour = colours.colour(&result.subject);
                let (at, anchor) =
                    if narrow { ((left, above + 12.0), Anchor::Left) } else { ((left - 10.0, middle), Anchor::Right) };
                drawing.bold(at, name, LABEL, colour, anchor);
                let middle = if narrow { above + 31.0 } else { middle };
                if !is_rate {
                    drawing.dashed((x.at(1.0), middle - 12.0), (x.at(1.0), middle + 12.0), Colour::Muted, 1.5);
                    for round in result.p50_floors_rounds.iter().filter(|round| **round > 0.0) {
                        drawing.marks.push(Mark::Dot { x: x.at(*round), y: middle + 11.0, radius: 1.5, colour });
                    }
                }
                whisker(&mut drawing, (x.at(figure.ends()[0]), middle), (x.at(figure.ends()[1]), middle));
                drawing.marks.push(marker((x.at(figure.value), middle), colour));
                let after = x.at(figure.all().fold(0.0, f64::max)) + 12.0;
                drawing.bold((after, middle), text, LABEL, Colour::Ink, Anchor::Left);
            }
        }
    }
    let axis_title = format!("{what}{}", if x.logarithmic { " (logarithmic)" } else { "" });
    drawing.text((f64::midpoint(left, right), bottom + 36.0), &axis_title, LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(question, &lines);
    end(&mut drawing, shape, question, bottom + 52.0, caption(is_rate));
    Some(drawing)
}

impl<'a> Line<'a> {
    fn figure(&self) -> Option<Bounded> {
        if let Self::Subject { figure, .. } = self { Some(*figure) } else { None }
    }

    fn text(&self) -> Option<&str> {
        if let Self::Subject { text, .. } = self { Some(text) } else { None }
    }

    fn name(&self) -> &'a str {
        match self {
            Self::Case(name) => name,
            Self::Subject { result, .. } => &result.subject,
        }
    }
}

fn lines<'a>(question: &'a Question<'_>, narrow: bool) -> Vec<Line<'a>> {
    let mut lines = Vec::new();
    for case in &question.cases {
        let figure = |result: &'a BenchResult| -> Option<Line<'a>> {
            let trip = duration_ns(round_trip_ns(result).value);
            let (figure, text) = match question.measure() {
                // An open loop has no figure in floors.
                Measure::RoundTrip | Measure::OpenLoop => {
                    let floors = Bounded::from(result.p50_floors?);
                    let value = three_digits(floors.value);
                    (floors, if narrow { value } else { format!("{value} floors, {trip}") })
                }
                Measure::Throughput => {
                    let rate = rate(result)?;
                    let value = rate_per_s(rate.value);
                    (rate, if narrow { value } else { format!("{value}, {trip} each") })
                }
            };
            (figure.value > 0.0).then_some(Line::Subject { result, figure, text })
        };
        let found: Vec<Line<'a>> = case.valid().filter_map(figure).collect();
        if !found.is_empty() && question.cases.len() > 1 {
            lines.push(Line::Case(&case.name));
        }
        lines.extend(found);
    }
    lines
}

/// Linear from 0, or logarithmic if the points are far apart. Of floors, 1 is always on it.
fn axis(figures: &[Bounded], has_one: bool, pixels: (f64, f64)) -> Scale {
    let ends = || figures.iter().flat_map(Bounded::all).chain(has_one.then_some(1.0)).filter(|value| *value > 0.0);
    let (low, high) = (ends().fold(f64::INFINITY, f64::min), ends().fold(0.0, f64::max));
    let values = || figures.iter().map(|figure| figure.value);
    let range = values().fold(0.0, f64::max) / values().fold(f64::INFINITY, f64::min);
    if range > LINEAR_RANGE { Scale::logarithmic(low / 1.25, high, pixels) } else { Scale::linear(high, pixels) }
}

/// What the line is where a subject would be as fast as the hardware, and what one floor was.
fn floor_label(drawing: &mut Drawing, question: &Question<'_>, one: f64, y: f64) {
    let text = question.floor_ns().map_or_else(|| "1 floor".to_owned(), |ns| format!("1 floor = {}", duration_ns(ns)));
    let width = text_width(&text, LABEL, false);
    let at = (one - width / 2.0).clamp(drawing.margin, drawing.width - drawing.margin - width);
    drawing.text((at, y), &text, LABEL, Colour::Ink, Anchor::Left);
}

fn caption(is_rate: bool) -> &'static str {
    if is_rate {
        "Further right is better. Whiskers: 95\u{a0}% interval of the median over rounds."
    } else {
        "Further left is better. Whiskers: 95\u{a0}% interval of the median over rounds; dots below: single rounds. One floor \
         is the round trip of one bare cache line between the same two processes."
    }
}

fn describe(question: &Question<'_>, lines: &[Line<'_>]) -> String {
    let parts: Vec<String> = lines
        .iter()
        .filter_map(|line| match line {
            Line::Case(_) => None,
            Line::Subject { result, figure, text } => {
                let ends = figure.ends().map(if question.measure() == Measure::Throughput {
                    rate_per_s
                } else {
                    three_digits
                });
                Some(format!("{}: {text}, 95 % interval {} to {}", result.subject, ends[0], ends[1]))
            }
        })
        .collect();
    format!("Points with intervals. {}.", parts.join("; "))
}
