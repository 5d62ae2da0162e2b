//! A question whose cases differ by one number: round trips or rates over that number, a line for each subject and, where
//! cases differ in a word as well, for each word.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::labels::Places;
use super::layout::{LABEL, begin, end, shorten, spread, whisker};
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::panels::legend_entries;
use super::points::LINEAR_RANGE;
use super::render::text_width;
use super::scale::Scale;
use crate::report::bounded::{Bounded, rate, round_trip_ns};
use crate::report::figures::{duration_ns, rate_per_s, tick_ns, tick_rate};
use crate::report::questions::{Question, Varying};
use crate::results::model::Measure;

/// Room for a direct label's own line.
const LABEL_GAP: f64 = 17.0;
/// Room between the axes and the first and last point.
const INSET: f64 = 32.0;
/// How far apart neighbouring subjects stand at most, so that all of them are seen.
const SHIFT: f64 = 12.0;

/// A subject's figures, by ascending number.
struct Line {
    /// The subject, and the words of its cases if they differ.
    name: String,
    colour: Colour,
    /// Of the second words and those behind them: colours are the subjects'.
    dashed: bool,
    points: Vec<(f64, Bounded)>,
}

/// The plot of a question; `None` unless its cases differ by one number, and in two or more of them something is valid.
pub fn draw(question: &Question<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let varying = question.varying()?;
    let lines = lines(question, &varying, colours);
    if lines.iter().map(|line| line.points.len()).max()? < 2 {
        return None;
    }
    let is_rate = question.measure() == Measure::Throughput;
    let floor_ns = question.floor_ns().filter(|_| !is_rate);
    let narrow = shape == Shape::Narrow;
    let what = if is_rate { "Messages per second" } else { question.time() };
    let (mut drawing, head) = begin(shape, question, &format!("{what} over {}", varying.named()));
    let wide_range = varying.is_bytes || varying.key.ends_with("_per_s");
    let (top, bottom) = (head + 28.0, head + if narrow { 290.0 } else { 350.0 });
    let y = y_axis(&lines, floor_ns, wide_range, (bottom, top));
    let shown: fn(f64) -> String = if is_rate { tick_rate } else { tick_ns };
    let what = format!("{what}{}", if y.logarithmic { " (logarithmic)" } else { "" });
    drawing.text((drawing.margin, head + 8.0), &what, LABEL, Colour::Muted, Anchor::Left);

    let ticks = y.ticks(30.0);
    let tick_width = ticks.iter().map(|tick| text_width(&shown(*tick), LABEL, false)).fold(0.0, f64::max);
    let left = drawing.margin + tick_width + 8.0;
    let name_width = if narrow { 92.0 } else { 190.0 };
    let names: Vec<String> = lines.iter().map(|line| shorten(&line.name, name_width, LABEL)).collect();
    let right =
        drawing.width - drawing.margin - 26.0 - names.iter().map(|n| text_width(n, LABEL, true)).fold(0.0, f64::max);
    for tick in ticks {
        drawing.line((left, y.at(tick)), (right, y.at(tick)), Colour::Grid, 1.0);
        drawing.text((left - 8.0, y.at(tick)), &shown(tick), LABEL, Colour::Muted, Anchor::Right);
    }
    let x = x_axis(&varying, wide_range, (left + INSET, right - INSET));
    let below = value_axis(&mut drawing, &varying, &x, (left, right), (top, bottom));
    if let Some(ns) = floor_ns {
        drawing.dashed((left, y.at(ns)), (right, y.at(ns)), Colour::Muted, 1.5);
    }
    subjects(&mut drawing, &lines, &names, (&x, &y), right, (top, bottom));
    figures(&mut drawing, &lines, floor_ns, (&x, &y), is_rate, (left, top, right, bottom));
    drawing.text(
        (f64::midpoint(left, right), below + 14.0),
        &axis_title(&varying, &x),
        LABEL,
        Colour::Muted,
        Anchor::Middle,
    );
    drawing.description = describe(&lines, &varying, is_rate);
    let ends = if question.measure() == Measure::OpenLoop {
        " A line ends before the load that saturates its subject."
    } else {
        ""
    };
    end(&mut drawing, shape, question, below + 32.0, &format!("{}{ends}", caption(&lines, is_rate)));
    Some(drawing)
}

