//! Median round trips in floors, as bars with their intervals: what a subject costs, whatever the state of the machine.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::layout::{LABEL, begin, end, shorten};
use super::palette::{Colour, Palette};
use super::render::text_width;
use super::scale::Scale;
use crate::report::cases::Case;
use crate::report::figures::{duration_ns, three_digits, tick_ratio};
use crate::results::model::{BenchResult, Measure, Ratio};
use crate::statistics::median;

/// Largest ratio between bars that a linear axis can show; beyond it the axis is logarithmic.
const LINEAR_RANGE: f64 = 20.0;

/// The plot of a case; `None` if no result has a ratio to the floor.
pub fn draw(case: &Case<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let bars: Vec<(&BenchResult, Ratio)> =
        case.valid().filter_map(|result| Some((result, result.p50_floors?))).filter(|(_, f)| f.ratio > 0.0).collect();
    if bars.is_empty() {
        return None;
    }
    let invalid: Vec<&BenchResult> = case.results.iter().copied().filter(|result| !result.valid).collect();
    let narrow = shape == Shape::Narrow;
    let question = match case.measure() {
        Measure::RoundTrip | Measure::OpenLoop => {
            "How many bare cache-line round trips does one request-response take?"
        }
        Measure::Throughput => "How many bare cache-line round trips does one of many messages take?",
    };
    let (mut drawing, head) = begin(shape, question, &case.label());

    // Names stand left of the bars, or above them where there is no room beside.
    let name_width = if narrow { drawing.width - 2.0 * drawing.margin } else { 220.0 };
    let names: Vec<String> = bars.iter().map(|(r, _)| shorten(&r.subject, name_width, LABEL)).collect();
    let widest = |texts: &[String]| texts.iter().map(|text| text_width(text, LABEL, true)).fold(0.0, f64::max);
    let values: Vec<String> = bars.iter().map(|(r, floors)| value_label(r, *floors, narrow)).collect();
    let left = if narrow { drawing.margin + 2.0 } else { drawing.margin + widest(&names) + 12.0 };
    let right = drawing.width - drawing.margin - widest(&values) - 10.0;
    let row = if narrow { 48.0 } else { 38.0 };
    let top = head + 22.0;
    let bottom = top + row * bars.len() as f64 + 6.0;
    let x = axis(&bars, (left, right));

    for tick in x.ticks(if narrow { 40.0 } else { 56.0 }) {
        drawing.line((x.at(tick), top), (x.at(tick), bottom + 5.0), Colour::Grid, 1.0);
        drawing.text((x.at(tick), bottom + 16.0), &tick_ratio(tick), LABEL, Colour::Muted, Anchor::Middle);
    }
    floor_label(&mut drawing, x.at(1.0), case, top - 13.0);
    let mut labels = Vec::new();
    for (index, ((result, floors), (name, value))) in bars.iter().zip(names.iter().zip(&values)).enumerate() {
        let row_top = top + row * index as f64 + 4.0;
        let colour = colours.colour(&result.subject);
        let middle = if narrow {
            drawing.marks.push(bold((left, row_top + 10.0), name, colour, Anchor::Left));
            row_top + 31.0
        } else {
            drawing.marks.push(bold((left - 10.0, row_top + row / 2.0), name, colour, Anchor::Right));
            row_top + row / 2.0
        };
        bar(&mut drawing, &x, result, *floors, middle, colour);
        let after = x.at(floors.ci95[1].max(floors.ratio)) + 8.0;
        labels.push(bold((after, middle), value, Colour::Ink, Anchor::Left));
        // The line where a subject would be as fast as the hardware; it does not cross the names of a narrow plot.
        let (above, below) = if narrow { (12.0, 12.0) } else { (row / 2.0, row / 2.0) };
        drawing.dashed((x.at(1.0), middle - above), (x.at(1.0), middle + below), Colour::Ink, 1.5);
    }
    drawing.marks.extend(labels);
    let what = match case.measure() {
        Measure::RoundTrip | Measure::OpenLoop => "Median round trip",
        Measure::Throughput => "Time for one message",
    };
    let axis_title = format!("{what}, floors{}", if x.logarithmic { " (logarithmic)" } else { "" });
    drawing.text((f64::midpoint(left, right), bottom + 36.0), &axis_title, LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(&bars, &invalid);
    end(&mut drawing, bottom + 52.0, &caption(case, &invalid));
    Some(drawing)
}

/// Linear from 0, or logarithmic around the 1-floor line, where a bar of one floor has no length.
fn axis(bars: &[(&BenchResult, Ratio)], pixels: (f64, f64)) -> Scale {
    let ends = || bars.iter().flat_map(|(_, floors)| [floors.ratio, floors.ci95[0], floors.ci95[1]]);
    let high = ends().fold(1.0, f64::max);
    let low = ends().filter(|value| *value > 0.0).fold(1.0, f64::min);
    let ratios = || bars.iter().map(|(_, floors)| floors.ratio);
    let range = ratios().fold(0.0, f64::max) / ratios().fold(f64::INFINITY, f64::min);
    if range > LINEAR_RANGE { Scale::logarithmic(low / 1.25, high, pixels) } else { Scale::linear(high, pixels) }
}

fn bar(drawing: &mut Drawing, x: &Scale, result: &BenchResult, floors: Ratio, middle: f64, colour: Colour) {
    let (start, value) = (x.at(if x.logarithmic { 1.0 } else { 0.0 }), x.at(floors.ratio));
    let (left, right) = (start.min(value), start.max(value));
    drawing.marks.push(Mark::Rect { left, top: middle - 9.0, right, bottom: middle + 9.0, colour });
    for round in result.p50_floors_rounds.iter().filter(|round| **round > 0.0) {
        drawing.marks.push(Mark::Dot { x: x.at(*round), y: middle + 13.0, radius: 1.5, colour });
    }
    let [low, high] = floors.ci95.map(|bound| x.at(bound));
    // A pale edge keeps the whisker visible on its own bar.
    for (colour, width) in [(Colour::Background, 4.0), (Colour::Ink, 1.5)] {
        drawing.line((low, middle), (high, middle), colour, width);
        for end in [low, high] {
            drawing.line((end, middle - 5.0), (end, middle + 5.0), colour, width);
        }
    }
}

/// What the line is where a subject would be as fast as the hardware, and what one floor was.
fn floor_label(drawing: &mut Drawing, one: f64, case: &Case<'_>, y: f64) {
    let floors: Vec<f64> = case.valid().map(BenchResult::one_floor_ns).filter(|ns| *ns > 0.0).collect();
    let text = median(&floors).map_or_else(|| "1 floor".to_owned(), |ns| format!("1 floor = {}", duration_ns(ns)));
    let width = text_width(&text, LABEL, false);
    let at = (one - width / 2.0).clamp(drawing.margin, drawing.width - drawing.margin - width);
    drawing.text((at, y), &text, LABEL, Colour::Ink, Anchor::Left);
}

fn value_label(result: &BenchResult, floors: Ratio, narrow: bool) -> String {
    let ratio = three_digits(floors.ratio);
    if narrow { ratio } else { format!("{ratio}  ({})", duration_ns(result.round_trip_ns())) }
}

fn bold((x, y): (f64, f64), text: &str, colour: Colour, anchor: Anchor) -> Mark {
    Mark::Text { x, y, text: text.to_owned(), size: LABEL, bold: true, colour, anchor }
}

fn caption(case: &Case<'_>, invalid: &[&BenchResult]) -> String {
    let mut text = format!(
        "{}. Shorter is better. Whiskers: 95 % interval of the median over rounds; dots below a bar: single rounds. One \
         floor is the round trip of one bare cache line between the same two processes.",
        case.rounds()
    );
    for result in invalid {
        let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
        let _ = write!(text, " Not shown, invalid: {} ({why}).", result.subject);
    }
    text
}

fn describe(bars: &[(&BenchResult, Ratio)], invalid: &[&BenchResult]) -> String {
    let mut parts: Vec<String> = bars
        .iter()
        .map(|(result, floors)| {
            let [low, high] = floors.ci95.map(three_digits);
            format!("{}: {} floors, 95 % interval {low} to {high}", result.subject, three_digits(floors.ratio))
        })
        .collect();
    parts.extend(invalid.iter().map(|result| format!("{}: invalid", result.subject)));
    format!("Bars of the median round trip in floors. {}.", parts.join("; "))
}
