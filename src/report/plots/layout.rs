//! What all plots share: head, caption, whiskers, and labels that never overlap.

use std::fmt::Write as _;

use super::drawing::{Anchor, Drawing, Shape};
use super::palette::Colour;
use super::render::text_width;
use crate::report::questions::Question;

/// Size of labels and ticks.
pub const LABEL: f64 = 13.0;
/// Size of captions.
pub const CAPTION: f64 = 11.5;
/// Characters of a label at most, before it is cut to its room.
const CHARACTERS_MAX: usize = 400;
const TITLE_LINE: f64 = 23.0;
const CAPTION_LINE: f64 = 16.0;

/// A drawing with its head: the question, and below it what is shown of which cases. On a page the question stands above the
/// drawing already. The second value is the place below.
pub fn begin(shape: Shape, question: &Question<'_>, what: &str) -> (Drawing, f64) {
    begin_titled(shape, question.title, &question.label(), what)
}

/// The same of a question with this title, whose figures come from `label`.
pub fn begin_titled(shape: Shape, title: &str, label: &str, what: &str) -> (Drawing, f64) {
    let (width, margin) = (shape.width(), shape.margin());
    let (head, subtitle, size) = match shape {
        Shape::File => (title, format!("{what}. {label}"), 18.0),
        Shape::Wide | Shape::Narrow => (what, String::new(), 15.5),
    };
    let title = title.to_owned();
    let mut drawing = Drawing { width, height: 0.0, margin, title, description: String::new(), marks: Vec::new() };
    let mut y = margin;
    for text in wrap(head, width - 2.0 * margin, size, true) {
        drawing.bold((margin, y + TITLE_LINE / 2.0), &text, size, Colour::Ink, Anchor::Left);
        y += TITLE_LINE;
    }
    for text in wrap(&subtitle, width - 2.0 * margin, LABEL, false) {
        drawing.text((margin, y + 10.0), &text, LABEL, Colour::Muted, Anchor::Left);
        y += 18.0;
    }
    (drawing, y + 8.0)
}

/// The interval of a figure, from one end to the other, level or upright. A pale edge keeps it visible on a line.
pub fn whisker(drawing: &mut Drawing, from: (f64, f64), to: (f64, f64)) {
    let level = (from.1 - to.1).abs() < f64::EPSILON;
    let cap = |(x, y): (f64, f64)| if level { [(x, y - 5.0), (x, y + 5.0)] } else { [(x - 5.0, y), (x + 5.0, y)] };
    for (colour, width) in [(Colour::Background, 4.0), (Colour::Ink, 1.5)] {
        drawing.line(from, to, colour, width);
        for [start, end] in [cap(from), cap(to)] {
            drawing.line(start, end, colour, width);
        }
    }
}

/// A sentence for each result that does not count.
fn not_shown(question: &Question<'_>) -> String {
    let mut text = String::new();
    for (case, result) in question.cases.iter().flat_map(|case| case.results.iter().map(move |result| (case, result))) {
        if !result.valid {
            let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
            let with = if case.name.is_empty() { String::new() } else { format!(" with {}", case.name) };
            let _ = write!(text, " Not shown, invalid: {}{with} ({why}).", result.subject);
        }
    }
    text
}

/// Writes the caption below `y` and sets the drawing's height. A file begins with what its figures rest on, which on a page
/// the tables say.
pub fn end(drawing: &mut Drawing, shape: Shape, question: &Question<'_>, y: f64, caption: &str) {
    end_titled(drawing, shape, &question.rounds(), y, &format!("{caption}{}", not_shown(question)));
}

/// The same of figures that rest on `rounds`.
pub fn end_titled(drawing: &mut Drawing, shape: Shape, rounds: &str, mut y: f64, caption: &str) {
    let rounds = if shape == Shape::File { format!("{rounds}. ") } else { String::new() };
    let caption = format!("{rounds}{caption}");
    for text in wrap(&caption, drawing.width - 2.0 * drawing.margin, CAPTION, false) {
        drawing.text((drawing.margin, y + CAPTION_LINE / 2.0), &text, CAPTION, Colour::Muted, Anchor::Left);
        y += CAPTION_LINE;
    }
    drawing.height = y + drawing.margin;
}

