//! Latency against percentile: the middle, and how bad the tail is.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::histogram::{Curve, LAST_INVERSE, curve};
use super::layout::{LABEL, begin, end, shorten, spread};
use super::palette::{Colour, Palette};
use super::render::text_width;
use super::scale::Scale;
use crate::report::cases::Case;
use crate::report::figures::{duration_ns, tick_ns};
use crate::results::model::{BenchResult, Measure};
use crate::statistics::median;

/// Where the maximum stands on the axis of 1/(1-q): it has no finite place, so it gets one behind p99.99.
pub const MAX_INVERSE: f64 = LAST_INVERSE * 6.0;

/// Percentiles with a tick, by 1/(1-q).
const TICKS: [(f64, &str); 7] = [
    (1.0, "min"),
    (2.0, "p50"),
    (10.0, "p90"),
    (1e2, "p99"),
    (1e3, "p99.9"),
    (LAST_INVERSE, "p99.99"),
    (MAX_INVERSE, "max"),
];

/// Room for a direct label's own line.
const LABEL_GAP: f64 = 17.0;

/// Room for the floor's label below its line.
const FLOOR_ROOM: f64 = 26.0;

struct Line<'a> {
    result: &'a BenchResult,
    curve: Curve,
    name: String,
}

/// The plot of a case; `None` without a valid result, and for a throughput, whose messages have no times of their own.
pub fn draw(case: &Case<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    if case.measure() == Measure::Throughput {
        return None;
    }
    let narrow = shape == Shape::Narrow;
    let name_width = if narrow { 92.0 } else { 190.0 };
    let lines: Vec<Line<'_>> = case
        .valid()
        // Beyond saturation, latencies are as long as the slices are.
        .filter(|result| result.saturated.is_none())
        .map(|result| Line { result, curve: curve(result), name: shorten(&result.subject, name_width, LABEL) })
        .collect();
    let each_ns: Vec<f64> = lines.iter().map(|line| line.result.floor_rtt_ns.p50).filter(|ns| *ns > 0.0).collect();
    let floor_ns = median(&each_ns);
    let values = || lines.iter().flat_map(|line| line.curve.iter().map(|(_, ns)| *ns).chain([line.result.rtt_ns.max]));
    let top_ns = values().fold(f64::NEG_INFINITY, f64::max);
    if !top_ns.is_finite() {
        return None;
    }
    let bottom_ns = values().filter(|ns| *ns > 0.0).chain(floor_ns).fold(f64::INFINITY, f64::min);

    let question = "How long does a round trip take, and how bad is its tail?";
    let (mut drawing, head) = begin(shape, question, &case.label());
    drawing.text((drawing.margin, head + 8.0), "Round-trip time (logarithmic)", LABEL, Colour::Muted, Anchor::Left);
    let (top, bottom) = (head + 28.0, head + if narrow { 330.0 } else { 390.0 });
    // Below the lowest line is room for the floor's label, whatever the range is.
    let room = (top_ns.max(bottom_ns * 2.0) / bottom_ns).powf(FLOOR_ROOM / (bottom - top - FLOOR_ROOM));
    let y = Scale::logarithmic(bottom_ns / room, top_ns * 1.15, (bottom, top));
    let ticks = y.ticks(26.0);
    let tick_width = ticks.iter().map(|ns| text_width(&tick_ns(*ns), LABEL, false)).fold(0.0, f64::max);
    let left = drawing.margin + tick_width + 8.0;
    let names = lines.iter().map(|line| text_width(&line.name, LABEL, true)).fold(0.0, f64::max);
    let right = drawing.width - drawing.margin - names - 26.0;
    let x = Scale::logarithmic(1.0, MAX_INVERSE, (left, right));

    for ns in ticks {
        drawing.line((left, y.at(ns)), (right, y.at(ns)), Colour::Grid, 1.0);
        drawing.text((left - 8.0, y.at(ns)), &tick_ns(ns), LABEL, Colour::Muted, Anchor::Right);
    }
    percentile_axis(&mut drawing, &x, (top, bottom));
    if let Some(ns) = floor_ns {
        drawing.dashed((left, y.at(ns)), (right, y.at(ns)), Colour::Muted, 1.5);
        let text = format!("floor {}", duration_ns(ns));
        drawing.text((left + 6.0, y.at(ns) + 10.0), &text, LABEL, Colour::Muted, Anchor::Left);
    }
    subjects(&mut drawing, &lines, colours, &x, &y);
    drawing.text(
        (f64::midpoint(left, right), bottom + 36.0),
        if narrow { "Percentile" } else { "Percentile of round trips (logarithmic in 1/(1-q))" },
        LABEL,
        Colour::Muted,
        Anchor::Middle,
    );
    drawing.description = describe(&lines, floor_ns);
    let caption = format!(
        "{}. Lower is better. The floor is the median round trip of one bare cache line between the same two processes, \
         in slices between the load. The maximum is a single round trip, so its dashed line is no distribution.",
        case.rounds()
    );
    end(&mut drawing, bottom + 52.0, &caption);
    Some(drawing)
}

