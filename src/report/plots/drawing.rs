//! A plot as plain data: marks at positions in logical pixels, origin at the top left.

use super::palette::Colour;

/// For which place a plot is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A file of its own, 960 logical pixels: it says itself which question it answers, and what it rests on.
    File,
    /// Below the question on a page, 960 logical pixels: a desktop.
    Wide,
    /// Likewise, 350 logical pixels: a phone. The same plot with its text at a readable size, not a small picture of it.
    Narrow,
}

impl Shape {
    /// Logical pixels.
    pub fn width(self) -> f64 {
        match self {
            Self::File | Self::Wide => 960.0,
            Self::Narrow => 350.0,
        }
    }

    /// Outer margin on every side, logical pixels; a page has its own.
    pub fn margin(self) -> f64 {
        match self {
            Self::File => 16.0,
            Self::Wide | Self::Narrow => 4.0,
        }
    }
}

/// Horizontal anchor of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Anchor {
    Left,
    Middle,
    Right,
}

/// One mark. Positions and sizes are logical pixels.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Mark {
    /// A line through points.
    Line { points: Vec<(f64, f64)>, colour: Colour, width: f64, dashed: bool },
    /// A filled rectangle.
    Rect { left: f64, top: f64, right: f64, bottom: f64, colour: Colour },
    /// A filled polygon.
    Area { points: Vec<(f64, f64)>, colour: Colour },
    /// A filled circle.
    Dot { x: f64, y: f64, radius: f64, colour: Colour },
    /// A line of text, centred vertically on `y`.
    Text { x: f64, y: f64, text: String, size: f64, bold: bool, colour: Colour, anchor: Anchor },
}

/// A whole plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Logical pixels.
    pub width: f64,
    /// Logical pixels.
    pub height: f64,
    /// Outer margin, logical pixels.
    pub margin: f64,
    /// The question that the plot answers.
    pub title: String,
    /// The plot in words, for those who do not see it.
    pub description: String,
    /// Back to front.
    pub marks: Vec<Mark>,
}

impl Drawing {
    /// Adds a straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        self.marks.push(Mark::Line { points: vec![from, to], colour, width, dashed: false });
    }

    /// Adds a straight dashed line.
    pub fn dashed(&mut self, from: (f64, f64), to: (f64, f64), colour: Colour, width: f64) {
        self.marks.push(Mark::Line { points: vec![from, to], colour, width, dashed: true });
    }

    /// Adds bold text.
    pub fn bold(&mut self, (x, y): (f64, f64), text: &str, size: f64, colour: Colour, anchor: Anchor) {
        self.marks.push(Mark::Text { x, y, text: text.to_owned(), size, bold: true, colour, anchor });
    }

    /// Adds text of ordinary weight.
    pub fn text(&mut self, (x, y): (f64, f64), text: &str, size: f64, colour: Colour, anchor: Anchor) {
        self.marks.push(Mark::Text { x, y, text: text.to_owned(), size, bold: false, colour, anchor });
    }
}