fn lines(question: &Question<'_>, varying: &Varying, colours: &Palette) -> Vec<Line> {
    let figure = |subject: &str, index: usize| -> Option<(f64, Bounded)> {
        let result = question.cases[index].valid().find(|result| result.subject == subject)?;
        let figure = match question.measure() {
            // Beyond saturation, latencies are as long as the slices are: there the line ends.
            Measure::OpenLoop if result.saturated.is_some() => return None,
            Measure::RoundTrip | Measure::OpenLoop => round_trip_ns(result),
            Measure::Throughput => rate(result)?,
        };
        (figure.value > 0.0).then_some((varying.values[index], figure))
    };
    let mut words: Vec<&String> = Vec::new();
    for own in &varying.words {
        if !words.contains(&own) {
            words.push(own);
        }
    }
    let line = |subject: &str, place: usize, own: &String| {
        let cases = (0..varying.values.len()).filter(|index| varying.words[*index] == *own);
        let mut points: Vec<_> = cases.filter_map(|index| figure(subject, index)).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let name = if own.is_empty() { subject.to_owned() } else { format!("{subject}, {own}") };
        Line { name, colour: colours.colour(subject), dashed: place > 0, points }
    };
    let subjects = legend_entries(question, colours).into_iter();
    let lines =
        subjects.flat_map(|(subject, _)| words.iter().enumerate().map(move |(place, own)| (subject, place, *own)));
    lines.map(|(subject, place, own)| line(subject, place, own)).filter(|line| !line.points.is_empty()).collect()
}

/// Times and rates over sizes and rates: equal ratios are equal distances. Over small counts: from 0, unless the figures
/// are too far apart.
fn y_axis(lines: &[Line], floor_ns: Option<f64>, wide_range: bool, pixels: (f64, f64)) -> Scale {
    let figures = || lines.iter().flat_map(|line| &line.points).flat_map(|(_, figure)| figure.all());
    let all = || figures().filter(|value| *value > 0.0).chain(floor_ns);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(0.0, f64::max));
    let linear = !wide_range && high / low <= LINEAR_RANGE;
    if linear { Scale::linear(high * 1.08, pixels) } else { Scale::rounded(low / 1.03, high * 1.03, pixels) }
}

fn x_axis(varying: &Varying, wide_range: bool, pixels: (f64, f64)) -> Scale {
    let (low, high) =
        varying.values.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
    let logarithmic = low > 0.0 && (wide_range || high / low > 8.0);
    if logarithmic { Scale::logarithmic(low, high, pixels) } else { Scale::linear(high, pixels) }
}

/// A tick at each number that was measured, in two lines of text where they are close; the place below.
fn value_axis(drawing: &mut Drawing, varying: &Varying, x: &Scale, ends: (f64, f64), (top, bottom): (f64, f64)) -> f64 {
    let mut values = varying.values.clone();
    values.sort_by(f64::total_cmp);
    values.dedup();
    let mut line_ends = [f64::NEG_INFINITY; 2];
    let mut below = bottom + 24.0;
    for value in values {
        let (at, text) = (x.at(value), varying.shown(value));
        let half = text_width(&text, LABEL, false) / 2.0;
        drawing.line((at, top), (at, bottom + 5.0), Colour::Grid, 1.0);
        if let Some(line) = line_ends.iter().position(|end| *end < at - half - 4.0) {
            line_ends[line] = at + half;
            let y = bottom + 16.0 + 16.0 * line as f64;
            drawing.text((at, y), &text, LABEL, Colour::Muted, Anchor::Middle);
            below = below.max(y + 8.0);
        }
    }
    drawing.line((ends.0, bottom), (ends.1, bottom), Colour::Muted, 1.0);
    below
}

fn subjects(
    drawing: &mut Drawing,
    lines: &[Line],
    names: &[String],
    (x, y): (&Scale, &Scale),
    right: f64,
    (top, bottom): (f64, f64),
) {
    let ends: Vec<f64> = lines.iter().filter_map(|line| Some(y.at(line.points.last()?.1.value))).collect();
    let labels = spread(&ends, LABEL_GAP, (top, bottom));
    let step = step(lines, x);
    for (index, line) in lines.iter().enumerate() {
        let shift = step * (index as f64 - (lines.len() - 1) as f64 / 2.0);
        let place = |(value, figure): &(f64, Bounded)| (x.at(*value) + shift, y.at(figure.value));
        let points: Vec<(f64, f64)> = line.points.iter().map(place).collect();
        if points.len() > 1 {
            drawing.marks.push(Mark::Line {
                points: points.clone(),
                colour: line.colour,
                width: 2.0,
                dashed: line.dashed,
            });
        }
        for ((at, _), (_, figure)) in points.iter().zip(&line.points) {
            if let Some([low, high]) = figure.ci95 {
                whisker(drawing, (*at, y.at(low)), (*at, y.at(high)));
            }
        }
        drawing.marks.extend(points.iter().map(|point| marker(*point, line.colour)));
        if let Some((at, end)) = points.last() {
            drawing.dashed((at + 8.0, *end), (right, *end), line.colour, 1.0);
            drawing.line((right, *end), (right + 18.0, labels[index]), line.colour, 1.0);
        }
        drawing.bold((right + 22.0, labels[index]), &names[index], LABEL, line.colour, Anchor::Left);
    }
}