fn percentile_axis(drawing: &mut Drawing, x: &Scale, (top, bottom): (f64, f64)) {
    // The median is never left out, whatever else has to be.
    let width = |name: &str| text_width(name, LABEL, false);
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for index in [1, 6, 3, 5, 2, 4, 0] {
        let (inverse, name) = TICKS[index];
        let at = x.at(inverse);
        drawing.line((at, top), (at, bottom + 5.0), Colour::Grid, 1.0);
        let (from, to) = (at - width(name) / 2.0 - 3.0, at + width(name) / 2.0 + 3.0);
        if taken.iter().all(|(left, right)| to < *left || from > *right) {
            drawing.text((at, bottom + 16.0), name, LABEL, Colour::Muted, Anchor::Middle);
            taken.push((from, to));
        }
    }
    drawing.line((x.at(1.0), bottom), (x.at(MAX_INVERSE), bottom), Colour::Muted, 1.0);
}

fn subjects(drawing: &mut Drawing, lines: &[Line<'_>], colours: &Palette, x: &Scale, y: &Scale) {
    let right = x.at(MAX_INVERSE);
    let ends: Vec<f64> = lines.iter().map(|line| y.at(line.result.rtt_ns.max)).collect();
    let (bottom, top) = (y.at(y.values.0), y.at(y.values.1));
    let labels = spread(&ends, LABEL_GAP, (top, bottom));
    for ((line, end), label) in lines.iter().zip(&ends).zip(labels) {
        let colour = colours.colour(&line.result.subject);
        let points: Vec<(f64, f64)> = line.curve.iter().map(|(inverse, ns)| (x.at(*inverse), y.at(*ns))).collect();
        if let Some(last) = points.last() {
            drawing.dashed(*last, (right, *end), colour, 1.5);
        }
        drawing.marks.push(Mark::Line { points, colour, width: 2.5, dashed: false });
        drawing.marks.push(Mark::Dot { x: right, y: *end, radius: 3.5, colour });
        drawing.line((right + 4.0, *end), (right + 18.0, label), colour, 1.0);
        drawing.marks.push(Mark::Text {
            x: right + 22.0,
            y: label,
            text: line.name.clone(),
            size: LABEL,
            bold: true,
            colour,
            anchor: Anchor::Left,
        });
    }
}

fn describe(lines: &[Line<'_>], floor_ns: Option<f64>) -> String {
    let mut parts: Vec<String> = lines
        .iter()
        .map(|line| {
            let rtt = &line.result.rtt_ns;
            let [p50, p99, p99_9, max] = [rtt.p50, rtt.p99, rtt.p99_9, rtt.max].map(duration_ns);
            format!("{}: median {p50}, p99 {p99}, p99.9 {p99_9}, maximum {max}", line.result.subject)
        })
        .collect();
    parts.extend(floor_ns.map(|ns| format!("floor: {}", duration_ns(ns))));
    format!("Percentile plot of the round-trip time. {}.", parts.join("; "))
}
