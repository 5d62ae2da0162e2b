//! Latency against percentile: the middle, and how bad the tail is.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::histogram::{Curve, LAST_INVERSE, curve};
use super::labels::legend;
use super::layout::{LABEL, begin, end, shorten, spread};
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::panels::{Frame, floor_ns, frames, legend_entries, names, shown, thinned, told};
use super::render::text_width;
use super::scale::Scale;
use crate::report::figures::{duration_ns, tick_ns};
use crate::report::questions::Question;
use crate::report::tables::clock;
use crate::report::verdict::capitalised;
use crate::results::model::{BenchResult, Measure};

/// Where the maximum stands on the axis of 1/(1-q): it has no finite place, so it gets one behind p99.99.
pub const MAX_INVERSE: f64 = LAST_INVERSE * 10.0;

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
    colour: Colour,
}

/// The plot of a question, a panel for each case; `None` without a valid result, and for a throughput, whose messages have
/// no times of their own.
pub fn draw(question: &Question<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let cases = shown(question);
    if question.measure() == Measure::Throughput || cases.is_empty() {
        return None;
    }
    let lines = |index: usize| -> Vec<Line<'_>> {
        let line = |result| Line { result, curve: curve(result), colour: colours.colour(&result.subject) };
        told(cases[index].1).map(line).collect()
    };
    let panels: Vec<Vec<Line<'_>>> = (0..cases.len()).map(lines).collect();
    let floor = floor_ns(cases.iter().flat_map(|(_, case)| told(case)));
    let of_line = |line: &Line<'_>| -> Vec<f64> {
        line.curve.iter().map(|(_, ns)| *ns).chain([line.result.rtt_ns.max]).collect()
    };
    let values: Vec<f64> = panels.iter().flatten().flat_map(of_line).collect();
    let top_ns = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !top_ns.is_finite() {
        return None;
    }
    let bottom_ns = values.iter().copied().filter(|ns| *ns > 0.0).chain(floor).fold(f64::INFINITY, f64::min);

    let narrow = shape == Shape::Narrow;
    let (mut drawing, mut head) = begin(shape, question, &format!("{} by percentile", capitalised(question.counted())));
    let is_single = cases.len() == 1;
    if !is_single {
        head = legend(&mut drawing, &legend_entries(question, colours), head) + 4.0;
    }
    drawing.text(
        (drawing.margin, head + 8.0),
        &format!("{} (logarithmic)", question.time()),
        LABEL,
        Colour::Muted,
        Anchor::Left,
    );
    // Names are beside the lines' ends if there is one panel only, and in a legend otherwise.
    let name_width = if narrow { 92.0 } else { 190.0 };
    let labels = || panels.iter().flatten().map(|line| shorten(&line.result.subject, name_width, LABEL));
    let name_room = labels().map(|name| text_width(&name, LABEL, true)).fold(0.0, f64::max) + 26.0;
    let probe = axis(bottom_ns, top_ns, (300.0, 0.0));
    let tick_width = probe.ticks(26.0).iter().map(|ns| text_width(&tick_ns(*ns), LABEL, false)).fold(0.0, f64::max);
    let room = (tick_width + 8.0, if is_single { name_room } else { 12.0 });
    let (frames, below) = frames(&mut drawing, shape, &names(&cases), head + 26.0, room);
    for (frame, lines) in frames.iter().zip(&panels) {
        panel(&mut drawing, frame, lines, floor, &axis(bottom_ns, top_ns, (frame.bottom, frame.top)), is_single);
    }
    let middle = f64::midpoint(drawing.margin + room.0, drawing.width - drawing.margin - room.1);
    let title = format!("Percentile of {} (logarithmic in 1/(1-q))", question.counted());
    let title = if narrow { "Percentile" } else { title.as_str() };
    drawing.text((middle, below + 6.0), title, LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(question, &panels, floor);
    end(&mut drawing, shape, question, below + 22.0, &caption(question));
    Some(drawing)
}

/// Below the lowest line is room for the floor's label, whatever the range is.
fn axis(bottom_ns: f64, top_ns: f64, (bottom, top): (f64, f64)) -> Scale {
    let room = (top_ns.max(bottom_ns * 2.0) / bottom_ns).powf(FLOOR_ROOM / (bottom - top - FLOOR_ROOM));
    Scale::logarithmic(bottom_ns / room, top_ns * 1.15, (bottom, top))
}

