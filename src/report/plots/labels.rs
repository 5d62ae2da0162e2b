//! Labels that keep clear of each other, of markers and of lines: a legend, and figures beside points.

use super::drawing::{Anchor, Drawing, Mark};
use super::layout::{LABEL, shorten};
use super::markers::marker;
use super::palette::Colour;
use super::render::text_width;

/// Height of a line of a legend.
const LEGEND_LINE: f64 = 22.0;
/// Room that a text keeps around it.
const CLEAR: f64 = 3.0;

/// Left, top, right, bottom.
type Rectangle = (f64, f64, f64, f64);

/// Writes who has which marker and colour, from the left in as many lines as it takes; the place below.
pub fn legend(drawing: &mut Drawing, subjects: &[(&str, Colour)], y: f64) -> f64 {
    let (left, right) = (drawing.margin, drawing.width - drawing.margin);
    let (mut x, mut line) = (left, y + LEGEND_LINE / 2.0);
    for (subject, colour) in subjects {
        let name = shorten(subject, right - left - 32.0, LABEL);
        let width = 30.0 + text_width(&name, LABEL, true);
        if x > left && x + width > right {
            (x, line) = (left, line + LEGEND_LINE);
        }
        drawing.line((x, line), (x + 24.0, line), *colour, 2.0);
        drawing.marks.push(marker((x + 12.0, line), *colour));
        drawing.bold((x + 30.0, line), &name, LABEL, *colour, Anchor::Left);
        x += width + 22.0;
    }
    line + LEGEND_LINE / 2.0
}

/// Where texts can go without covering anything.
pub struct Places {
    within: Rectangle,
    taken: Vec<Rectangle>,
    lines: Vec<[(f64, f64); 2]>,
}

impl Places {
    /// All that is drawn so far is to be kept clear of, except the grid.
    pub fn on(drawing: &Drawing, within: Rectangle) -> Self {
        let mut places = Self { within, taken: Vec::new(), lines: Vec::new() };
        for mark in &drawing.marks {
            match mark {
                Mark::Line { points, colour, .. } if *colour != Colour::Grid => {
                    places.lines.extend(points.windows(2).map(|pair| [pair[0], pair[1]]));
                }
                Mark::Area { points, .. } => {
                    let range = |part: fn(&(f64, f64)) -> f64| {
                        let all = || points.iter().map(part);
                        (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max))
                    };
                    let ((left, right), (top, bottom)) = (range(|p| p.0), range(|p| p.1));
                    places.taken.push((left, top, right, bottom));
                }
                Mark::Text { x, y, text, size, bold, anchor, .. } => {
                    places.taken.push(text_box((*x, *y), text, *size, *bold, *anchor));
                }
                _ => {}
            }
        }
        places
    }

    /// Writes a text at the first of these places where it covers nothing; whether there is one.
    pub fn write(
        &mut self,
        drawing: &mut Drawing,
        candidates: &[((f64, f64), Anchor)],
        text: &str,
        colour: Colour,
    ) -> bool {
        for (at, anchor) in candidates {
            let wanted = text_box(*at, text, LABEL, false, *anchor);
            if self.is_free(wanted) {
                drawing.text(*at, text, LABEL, colour, *anchor);
                self.taken.push(wanted);
                return true;
            }
        }
        false
    }

    fn is_free(&self, (left, top, right, bottom): Rectangle) -> bool {
        let inside = left >= self.within.0 && top >= self.within.1 && right <= self.within.2 && bottom <= self.within.3;
        let apart = |other: &Rectangle| right <= other.0 || other.2 <= left || bottom <= other.1 || other.3 <= top;
        let is_clear = |[from, to]: &[(f64, f64); 2]| {
            let steps = ((to.0 - from.0).hypot(to.1 - from.1) / 2.0).ceil().clamp(1.0, 2000.0) as u32;
            (0..=steps).all(|step| {
                let share = f64::from(step) / f64::from(steps);
                let (x, y) = (from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1));
                x <= left || x >= right || y <= top || y >= bottom
            })
        };
        inside && self.taken.iter().all(apart) && self.lines.iter().all(is_clear)
    }
}

fn text_box((x, y): (f64, f64), text: &str, size: f64, bold: bool, anchor: Anchor) -> Rectangle {
    let width = text_width(text, size, bold);
    let left = match anchor {
        Anchor::Left => x,
        Anchor::Middle => x - width / 2.0,
        Anchor::Right => x - width,
    };
    (left - CLEAR, y - size / 2.0 - 1.0, left + width + CLEAR, y + size / 2.0 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Drawing {
        let [title, description] = ["?", ""].map(str::to_owned);
        Drawing { width: 960.0, height: 400.0, margin: 16.0, title, description, marks: Vec::new() }
    }

    #[test]
    fn a_text_goes_where_nothing_is() {
        let mut drawing = empty();
        drawing.line((0.0, 100.0), (400.0, 100.0), Colour::Ink, 1.0);
        drawing.line((0.0, 140.0), (400.0, 140.0), Colour::Grid, 1.0);
        let mut places = Places::on(&drawing, (0.0, 0.0, 400.0, 400.0));
        let at = |y: f64| ((200.0, y), Anchor::Middle);
        assert!(!places.write(&mut drawing, &[at(100.0), at(-50.0)], "154 ns", Colour::Ink), "a line, and outside");
        assert!(places.write(&mut drawing, &[at(101.0), at(140.0)], "154 ns", Colour::Ink), "a grid is no hindrance");
        assert!(!places.write(&mut drawing, &[at(145.0)], "160 ns", Colour::Ink), "there is a text");
    }

    #[test]
    fn a_legend_names_everybody_within_the_margins() {
        let mut drawing = empty();
        let names: Vec<String> = (0..12).map(|i| format!("subject-with-a-long-name-{i}")).collect();
        let subjects: Vec<(&str, Colour)> =
            names.iter().enumerate().map(|(i, name)| (name.as_str(), Colour::Series(i))).collect();
        let below = legend(&mut drawing, &subjects, 60.0);
        let texts = drawing.marks.iter().filter_map(|mark| match mark {
            Mark::Text { x, text, bold: true, .. } if text.starts_with("subject") => Some((x, text)),
            _ => None,
        });
        let rights: Vec<f64> = texts.map(|(x, text)| x + text_width(text, LABEL, true)).collect();
        assert!(rights.len() == 12 && rights.iter().all(|right| *right <= drawing.width - drawing.margin + 0.5));
        assert!(below > 100.0, "twelve long names in one line");
    }
}
