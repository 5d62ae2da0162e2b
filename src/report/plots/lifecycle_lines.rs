//! A question about the lifecycle whose cases differ by a number: its first figures over that number, in a panel for each of
//! the words and other numbers, on logarithmic axes.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::labels::legend;
use super::layout::{LABEL, begin_titled, end_titled, whisker};
use super::lifecycle_points::shown;
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::panels::{Frame, frames};
use super::render::text_width;
use super::scale::Scale;
use crate::report::bounded::Bounded;
use crate::report::lifecycle::{LifecycleCases, LifecycleQuestion, Unit, bounded, figure_name};

/// So many values of a number make a line.
const POINTS_MIN: usize = 3;
/// Panels at most; the table has all.
const PANELS_MAX: usize = 12;
/// Room between the axes and the first and last point.
const INSET: f64 = 12.0;

/// A figure of a subject over the number.
struct Line {
    subject: String,
    figure: String,
    colour: Colour,
    /// Of the second figure: colours are the subjects'.
    dashed: bool,
    points: Vec<(f64, Bounded)>,
}

/// The plot; `None` unless a number has three values or more and something is valid.
pub(super) fn draw(question: &LifecycleQuestion<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let key = number(question)?;
    let x_unit = if key == "bytes" { Unit::Bytes } else { Unit::Count };
    let panels = panels(question, &key, colours);
    let lines = || panels.iter().flat_map(|(_, lines)| lines);
    let first = question.cases.iter().flat_map(|case| &case.results).find(|result| result.valid)?;
    let unit = Unit::of(&first.figures.first()?.name);
    let values = || lines().flat_map(|line| &line.points).flat_map(|(_, figure)| figure.all()).filter(|v| *v > 0.0);
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    let numbers = || lines().flat_map(|line| &line.points).map(|(x, _)| *x);
    let ends = (numbers().fold(f64::INFINITY, f64::min), numbers().fold(0.0, f64::max));

    let (what, over) = (unit.axis(), if key == "bytes" { "payload" } else { key.as_str() });
    let (mut drawing, head) = begin_titled(shape, question.title, &question.label(), &format!("{what} over {over}"));
    let mut head = legend(&mut drawing, &entries(&panels), head) + 2.0;
    head = styles(&mut drawing, &panels, head);
    drawing.text((drawing.margin, head + 8.0), &format!("{what} (logarithmic)"), LABEL, Colour::Muted, Anchor::Left);
    let y_of = |frame: &Frame| Scale::rounded(low, high, (frame.bottom, frame.top));
    let probe = Scale::rounded(low, high, (300.0, 0.0));
    let tick_width =
        unit.ticks(&probe, 26.0).iter().map(|tick| text_width(&unit.tick(*tick), LABEL, false)).fold(0.0, f64::max);
    let names: Vec<&str> = panels.iter().map(|(name, _)| name.as_str()).collect();
    let (frames, below) = frames(&mut drawing, shape, &names, head + 26.0, (tick_width + 8.0, 14.0));
    for (frame, (_, lines)) in frames.iter().zip(&panels) {
        let x = Scale::logarithmic(ends.0, ends.1, (frame.left + INSET, frame.right - INSET));
        panel(&mut drawing, frame, lines, (&x, &y_of(frame)), (x_unit, unit));
    }
    let middle = f64::midpoint(drawing.margin + tick_width, drawing.width - drawing.margin);
    drawing.text((middle, below + 6.0), &format!("{over} (logarithmic)"), LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(&panels, unit);
    let caption = "Lower is better. Whiskers: 95\u{a0}% interval of the median over rounds.";
    end_titled(&mut drawing, shape, &question.rounds(), below + 22.0, caption);
    Some(drawing)
}

/// The number that the most cases differ by.
fn number(question: &LifecycleQuestion<'_>) -> Option<String> {
    let values = |key: &str| -> Option<usize> {
        let numbers = question.cases.iter().map(|case| value(case, key)).collect::<Option<Vec<f64>>>()?;
        let mut numbers: Vec<u64> = numbers.into_iter().map(f64::to_bits).collect();
        numbers.sort_unstable();
        numbers.dedup();
        Some(numbers.len())
    };
    let counted = question.varying().into_iter().filter_map(|key| Some((values(key)?, key)));
    counted.max_by_key(|(count, _)| *count).filter(|(count, _)| *count >= POINTS_MIN).map(|(_, key)| key.to_owned())
}

fn value(case: &LifecycleCases<'_>, key: &str) -> Option<f64> {
    case.case.get(key)?.parse::<f64>().ok().filter(|value| value.is_finite() && *value > 0.0)
}

/// Lines by what else differs.
fn panels(question: &LifecycleQuestion<'_>, key: &str, colours: &Palette) -> Vec<(String, Vec<Line>)> {
    let varying = question.varying();
    let mut panels: Vec<(String, Vec<Line>)> = Vec::new();
    for case in &question.cases {
        let others = case.case.iter().filter(|(name, _)| *name != key && varying.contains(&name.as_str()));
        let name = others.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ");
        let at = panels.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            panels.push((name, Vec::new()));
            panels.len() - 1
        });
        let Some(x) = value(case, key) else { continue };
        for result in case.results.iter().filter(|result| result.valid) {
            for (place, figure) in shown(&result.figures).enumerate() {
                let lines = &mut panels[at].1;
                let known = lines.iter().position(|l| l.subject == result.subject && l.figure == figure.name);
                let line = known.unwrap_or_else(|| {
                    lines.push(Line {
                        subject: result.subject.clone(),
                        figure: figure.name.clone(),
                        colour: colours.colour(&result.subject),
                        dashed: place > 0,
                        points: Vec::new(),
                    });
                    lines.len() - 1
                });
                lines[line].points.push((x, bounded(figure)));
            }
        }
    }
    for line in panels.iter_mut().flat_map(|(_, lines)| lines) {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    panels.retain(|(_, lines)| !lines.is_empty());
    panels.truncate(PANELS_MAX);
    panels
}

