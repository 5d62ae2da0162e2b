//! A drawing into SVG and PNG, by the same code.

use std::path::Path;
use std::sync::OnceLock;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle, register_font};

use super::drawing::{Anchor, Drawing, Mark};
use super::palette::{Colour, Theme};
use crate::report::error::ReportError;
use crate::report::file::write_file;

/// Backend pixels a logical pixel: backends know whole pixels only.
const SCALE: f64 = 2.0;

/// How much lower a text has to be drawn so that its capital letters are centred, in its size. Each backend centres on
/// a middle of its own.
const SVG_DROP: f64 = 0.06;
const BITMAP_DROP: f64 = 0.22;

/// plotters means the line height by a font's size; SVG divides by this to get the size of the letters.
const LINE_HEIGHT: f64 = 1.24;

/// The drawing as a standalone SVG with a background. Its colours are attributes, so that a page's style sheet can replace
/// the light ones.
///
/// # Errors
/// [`ReportError::Render`], which would be a defect of this module.
pub fn svg(drawing: &Drawing, theme: Theme) -> Result<String, ReportError> {
    let mut body = String::new();
    draw(SVGBackend::with_string(&mut body, pixels(drawing)), drawing, theme, SVG_DROP, "SVG plot")?;
    // The backend's own head has no title, and a size in its pixels.
    let Some((_, marks)) = body.split_once("<svg").and_then(|(_, rest)| rest.split_once('>')) else {
        return Err(ReportError::Render { format: "SVG plot", why: "the drawing has no <svg> element".to_owned() });
    };
    let (width, height) = pixels(drawing);
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{}</title>\n<desc>{}</desc>{marks}",
        drawing.width,
        drawing.height,
        escape(&drawing.title),
        escape(&drawing.description)
    ))
}

/// Writes the drawing as PNG, twice its logical size, as [`write_file`] writes. Missing parent folders are made.
///
/// # Errors
/// [`ReportError::Write`]: drawing itself happens in memory, so what fails is the file.
pub fn write_png(drawing: &Drawing, theme: Theme, path: &Path) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    // The backend encodes into a file only, and knows the format by the name's end.
    let temporary = path.with_extension(format!("{}.tmp.png", std::process::id()));
    let encoded = draw(BitMapBackend::new(&temporary, pixels(drawing)), drawing, theme, BITMAP_DROP, "PNG plot")
        .map_err(std::io::Error::other)
        .and_then(|()| std::fs::read(&temporary));
    // It may never have come to be; the error that matters is the first one.
    let _ = std::fs::remove_file(&temporary);
    write_file(path, &encoded.map_err(failed)?)
}

/// The pixels of the PNG: width, height, and red, green and blue of each pixel, row by row.
///
/// # Errors
/// As [`svg`].
pub fn raster(drawing: &Drawing, theme: Theme) -> Result<(u32, u32, Vec<u8>), ReportError> {
    let (width, height) = pixels(drawing);
    let mut buffer = vec![0; width as usize * height as usize * 3];
    draw(BitMapBackend::with_buffer(&mut buffer, (width, height)), drawing, theme, BITMAP_DROP, "PNG plot")?;
    Ok((width, height, buffer))
}

/// Width of a text in logical pixels, as PNG draws it; browsers' fonts are seldom wider.
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let measured = fonts_are_registered().then(|| font(size * 8.0, bold).box_size(text).ok()).flatten();
    // Half the size a letter is a fair guess, should the font ever be missing.
    measured.map_or(size * 0.6 * text.chars().count() as f64, |(width, _)| f64::from(width) / 8.0)
}

fn pixels(drawing: &Drawing) -> (u32, u32) {
    ((drawing.width * SCALE).ceil() as u32, (drawing.height * SCALE).ceil() as u32)
}

fn pixel((x, y): (f64, f64)) -> (i32, i32) {
    ((x * SCALE).round() as i32, (y * SCALE).round() as i32)
}

fn draw<B: DrawingBackend>(
    backend: B,
    drawing: &Drawing,
    theme: Theme,
    text_drop: f64,
    format: &'static str,
) -> Result<(), ReportError> {
    if !fonts_are_registered() {
        return Err(ReportError::Render { format, why: "the built-in font is damaged".to_owned() });
    }
    let failed = |why: String| ReportError::Render { format, why };
    let rgb = |colour: Colour| {
        let (red, green, blue) = colour.of(theme);
        RGBColor(red, green, blue)
    };
    let area = backend.into_drawing_area();
    area.fill(&rgb(Colour::Background)).map_err(|error| failed(error.to_string()))?;
    for mark in &drawing.marks {
        match mark {
            Mark::Line { points, colour, width, dashed } => {
                let style = ShapeStyle::from(rgb(*colour)).stroke_width((width * SCALE).round() as u32);
                let parts = if *dashed { dashes(points) } else { vec![points.clone()] };
                parts.iter().try_for_each(|part| {
                    area.draw(&PathElement::new(part.iter().copied().map(pixel).collect::<Vec<_>>(), style))
                })
            }
            Mark::Rect { left, top, right, bottom, colour } => {
                area.draw(&Rectangle::new([pixel((*left, *top)), pixel((*right, *bottom))], rgb(*colour).filled()))
            }
            Mark::Area { points, colour } => {
                area.draw(&Polygon::new(points.iter().copied().map(pixel).collect::<Vec<_>>(), rgb(*colour).filled()))
            }
            Mark::Dot { x, y, radius, colour } => {
                area.draw(&Circle::new(pixel((*x, *y)), (radius * SCALE).round() as i32, rgb(*colour).filled()))
            }
            Mark::Text { x, y, text, size, bold, colour, anchor } => {
                let horizontal = match anchor {
                    Anchor::Left => HPos::Left,
                    Anchor::Middle => HPos::Center,
                    Anchor::Right => HPos::Right,
                };
                let colour = rgb(*colour);
                let style =
                    TextStyle::from(font(size * SCALE, *bold)).color(&colour).pos(Pos::new(horizontal, VPos::Center));
                area.draw(&Text::new(text.as_str(), pixel((*x, y + text_drop * size)), style))
            }
        }
        .map_err(|error| failed(error.to_string()))?;
    }
    area.present().map_err(|error| failed(error.to_string()))
}

/// Pieces of 5 pixels with gaps of 4, along a path.
fn dashes(points: &[(f64, f64)]) -> Vec<Vec<(f64, f64)>> {
    const DASH: f64 = 5.0;
    const PERIOD: f64 = 9.0;
    let mut parts = Vec::new();
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let at = |distance: f64| {
            let share = if length > 0.0 { (distance / length).min(1.0) } else { 0.0 };
            (x0 + share * (x1 - x0), y0 + share * (y1 - y0))
        };
        let count = (length / PERIOD).ceil() as u32;
        parts.extend((0..count).map(|i| vec![at(f64::from(i) * PERIOD), at(f64::from(i) * PERIOD + DASH)]));
    }
    parts
}

fn font(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold { FontStyle::Bold } else { FontStyle::Normal };
    FontDesc::new(FontFamily::SansSerif, size * LINE_HEIGHT, style)
}

/// PNG has its letters from the built-in font, so that plots look alike on a machine without fonts.
fn fonts_are_registered() -> bool {
    static REGISTERED: OnceLock<bool> = OnceLock::new();
    *REGISTERED.get_or_init(|| {
        register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular()).is_ok()
            && register_font("sans-serif", FontStyle::Bold, dejavu::sans::bold()).is_ok()
    })
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
