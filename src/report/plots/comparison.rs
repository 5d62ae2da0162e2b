//! Builds that were compared: the time of the new one over that of the base, with its interval and the bounds beyond which a
//! difference fails the run.

use super::drawing::{Anchor, Drawing, Mark, Shape};
use super::layout::{LABEL, begin_titled, end_titled, shorten, whisker};
use super::markers::marker;
use super::palette::Colour;
use super::render::text_width;
use super::scale::Scale;
use crate::report::comparisons::{change, ordered, verdict_word};
use crate::results::model::{Comparison, ComparisonEvidence};

/// What the picture is called.
pub const TITLE: &str = "Does the new build take more time than the base?";
/// Comparisons that are drawn; the table has all.
const SHOWN_MAX: usize = 40;
/// The axis goes at least so far beyond the bounds.
const AIR: f64 = 1.5;

struct Line {
    name: String,
    text: String,
    evidence: ComparisonEvidence,
    ratios: Vec<f64>,
    colour: Colour,
}

/// The plot; `None` unless a comparison has a figure.
pub fn draw(comparisons: &[Comparison], shape: Shape) -> Option<Drawing> {
    let lines = lines(comparisons);
    let fail_on = comparisons.iter().map(|comparison| comparison.fail_on_share).fold(0.0, f64::max);
    lines.first()?;
    let narrow = shape == Shape::Narrow;
    let what = "Time of the new build over that of the base, less one";
    let launches = lines.iter().map(|line| line.evidence.launches).max().unwrap_or_default();
    let label = format!("Up to {launches} launches of each");
    let (mut drawing, head) = begin_titled(shape, TITLE, &label, what);
    let widest = |texts: &mut dyn Iterator<Item = &str>| texts.map(|t| text_width(t, LABEL, true)).fold(0.0, f64::max);
    let name_room = if narrow { drawing.width - 2.0 * drawing.margin } else { 330.0 };
    let names: Vec<String> = lines.iter().map(|line| shorten(&line.name, name_room, LABEL)).collect();
    let name_width = widest(&mut names.iter().map(String::as_str));
    let left = drawing.margin + if narrow { 26.0 } else { name_width + 14.0 };
    let right = drawing.width - drawing.margin - widest(&mut lines.iter().map(|line| line.text.as_str())) - 14.0;
    let row_height = if narrow { 48.0 } else { 34.0 };
    let top = head + 6.0;
    let bottom = top + row_height * lines.len() as f64 + 4.0;
    let x = axis(&lines, fail_on, (left, right));
    for tick in x.ticks(64.0) {
        drawing.line((x.at(tick), top), (x.at(tick), bottom + 5.0), Colour::Grid, 1.0);
    }
    for (ratio, width) in [(1.0, 2.0), (1.0 + fail_on, 1.0), (1.0 / (1.0 + fail_on), 1.0)] {
        drawing.dashed((x.at(ratio), top), (x.at(ratio), bottom + 5.0), Colour::Muted, width);
    }
    let mut end = f64::NEG_INFINITY;
    for ratio in [1.0 / (1.0 + fail_on), 1.0, 1.0 + fail_on] {
        let text = change(ratio);
        let half = text_width(&text, LABEL, false) / 2.0;
        if x.at(ratio) - half > end + 4.0 {
            drawing.text((x.at(ratio), bottom + 16.0), &text, LABEL, Colour::Muted, Anchor::Middle);
            end = x.at(ratio) + half;
        }
    }
    for (place, (line, name)) in lines.iter().zip(&names).enumerate() {
        let above = top + row_height * place as f64;
        let (at, anchor, middle) = if narrow {
            ((drawing.margin, above + 10.0), Anchor::Left, above + 30.0)
        } else {
            ((left - 10.0, above + row_height / 2.0), Anchor::Right, above + row_height / 2.0)
        };
        drawing.bold(at, name, LABEL, line.colour, anchor);
        for ratio in line.ratios.iter().filter(|ratio| **ratio > 0.0) {
            drawing.marks.push(Mark::Dot { x: x.at(*ratio), y: middle + 11.0, radius: 1.5, colour: line.colour });
        }
        let [low, high] = line.evidence.ratio.ci95;
        whisker(&mut drawing, (x.at(low), middle), (x.at(high), middle));
        drawing.marks.push(marker((x.at(line.evidence.ratio.ratio), middle), line.colour));
        let after = x.at(high.max(line.evidence.ratio.ratio)) + 12.0;
        drawing.bold((after, middle), &line.text, LABEL, Colour::Ink, Anchor::Left);
    }
    let middle = f64::midpoint(left, right);
    drawing.text((middle, bottom + 36.0), "Change of time (logarithmic)", LABEL, Colour::Muted, Anchor::Middle);
    drawing.description = describe(&lines);
    let hidden = ordered(comparisons).iter().filter(|comparison| comparison.evidence.is_some()).count() - lines.len();
    let more = if hidden > 0 { format!(" {hidden} more are in the table.") } else { String::new() };
    let caption = format!(
        "Further left is better. Whiskers: 95\u{a0}% interval of the median over launches; dots below: single launches. Beyond \
         the outer dashed lines a confirmed difference is what --fail-on asks for.{more}"
    );
    end_titled(&mut drawing, shape, "Launches of both builds in turn", bottom + 52.0, &caption);
    Some(drawing)
}