fn panel(drawing: &mut Drawing, frame: &Frame, lines: &[Line<'_>], floor: Option<f64>, y: &Scale, is_single: bool) {
    let Frame { left, top, right, bottom, is_first } = *frame;
    let x = Scale::logarithmic(1.0, MAX_INVERSE, (left, right));
    for ns in y.ticks(26.0) {
        drawing.line((left, y.at(ns)), (right, y.at(ns)), Colour::Grid, 1.0);
        if is_first {
            drawing.text((left - 8.0, y.at(ns)), &tick_ns(ns), LABEL, Colour::Muted, Anchor::Right);
        }
    }
    percentile_axis(drawing, &x, (top, bottom));
    if let Some(ns) = floor {
        drawing.dashed((left, y.at(ns)), (right, y.at(ns)), Colour::Muted, 1.5);
        let text = format!("floor {}", duration_ns(ns));
        drawing.text((left + 6.0, y.at(ns) + 11.0), &text, LABEL, Colour::Muted, Anchor::Left);
    }
    for line in lines {
        let points = thinned(line.curve.iter().map(|(inverse, ns)| (x.at(*inverse), y.at(*ns))));
        let end = y.at(line.result.rtt_ns.max);
        if let Some(last) = points.last() {
            drawing.dashed(*last, (right, end), line.colour, 1.5);
        }
        drawing.marks.push(Mark::Line { points, colour: line.colour, width: 2.5, dashed: false });
    }
    for line in lines {
        for (inverse, _) in &TICKS[1..6] {
            // The curve has a point at each of these percentiles, or beside it.
            let near =
                line.curve.iter().min_by(|a, b| (a.0 / inverse).ln().abs().total_cmp(&(b.0 / inverse).ln().abs()));
            drawing.marks.extend(near.map(|(at, ns)| marker((x.at(*at), y.at(*ns)), line.colour)));
        }
        drawing.marks.push(marker((right, y.at(line.result.rtt_ns.max)), line.colour));
    }
    if is_single {
        direct_labels(drawing, lines, y, right);
    }
}

fn direct_labels(drawing: &mut Drawing, lines: &[Line<'_>], y: &Scale, right: f64) {
    let ends: Vec<f64> = lines.iter().map(|line| y.at(line.result.rtt_ns.max)).collect();
    let (bottom, top) = (y.at(y.values.0), y.at(y.values.1));
    let room = drawing.width - drawing.margin - right - 22.0;
    for ((line, end), label) in lines.iter().zip(&ends).zip(spread(&ends, LABEL_GAP, (top, bottom))) {
        drawing.line((right + 6.0, *end), (right + 18.0, label), line.colour, 1.0);
        let name = shorten(&line.result.subject, room, LABEL);
        drawing.bold((right + 22.0, label), &name, LABEL, line.colour, Anchor::Left);
    }
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

fn caption(question: &Question<'_>) -> String {
    format!(
        "Lower is better. {} timed one by one; {}. The floor, likewise, is the median round trip of one bare cache \
         line between the same two processes, in slices between the load. The maximum is a single one, so its dashed \
         line is no distribution.",
        capitalised(question.counted()),
        clock(question)
    )
}

fn describe(question: &Question<'_>, panels: &[Vec<Line<'_>>], floor_ns: Option<f64>) -> String {
    let cases = shown(question);
    let mut parts = Vec::new();
    for ((name, _), lines) in cases.iter().zip(panels) {
        let with = if name.is_empty() { String::new() } else { format!(" with {name}") };
        parts.extend(lines.iter().map(|line| {
            let rtt = &line.result.rtt_ns;
            let [p50, p99, p99_9, max] = [rtt.p50, rtt.p99, rtt.p99_9, rtt.max].map(duration_ns);
            format!("{}{with}: median {p50}, p99 {p99}, p99.9 {p99_9}, maximum {max}", line.result.subject)
        }));
    }
    parts.extend(floor_ns.map(|ns| format!("floor: {}", duration_ns(ns))));
    format!("Percentile plot of {}. {}.", question.counted(), parts.join("; "))
}