/// Lines no wider than `width`; a word that is wider alone is cut.
pub fn wrap(text: &str, width: f64, size: f64, bold: bool) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    // Not at the spaces that are there so that a figure stays in one line.
    for word in text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()) {
        if let Some(line) = lines.last_mut() {
            let longer = format!("{line} {word}");
            if text_width(&longer, size, bold) <= width {
                *line = longer;
                continue;
            }
        }
        lines.push(shorten(word, width, size));
    }
    lines
}

/// The text, cut with an ellipsis if it is wider than `width`.
pub fn shorten(text: &str, width: f64, size: f64) -> String {
    // No picture has room for more, and what is cut is measured character by character.
    let text: String =
        text.chars().take(CHARACTERS_MAX).map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect();
    if text_width(&text, size, true) <= width {
        return text;
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let cut: String = kept.iter().chain(std::iter::once(&'…')).collect();
        if text_width(&cut, size, true) <= width {
            return cut;
        }
    }
    "…".to_owned()
}

/// Moves labels apart: each as near to where it wants to be as possible, in their order, at least `gap` from each
/// other and within `range`. Labels that cannot fit keep their order and get less than `gap`.
pub fn spread(wanted: &[f64], gap: f64, range: (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].total_cmp(&wanted[*b]));
    let room = (range.1 - range.0).max(0.0);
    let gap = if wanted.len() > 1 { gap.min(room / (wanted.len() - 1) as f64) } else { gap };
    // Blocks of labels that touch: (sum of wanted starts, number of labels). A block lies at its mean.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    let start = |(sum, count): (f64, usize)| {
        let length = gap * (count - 1) as f64;
        (sum / count as f64).clamp(range.0, (range.1 - length).max(range.0))
    };
    for &index in &order {
        blocks.push((wanted[index], 1));
        while let [.., above, below] = blocks[..] {
            if start(above) + gap * above.1 as f64 <= start(below) + 1e-9 {
                break;
            }
            blocks.truncate(blocks.len() - 2);
            // In a common block, each label wants the block's start.
            blocks.push((above.0 + below.0 - gap * (above.1 * below.1) as f64, above.1 + below.1));
        }
    }
    let mut placed = vec![0.0; wanted.len()];
    let mut indices = order.into_iter();
    for block in blocks {
        for (i, index) in indices.by_ref().take(block.1).enumerate() {
            placed[index] = start(block) + gap * i as f64;
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_with_room_stay_where_they_are() {
        assert_eq!(spread(&[100.0, 10.0, 50.0], 15.0, (0.0, 200.0)), [100.0, 10.0, 50.0]);
    }

    #[test]
    fn two_at_one_place_part_evenly() {
        assert_eq!(spread(&[100.0, 100.0], 16.0, (0.0, 200.0)), [92.0, 108.0]);
    }

    proptest! {
        #[test]
        fn labels_are_apart_in_range_and_in_order(wanted in prop::collection::vec(-50.0..450.0_f64, 0..20)) {
            let placed = spread(&wanted, 16.0, (0.0, 400.0));
            for (i, a) in placed.iter().enumerate() {
                prop_assert!((-1e-6..=400.0 + 1e-6).contains(a), "{placed:?}");
                for (j, b) in placed.iter().enumerate().filter(|(j, _)| *j != i) {
                    prop_assert!((a - b).abs() >= 16.0 - 1e-6, "{wanted:?} -> {placed:?}");
                    prop_assert!(wanted[i] >= wanted[j] || a < b, "{wanted:?} -> {placed:?}");
                }
            }
        }
    }

    #[test]
    fn long_words_are_cut_and_lines_fit() {
        let lines = wrap(&format!("a few words {}", "x".repeat(300)), 200.0, 13.0, false);
        assert_eq!(lines[0], "a few words");
        assert!(lines[1].ends_with('…'));
        assert!(lines.iter().all(|line| text_width(line, 13.0, false) <= 200.0));
    }
}
