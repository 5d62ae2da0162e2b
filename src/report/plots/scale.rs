//! From values to pixels, and which values get a tick.

/// A linear or logarithmic axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Values at both ends.
    pub values: (f64, f64),
    /// Pixels at both ends.
    pixels: (f64, f64),
    /// Whether equal distances are equal ratios.
    pub logarithmic: bool,
}

impl Scale {
    /// A logarithmic axis. Ends that are no positive range become one.
    pub fn logarithmic(from: f64, to: f64, pixels: (f64, f64)) -> Self {
        let from = if from.is_finite() && from > 0.0 { from } else { 1.0 };
        let to = if to.is_finite() && to > from { to } else { from * 10.0 };
        Self { values: (from, to), pixels, logarithmic: true }
    }

    /// A logarithmic axis whose ends are 1, 2 or 5 times a power of ten, so that ticks enclose what is between.
    pub fn rounded(from: f64, to: f64, pixels: (f64, f64)) -> Self {
        let Self { values: (from, to), .. } = Self::logarithmic(from, to, pixels);
        let decade = |value: f64| 10_f64.powi(value.log10().floor() as i32);
        let steps = [1.0, 2.0, 5.0, 10.0];
        let low = steps.iter().map(|step| step * decade(from)).rev().find(|step| *step <= from * 1.000_001);
        let high = steps.iter().map(|step| step * decade(to)).find(|step| *step >= to * 0.999_999);
        Self::logarithmic(low.unwrap_or(from), high.unwrap_or(to), pixels)
    }

    /// A linear axis from 0. An end that is not positive becomes 1.
    pub fn linear(to: f64, pixels: (f64, f64)) -> Self {
        let to = if to.is_finite() && to > 0.0 { to } else { 1.0 };
        Self { values: (0.0, to), pixels, logarithmic: false }
    }

    /// The pixel of a value; values beyond an end are drawn at that end.
    pub fn at(&self, value: f64) -> f64 {
        let (from, to) = self.values;
        let value = value.clamp(from, to);
        let share =
            if self.logarithmic { (value / from).ln() / (to / from).ln() } else { (value - from) / (to - from) };
        self.pixels.0 + share * (self.pixels.1 - self.pixels.0)
    }

    /// Values of ticks, ascending, at least `gap` pixels apart: 1, 2 and 5 times a power of ten as far as they fit.
    pub fn ticks(&self, gap: f64) -> Vec<f64> {
        if self.logarithmic { self.logarithmic_ticks(gap) } else { self.linear_ticks(gap) }
    }

    /// The same of sizes: powers of two, ascending, at least `gap` pixels apart on a logarithmic axis.
    pub fn binary_ticks(&self, gap: f64) -> Vec<f64> {
        let (from, to) = self.values;
        let with = |step: usize| -> Vec<f64> {
            // A size has 64 bits.
            (0..64)
                .step_by(step)
                .map(|exponent| 2_f64.powi(exponent))
                .filter(|tick| (from..=to).contains(tick))
                .collect()
        };
        [1, 2, 5, 10, 20].into_iter().map(with).find(|ticks| self.fits(ticks, gap)).unwrap_or_default()
    }

    fn logarithmic_ticks(&self, gap: f64) -> Vec<f64> {
        let (from, to) = self.values;
        let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
        let with = |steps: &[f64], decades: usize| -> Vec<f64> {
            (low..=high)
                .step_by(decades)
                .flat_map(|exponent| steps.iter().map(move |step| step * 10_f64.powi(exponent)))
                .filter(|tick| *tick >= from * 0.999_999 && *tick <= to * 1.000_001)
                .collect()
        };
        let densities: [(&[f64], usize); 7] = [
            (&[1.0, 1.5, 2.0, 3.0, 5.0, 7.0], 1),
            (&[1.0, 2.0, 5.0], 1),
            (&[1.0, 3.0], 1),
            (&[1.0], 1),
            (&[1.0], 2),
            (&[1.0], 3),
            (&[1.0], 6),
        ];
        let candidates = densities.iter().map(|(steps, decades)| with(steps, *decades));
        candidates.into_iter().find(|ticks| self.fits(ticks, gap)).unwrap_or_default()
    }

