//! The interval of a ratio: what follows from its definition, and how often it covers the truth.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use statrs::distribution::{ContinuousCDF as _, Normal};

use super::super::mann_whitney;
use super::super::ranks::LEVEL;
use super::*;

#[test]
fn it_is_the_interval_of_the_worked_example() {
    // R: wilcox.test(log(new), log(base), conf.int = TRUE) sorts 16 differences; with 4 and 4 values U = 0 alone is rejected,
    // so the interval goes from the smallest ratio to the largest, and the estimate is between the eighth and the ninth.
    let found = ratio_interval(&[1.0, 2.0, 4.0, 8.0], &[16.0, 32.0, 64.0, 128.0]).unwrap();
    assert_eq!((found.low, found.high), (2.0, 128.0));
    assert!((found.ratio - 16.0).abs() < 1e-9, "{}", found.ratio);
    // With 5 and 5 values U of up to 2 is rejected, so the interval leaves two ratios out on each side. The ratios are
    // 0.5 to 8 with 1, 2, 3, 4, 5, 4, 3, 2, 1 of them.
    let powers =
        |from: i32| -> Vec<f64> { (from..from + 5).map(|power| 2.0_f64.powf(f64::from(power) / 2.0)).collect() };
    let found = ratio_interval(&powers(0), &powers(2)).unwrap();
    let expected = [2.0, 2.0_f64.powf(-0.5), 2.0_f64.powf(2.5)];
    for (found, expected) in [found.ratio, found.low, found.high].iter().zip(expected) {
        assert!((found - expected).abs() < 1e-9, "{found} instead of {expected}");
    }
}

#[test]
fn too_few_values_have_no_interval() {
    let values = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7];
    for (base, new) in [(0, 5), (5, 0), (1, 8), (2, 7), (3, 3), (3, 4)] {
        assert_eq!(ratio_interval(&values[..base], &values[..new]), None, "{base} and {new}");
    }
    for (base, new) in [(2, 8), (8, 2), (3, 5), (4, 4)] {
        assert!(ratio_interval(&values[..base], &values[..new]).is_some(), "{base} and {new}");
    }
}

#[test]
fn values_that_are_no_durations_have_no_interval() {
    let good = [1.0, 1.1, 1.2, 1.3, 1.4];
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let bad = [1.0, 1.1, bad, 1.3, 1.4];
        assert_eq!(ratio_interval(&good, &bad), None, "{bad:?}");
        assert_eq!(ratio_interval(&bad, &good), None, "{bad:?}");
    }
    assert_eq!(ratio_interval(&[1e-200; 5], &[1e200; 5]), None, "a ratio that no number can hold");
}

fn sample() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(1.0_f64..3.0, 4..26)
}

proptest! {
    #[test]
    fn it_says_what_the_rank_test_says(base in sample(), new in sample(), factor in 0.3_f64..3.0) {
        let new: Vec<f64> = new.iter().map(|value| value * factor).collect();
        let found = ratio_interval(&base, &new).unwrap();
        let differs = found.low > 1.0 || found.high < 1.0;
        let test = mann_whitney(&base, &new).unwrap();
        prop_assert_eq!(differs, test.p <= LEVEL, "{:?}, {:?}", found, test);
        prop_assert!(found.low <= found.ratio && found.ratio <= found.high, "{:?}", found);
    }

    #[test]
    fn it_turns_with_the_samples_and_scales_with_them(base in sample(), new in sample(), factor in 0.01_f64..100.0) {
        let found = ratio_interval(&base, &new).unwrap();
        let turned = ratio_interval(&new, &base).unwrap();
        let scaled: Vec<f64> = new.iter().map(|value| value * factor).collect();
        let scaled = ratio_interval(&base, &scaled).unwrap();
        let pairs = [
            (found.ratio, 1.0 / turned.ratio),
            (found.low, 1.0 / turned.high),
            (found.high, 1.0 / turned.low),
            (found.ratio * factor, scaled.ratio),
            (found.low * factor, scaled.low),
            (found.high * factor, scaled.high),
        ];
        for (one, other) in pairs {
            prop_assert!((one / other - 1.0).abs() < 1e-9, "{:?}, {:?}, {:?}", found, turned, scaled);
        }
    }
}

/// Draws of each simulation: a share of 95 % has a standard error of 0.34 % then.
const DRAWS: usize = 4000;
/// The factor between the two samples.
const FACTOR: f64 = 1.1;

/// Share of the draws in which the interval of `m` and `n` values covers [`FACTOR`]; `shape` makes a positive value of a
/// number between 0 and 1.
fn coverage((m, n): (usize, usize), shape: impl Fn(f64) -> f64) -> f64 {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(20);
    let mut draw = |count: usize| -> Vec<f64> { (0..count).map(|_| shape(random.random_range(1e-9..1.0))).collect() };
    let covered = (0..DRAWS).filter(|_| {
        let base = draw(m);
        let new: Vec<f64> = draw(n).iter().map(|value| value * FACTOR).collect();
        let found = ratio_interval(&base, &new).unwrap();
        found.low <= FACTOR && FACTOR <= found.high
    });
    covered.count() as f64 / DRAWS as f64
}

#[test]
fn it_covers_the_factor_as_often_as_it_says_whatever_the_distribution() {
    let normal = |share: f64| (100.0 + 3.0 * Normal::standard().inverse_cdf(share)).max(1.0);
    let skewed = |share: f64| 100.0 * (0.2 - 0.1 * share.ln()).exp();
    // Most launches meet one placement, one in ten another that is twice as slow.
    let two_placements = |share: f64| if share < 0.9 { 100.0 + share } else { 200.0 + 10.0 * share };
    // 1 - 2 P(U <= critical value): 1 - 2/70, 1 - 8/252, and so on.
    for (sizes, confidence) in
        [((4, 4), 0.971), ((5, 5), 0.968), ((5, 15), 0.958), ((10, 10), 0.957), ((25, 20), 0.952)]
    {
        for found in [coverage(sizes, normal), coverage(sizes, skewed), coverage(sizes, two_placements)] {
            assert!(
                (found - confidence).abs() < 0.014,
                "{sizes:?} values: the interval covers the factor in {found} of {DRAWS} draws, not in {confidence}"
            );
        }
    }
}