fn lines(comparisons: &[Comparison]) -> Vec<Line> {
    let mut builds: Vec<&str> = Vec::new();
    for comparison in comparisons {
        if !builds.contains(&comparison.new.as_str()) {
            builds.push(&comparison.new);
        }
    }
    let line = |comparison: &Comparison| -> Option<Line> {
        let evidence = comparison.evidence?;
        let build = builds.iter().position(|build| *build == comparison.new).unwrap_or_default();
        let beside = if builds.len() > 1 { format!(", {}", comparison.new) } else { String::new() };
        Some(Line {
            name: format!("{}{beside}", short_name(comparison, comparisons)),
            text: format!("{}, {}", change(evidence.ratio.ratio), verdict_word(comparison.verdict)),
            evidence,
            ratios: comparison.ratios.clone(),
            colour: Colour::Series(build),
        })
    };
    ordered(comparisons).into_iter().filter_map(line).take(SHOWN_MAX).collect()
}

/// The question, and what of its case is not the same in all comparisons of it: `payload: len 4096`.
fn short_name(comparison: &Comparison, all: &[Comparison]) -> String {
    let of_question = || all.iter().filter(|other| other.scenario == comparison.scenario);
    let differs = |key: &String| of_question().any(|other| other.case.get(key) != comparison.case.get(key));
    let own = comparison.case.iter().filter(|(key, _)| differs(key)).map(|(key, value)| format!("{key} {value}"));
    let own: Vec<String> = own.collect();
    if own.is_empty() { comparison.scenario.clone() } else { format!("{}: {}", comparison.scenario, own.join(", ")) }
}

/// Equal factors either way are equal distances from 1, which is in the middle.
fn axis(lines: &[Line], fail_on: f64, pixels: (f64, f64)) -> Scale {
    let shown = |line: &Line| {
        let ComparisonEvidence { ratio, .. } = line.evidence;
        [ratio.ratio, ratio.ci95[0], ratio.ci95[1]].into_iter().chain(line.ratios.iter().copied()).collect::<Vec<_>>()
    };
    let distances =
        lines.iter().flat_map(shown).filter(|ratio| *ratio > 0.0 && ratio.is_finite()).map(|r| r.ln().abs());
    let furthest = distances.fold((1.0 + fail_on).ln() * AIR, f64::max).max(0.01);
    Scale::logarithmic((-furthest).exp(), furthest.exp(), pixels)
}

fn describe(lines: &[Line]) -> String {
    let parts = lines.iter().map(|line| {
        let [low, high] = line.evidence.ratio.ci95.map(change);
        format!("{}: {}, 95 % interval {low} to {high}", line.name, line.text)
    });
    format!("Points with intervals around no change. {}.", parts.collect::<Vec<_>>().join("; "))
}
