//! Colours: a subject has the same one in every plot, in light and in dark, also for colour-blind eyes.
//!
//! The series colours follow Okabe and Ito, darkened where they are too pale for a line on white. Colour is never the
//! only sign: a subject has a shape as well ([`markers`](super::markers)), and its name stands beside it or in a legend.

use crate::results::model::Report;

/// A colour by its role. What it looks like depends on light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Colour {
    /// Behind everything.
    Background,
    /// Text and whiskers.
    Ink,
    /// Captions, axis labels, the floor.
    Muted,
    /// Lines of the grid.
    Grid,
    /// A subject.
    Series(usize),
}

/// What is behind a plot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the words say it")]
pub enum Theme {
    Light,
    Dark,
}

/// Series colours there are; further subjects start again with the first.
pub const SERIES_COUNT: usize = 8;

/// Series colours, light and dark.
const SERIES: [(Rgb, Rgb); SERIES_COUNT] = [
    ((0x00, 0x6B, 0xA6), (0x5A, 0xB4, 0xF0)),
    ((0xC8, 0x50, 0x0A), (0xFF, 0x94, 0x4D)),
    ((0x00, 0x86, 0x62), (0x3D, 0xCB, 0x9E)),
    ((0xA8, 0x4A, 0x83), (0xE8, 0x8F, 0xC3)),
    ((0xB0, 0x7A, 0x00), (0xE8, 0xB8, 0x3E)),
    ((0x5B, 0x5F, 0xC7), (0xA5, 0xA8, 0xFF)),
    ((0x6B, 0x6E, 0x23), (0xC3, 0xC7, 0x6A)),
    ((0x7A, 0x5C, 0x45), (0xCF, 0xAB, 0x8F)),
];

/// Red, green and blue.
pub type Rgb = (u8, u8, u8);

impl Colour {
    /// In a theme.
    pub fn of(self, theme: Theme) -> Rgb {
        match theme {
            Theme::Light => self.light(),
            Theme::Dark => self.dark(),
        }
    }

    /// On a light background.
    pub fn light(self) -> Rgb {
        match self {
            Self::Background => (0xFF, 0xFF, 0xFF),
            Self::Ink => (0x1B, 0x1F, 0x24),
            Self::Muted => (0x59, 0x63, 0x6E),
            Self::Grid => (0xE3, 0xE7, 0xEB),
            Self::Series(index) => SERIES[index % SERIES.len()].0,
        }
    }

    /// On a dark background.
    pub fn dark(self) -> Rgb {
        match self {
            Self::Background => (0x16, 0x1B, 0x22),
            Self::Ink => (0xE6, 0xED, 0xF3),
            Self::Muted => (0x9D, 0xA7, 0xB3),
            Self::Grid => (0x2D, 0x34, 0x3D),
            Self::Series(index) => SERIES[index % SERIES.len()].1,
        }
    }

    /// Every colour that a plot can have.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Background, Self::Ink, Self::Muted, Self::Grid].into_iter().chain((0..SERIES.len()).map(Self::Series))
    }
}

/// `#RRGGBB`.
pub fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// Which subject has which colour.
#[derive(Debug, Clone)]
pub struct Palette {
    subjects: Vec<String>,
}

impl Palette {
    /// Subjects in the order of the report; those that only a benchmark names come after them.
    pub fn of(report: &Report) -> Self {
        let mut subjects: Vec<String> = Vec::new();
        // Only measured subjects take a colour, so that as few as possible share one.
        let names = || {
            let loads = report.bench.iter().map(|result| &result.subject);
            loads.chain(report.lifecycle.iter().map(|result| &result.subject))
        };
        let measured = |name: &str| names().any(|subject| subject == name);
        let known = report.subjects.iter().map(|subject| &subject.name).filter(|name| measured(name));
        for name in known.chain(names()) {
            if !subjects.contains(name) {
                subjects.push(name.clone());
            }
        }
        Self { subjects }
    }

    /// The subject's colour; a subject that the report does not have gets that of text.
    pub fn colour(&self, subject: &str) -> Colour {
        self.subjects.iter().position(|name| name == subject).map_or(Colour::Ink, Colour::Series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, as WCAG 2 defines it.
    fn luminance((red, green, blue): Rgb) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn text_has_contrast_4_5_and_series_3_on_both_backgrounds() {
        for colour in Colour::all() {
            let least = match colour {
                Colour::Ink | Colour::Muted => 4.5,
                Colour::Series(_) => 3.0,
                Colour::Background | Colour::Grid => continue,
            };
            let light = contrast(colour.light(), Colour::Background.light());
            let dark = contrast(colour.dark(), Colour::Background.dark());
            assert!(light >= least && dark >= least, "{colour:?}: {light:.1} on light, {dark:.1} on dark");
        }
    }

    #[test]
    fn no_two_roles_look_alike() {
        let mut seen = std::collections::HashSet::new();
        assert!(Colour::all().all(|colour| seen.insert(colour.light())));
        seen.clear();
        assert!(Colour::all().all(|colour| seen.insert(colour.dark())));
    }
}
