//! A shape for each subject, so that colour is not all that tells them apart.

use super::drawing::Mark;
use super::palette::{Colour, SERIES_COUNT};

/// Half the height of a marker, logical pixels.
pub const MARKER: f64 = 5.0;

/// Corners of a colour's shape, in halves of its height around (0, 0).
pub fn corners(colour: Colour) -> Vec<(f64, f64)> {
    let around = |count: u32, first: f64, radius: f64| -> Vec<(f64, f64)> {
        let angle = |i: u32| (first + 360.0 * f64::from(i) / f64::from(count)).to_radians();
        (0..count).map(|i| (radius * angle(i).cos(), radius * angle(i).sin())).collect()
    };
    let plus = [
        (-0.35, -1.1),
        (0.35, -1.1),
        (0.35, -0.35),
        (1.1, -0.35),
        (1.1, 0.35),
        (0.35, 0.35),
        (0.35, 1.1),
        (-0.35, 1.1),
        (-0.35, 0.35),
        (-1.1, 0.35),
        (-1.1, -0.35),
        (-0.35, -0.35),
    ];
    let half = std::f64::consts::FRAC_1_SQRT_2;
    let index = if let Colour::Series(index) = colour { index % SERIES_COUNT } else { 0 };
    match index {
        0 => around(24, 0.0, 1.0),
        1 => around(4, 45.0, 1.25),
        2 => around(3, -90.0, 1.3),
        3 => around(4, 0.0, 1.3),
        4 => around(3, 90.0, 1.3),
        5 => plus.to_vec(),
        6 => plus.iter().map(|(x, y)| ((x - y) * half, (x + y) * half)).collect(),
        _ => around(6, 0.0, 1.15),
    }
}

/// The marker of a subject's colour at a place.
pub fn marker((x, y): (f64, f64), colour: Colour) -> Mark {
    let points = corners(colour).into_iter().map(|(dx, dy)| (x + MARKER * dx, y + MARKER * dy)).collect();
    Mark::Area { points, colour }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subject_has_a_shape_of_its_own_of_about_one_size() {
        let shapes: Vec<_> = (0..SERIES_COUNT).map(|index| corners(Colour::Series(index))).collect();
        for (index, shape) in shapes.iter().enumerate() {
            assert!(!shapes[..index].contains(shape), "shape {index} is that of another subject");
            let extent = |part: fn(&(f64, f64)) -> f64| shape.iter().map(part).fold(0.0, |a: f64, b| a.max(b.abs()));
            assert!((0.8..=1.35).contains(&extent(|p| p.0)) && (0.8..=1.35).contains(&extent(|p| p.1)), "{index}");
        }
    }
}