/// How far apart subjects stand: those of one number closer to each other than to those of the next one.
fn step(lines: &[Line], x: &Scale) -> f64 {
    let mut at: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(value, _)| x.at(*value)).collect();
    at.sort_by(f64::total_cmp);
    let gaps = at.windows(2).map(|pair| pair[1] - pair[0]).filter(|gap| *gap > 0.5);
    let (gap, others) = (gaps.fold(f64::INFINITY, f64::min), lines.len().saturating_sub(1).max(1) as f64);
    SHIFT.min(0.6 * gap / others).min(2.0 * (INSET - 8.0) / others)
}

/// The figures beside their points and the floor at its line, where there is room.
fn figures(
    drawing: &mut Drawing,
    lines: &[Line],
    floor_ns: Option<f64>,
    (x, y): (&Scale, &Scale),
    is_rate: bool,
    within: (f64, f64, f64, f64),
) {
    let mut places = Places::on(drawing, within);
    if let Some(ns) = floor_ns {
        let text = format!("floor {}", duration_ns(ns));
        let at = |x: f64, anchor| [12.0, -11.0].map(|dy| ((x, y.at(ns) + dy), anchor));
        let candidates = [at(within.0 + 6.0, Anchor::Left), at(within.2 - 6.0, Anchor::Right)].concat();
        places.write(drawing, &candidates, &text, Colour::Muted);
    }
    for line in lines {
        for (value, figure) in &line.points {
            let (at, ends) = (x.at(*value), figure.ends().map(|end| y.at(end)));
            let (above, below) = (ends[0].min(ends[1]) - 14.0, ends[0].max(ends[1]) + 15.0);
            let level = y.at(figure.value);
            let candidates = [
                ((at, above), Anchor::Middle),
                ((at, below), Anchor::Middle),
                ((at + 14.0, level - 11.0), Anchor::Left),
                ((at + 14.0, level + 11.0), Anchor::Left),
                ((at - 14.0, level - 11.0), Anchor::Right),
                ((at - 14.0, level + 11.0), Anchor::Right),
                ((at, above - 15.0), Anchor::Middle),
                ((at, below + 15.0), Anchor::Middle),
                ((at, above - 30.0), Anchor::Middle),
                ((at, below + 30.0), Anchor::Middle),
            ];
            let text = if is_rate { rate_per_s(figure.value) } else { duration_ns(figure.value) };
            places.write(drawing, &candidates, &text, line.colour);
        }
    }
}

fn axis_title(varying: &Varying, x: &Scale) -> String {
    format!("{}{}", varying.named(), if x.logarithmic { " (logarithmic)" } else { "" })
}

fn caption(lines: &[Line], is_rate: bool) -> String {
    let better = if is_rate { "Higher" } else { "Lower" };
    let has_whiskers = lines.iter().flat_map(|line| &line.points).any(|(_, figure)| figure.ci95.is_some());
    let whiskers = if has_whiskers { " Whiskers: 95\u{a0}% interval of the median over rounds." } else { "" };
    let floor = if is_rate {
        ""
    } else {
        " The floor is the round trip of one bare cache line between the same two processes."
    };
    let beside = if lines.len() > 1 { " Subjects stand a little beside each other, so that all are seen." } else { "" };
    format!("{better} is better.{whiskers}{floor}{beside}")
}

fn describe(lines: &[Line], varying: &Varying, is_rate: bool) -> String {
    let shown = |figure: &Bounded| if is_rate { rate_per_s(figure.value) } else { duration_ns(figure.value) };
    let parts: Vec<String> = lines
        .iter()
        .map(|line| {
            let points = line.points.iter().map(|(v, figure)| format!("{} at {}", shown(figure), varying.shown(*v)));
            format!("{}: {}", line.name, points.collect::<Vec<_>>().join(", "))
        })
        .collect();
    format!("A line for each subject over {}. {}.", varying.key, parts.join("; "))
}
