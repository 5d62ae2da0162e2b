//! The share of round trips that take no longer than a time: where most of them are, and whether there are several kinds.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::histogram::{Curve, shares};
use super::labels::legend;
use super::layout::{LABEL, begin, end};
use super::markers::marker;
use super::palette::{Colour, Palette};
use super::panels::{Frame, floor_ns, frames, legend_entries, names, shown, thinned, told};
use super::render::text_width;
use super::scale::Scale;
use crate::report::figures::{duration_ns, tick_ns};
use crate::report::questions::Question;
use crate::report::tables::clock;
use crate::report::verdict::capitalised;
use crate::results::model::Measure;

/// Share of round trips that the axis of time ends with; what is slower is the percentile plot's subject.
const LAST_SHARE: f64 = 0.99;
/// Shares with a marker on their line.
const MARKED: [f64; 5] = [0.1, 0.3, 0.5, 0.7, 0.9];

struct Line {
    /// `(ns, share)`, ascending.
    shares: Curve,
    colour: Colour,
}

/// The plot of a question, a panel for each case; `None` for a throughput, and without histograms.
pub fn draw(question: &Question<'_>, colours: &Palette, shape: Shape) -> Option<Drawing> {
    let cases = shown(question);
    if question.measure() == Measure::Throughput {
        return None;
    }
    let lines = |index: usize| -> Vec<Line> {
        let results = told(cases[index].1);
        results.filter_map(|r| Some(Line { shares: shares(r)?, colour: colours.colour(&r.subject) })).collect()
    };
    let panels: Vec<Vec<Line>> = (0..cases.len()).map(lines).collect();
    let floor = floor_ns(cases.iter().flat_map(|(_, case)| told(case)));
    let until = |line: &Line| line.shares.iter().find(|(_, share)| *share >= LAST_SHARE).map(|(ns, _)| *ns);
    let last_ns = panels.iter().flatten().filter_map(until).fold(f64::NEG_INFINITY, f64::max);
    let first = |line: &Line| line.shares.first().map(|(ns, _)| *ns);
    let first_ns =
        panels.iter().flatten().filter_map(first).chain(floor).filter(|ns| *ns > 0.0).fold(f64::INFINITY, f64::min);
    if !last_ns.is_finite() || !first_ns.is_finite() {
        return None;
    }

    let (mut drawing, head) = begin(shape, question, &format!("How {} are distributed", question.counted()));
    let head = legend(&mut drawing, &legend_entries(question, colours), head) + 4.0;
    let axis = &format!("Share of {} that take no longer", question.counted());
    drawing.text((drawing.margin, head + 8.0), axis, LABEL, Colour::Muted, Anchor::Left);
    let room = (text_width("100 %", LABEL, false) + 8.0, 20.0);
    let (frames, below) = frames(&mut drawing, shape, &names(&cases), head + 26.0, room);
    for (frame, lines) in frames.iter().zip(&panels) {
        let x = Scale::logarithmic(first_ns / 1.1, last_ns * 1.05, (frame.left, frame.right));
        panel(&mut drawing, frame, lines, floor, &x);
    }
    let middle = f64::midpoint(drawing.margin + room.0, drawing.width - drawing.margin - room.1);
    drawing.text(
        (middle, below + 6.0),
        &format!("{} (logarithmic)", question.time()),
        LABEL,
        Colour::Muted,
        Anchor::Middle,
    );
    drawing.description = describe(question);
    end(&mut drawing, shape, question, below + 22.0, &caption(question));
    Some(drawing)
}

fn panel(drawing: &mut Drawing, frame: &Frame, lines: &[Line], floor: Option<f64>, x: &Scale) {
    let Frame { left, top, right, bottom, is_first } = *frame;
    let y = Scale::linear(1.0, (bottom, top));
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let at = y.at(percent / 100.0);
        drawing.line((left, at), (right, at), Colour::Grid, 1.0);
        if is_first {
            drawing.text((left - 8.0, at), &format!("{percent} %"), LABEL, Colour::Muted, Anchor::Right);
        }
    }
    for ns in x.ticks(64.0) {
        drawing.line((x.at(ns), top), (x.at(ns), bottom + 5.0), Colour::Grid, 1.0);
        drawing.text((x.at(ns), bottom + 16.0), &tick_ns(ns), LABEL, Colour::Muted, Anchor::Middle);
    }
    drawing.line((left, bottom), (right, bottom), Colour::Muted, 1.0);
    if let Some(ns) = floor {
        drawing.dashed((x.at(ns), bottom), (x.at(ns), top), Colour::Muted, 1.5);
        let text = format!("floor {}", duration_ns(ns));
        drawing.text((x.at(ns) + 6.0, top + 12.0), &text, LABEL, Colour::Muted, Anchor::Left);
    }
    for line in lines {
        let within = line.shares.iter().take_while(|(ns, _)| *ns <= x.values.1);
        let first = line.shares.first().map(|(ns, _)| (x.at(*ns), bottom));
        let points = thinned(first.into_iter().chain(within.map(|(ns, share)| (x.at(*ns), y.at(*share)))));
        drawing.marks.push(Mark::Line { points, colour: line.colour, width: 2.5, dashed: false });
    }
    for line in lines {
        for wanted in MARKED {
            let at = line.shares.iter().find(|(_, share)| *share >= wanted);
            drawing.marks.extend(at.map(|(ns, share)| marker((x.at(*ns), y.at(*share)), line.colour)));
        }
    }
}

fn caption(question: &Question<'_>) -> String {
    let counted = question.counted();
    format!(
        "Further left is better; a steep line means that all {counted} are about as long. {} timed one by one; \
         {}. The axis ends where 99\u{a0}% of the slowest line are reached.",
        capitalised(counted),
        clock(question)
    )
}

fn describe(question: &Question<'_>) -> String {
    let mut parts = Vec::new();
    for (name, case) in shown(question) {
        let with = if name.is_empty() { String::new() } else { format!(" with {name}") };
        parts.extend(told(case).map(|result| {
            let p = &result.rtt_ns;
            let [min, p50, p90] = [p.min, p.p50, p.p90].map(duration_ns);
            format!("{}{with}: from {min}, half within {p50}, 90 % within {p90}", result.subject)
        }));
    }
    format!("Share of {} by time. {}.", question.counted(), parts.join("; "))
}