    fn linear_ticks(&self, gap: f64) -> Vec<f64> {
        let (_, to) = self.values;
        let power = to.log10().floor() as i32 - 1;
        for exponent in power..power + 4 {
            for step in [1.0, 2.0, 5.0] {
                let step = step * 10_f64.powi(exponent);
                let ticks: Vec<f64> = (0..=(to / step * 1.000_001) as usize).map(|i| i as f64 * step).collect();
                if self.fits(&ticks, gap) {
                    return ticks;
                }
            }
        }
        vec![0.0]
    }

    fn fits(&self, ticks: &[f64], gap: f64) -> bool {
        ticks.windows(2).all(|pair| (self.at(pair[1]) - self.at(pair[0])).abs() >= gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ratios_are_equal_distances() {
        let scale = Scale::logarithmic(1.0, 1000.0, (100.0, 400.0));
        assert!((scale.at(10.0) - 200.0).abs() < 1e-9);
        assert!((scale.at(100.0) - 300.0).abs() < 1e-9);
    }

    #[test]
    fn an_axis_may_point_upwards() {
        let scale = Scale::linear(10.0, (500.0, 100.0));
        assert!((scale.at(2.5) - 400.0).abs() < 1e-9);
    }

    #[test]
    fn values_beyond_an_end_and_broken_ranges_stay_on_the_paper() {
        for scale in [
            Scale::logarithmic(f64::NAN, 0.0, (0.0, 10.0)),
            Scale::logarithmic(-3.0, f64::INFINITY, (0.0, 10.0)),
            Scale::linear(-1.0, (0.0, 10.0)),
        ] {
            for value in [-1.0, 0.0, 5.0, 1e300] {
                assert!((0.0..=10.0).contains(&scale.at(value)), "{scale:?} at {value}");
            }
        }
    }

    #[test]
    fn rounded_ends_enclose_the_values() {
        for (from, to, ends) in [
            (150.0, 310.0, (100.0, 500.0)),
            (1.0, 10.0, (1.0, 10.0)),
            (0.03, 0.06, (0.02, 0.1)),
            (2.0, 2.0, (2.0, 20.0)),
        ] {
            let (low, high) = Scale::rounded(from, to, (0.0, 100.0)).values;
            let close = |a: f64, b: f64| (a / b - 1.0).abs() < 1e-9;
            assert!(close(low, ends.0) && close(high, ends.1), "{from} to {to}: {low} to {high}");
        }
    }

    #[test]
    fn ticks_of_sizes_are_powers_of_two() {
        let scale = Scale::logarithmic(1e4, 2e9, (300.0, 0.0));
        // 17 pixels lie between a power of two and the next one.
        assert_eq!(scale.binary_ticks(26.0), [14, 16, 18, 20, 22, 24, 26, 28, 30].map(|bits| 2_f64.powi(bits)));
        assert_eq!(scale.binary_ticks(60.0), [15, 20, 25, 30].map(|bits| 2_f64.powi(bits)));
        assert_eq!(scale.binary_ticks(1000.0).len(), 1, "one that is between remains");
    }

    #[test]
    fn ticks_are_round_and_apart() {
        let scale = Scale::logarithmic(40.0, 30_000.0, (500.0, 100.0));
        let expected = [50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 1e4, 2e4];
        let ticks = scale.ticks(25.0);
        assert_eq!(ticks.len(), expected.len());
        assert!(ticks.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-9), "{ticks:?}");
        assert_eq!(Scale::linear(4.2, (0.0, 300.0)).ticks(60.0), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert!(Scale::logarithmic(1.0, 1e12, (0.0, 200.0)).ticks(40.0).len() >= 3);
    }
}