fn entries(panels: &[(String, Vec<Line>)]) -> Vec<(&str, Colour)> {
    let mut entries: Vec<(&str, Colour)> = Vec::new();
    for line in panels.iter().flat_map(|(_, lines)| lines) {
        if !entries.iter().any(|(subject, _)| *subject == line.subject) {
            entries.push((&line.subject, line.colour));
        }
    }
    entries
}

/// Which figure is solid and which is dashed; the place below.
fn styles(drawing: &mut Drawing, panels: &[(String, Vec<Line>)], y: f64) -> f64 {
    let mut x = drawing.margin;
    for dashed in [false, true] {
        let figure = panels.iter().flat_map(|(_, lines)| lines).find(|line| line.dashed == dashed);
        let Some(figure) = figure else { continue };
        let name = figure_name(&figure.figure);
        let points = vec![(x, y + 11.0), (x + 24.0, y + 11.0)];
        drawing.marks.push(Mark::Line { points, colour: Colour::Ink, width: 2.0, dashed });
        drawing.text((x + 30.0, y + 11.0), &name, LABEL, Colour::Ink, Anchor::Left);
        x += 52.0 + text_width(&name, LABEL, false);
    }
    y + 24.0
}

fn panel(drawing: &mut Drawing, frame: &Frame, lines: &[Line], (x, y): (&Scale, &Scale), (x_unit, unit): (Unit, Unit)) {
    let Frame { left, top, right, bottom, is_first } = *frame;
    for tick in unit.ticks(y, 26.0) {
        drawing.line((left, y.at(tick)), (right, y.at(tick)), Colour::Grid, 1.0);
        if is_first {
            drawing.text((left - 8.0, y.at(tick)), &unit.tick(tick), LABEL, Colour::Muted, Anchor::Right);
        }
    }
    // Numbers are few, and each has a tick where there is room.
    let mut numbers: Vec<f64> = lines.iter().flat_map(|line| line.points.iter().map(|(x, _)| *x)).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    let mut end = f64::NEG_INFINITY;
    for number in numbers {
        let text = x_unit.tick(number);
        let half = text_width(&text, LABEL, false) / 2.0;
        drawing.line((x.at(number), top), (x.at(number), bottom + 5.0), Colour::Grid, 1.0);
        if x.at(number) - half > end + 6.0 {
            drawing.text((x.at(number), bottom + 16.0), &text, LABEL, Colour::Muted, Anchor::Middle);
            end = x.at(number) + half;
        }
    }
    for line in lines {
        let points = line.points.iter().map(|(number, figure)| (x.at(*number), y.at(figure.value))).collect();
        drawing.marks.push(Mark::Line { points, colour: line.colour, width: 2.5, dashed: line.dashed });
    }
    for line in lines {
        for (number, figure) in &line.points {
            let at = x.at(*number);
            whisker(drawing, (at, y.at(figure.ends()[0])), (at, y.at(figure.ends()[1])));
            drawing.marks.push(marker((at, y.at(figure.value)), line.colour));
        }
    }
}

fn describe(panels: &[(String, Vec<Line>)], unit: Unit) -> String {
    let line = |line: &Line| {
        let points = line.points.iter().map(|(x, figure)| format!("{} at {x}", unit.shown(figure.value)));
        format!("{}, {}: {}", line.subject, figure_name(&line.figure), points.collect::<Vec<_>>().join(", "))
    };
    let parts = panels.iter().map(|(name, lines)| {
        let lines = lines.iter().map(line).collect::<Vec<_>>().join("; ");
        if name.is_empty() { lines } else { format!("{name}: {lines}") }
    });
    format!("A line for each subject and figure. {}.", parts.collect::<Vec<_>>().join(". "))
}
