//! Medians and their intervals against plain models and published values.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(0.01_f64..1000.0, 1..24)
}

#[test]
fn medians_of_even_and_odd_samples() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0]), Some(3.0));
    assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 9.0]), Some(3.0));
    assert_eq!(median(&[2.0, 2.0, 2.0, 7.0]), Some(2.0));
    // What is no number comes last, and is no reason to panic.
    assert_eq!(median(&[f64::NAN, 1.0, 5.0]), Some(5.0));
}

#[test]
fn order_interval_ranks_are_those_of_the_sign_test() {
    // Its table at two-sided 5 % has the most values on one side that it rejects; the rank is one more. Of 25 values it is 7:
    // C(25, 0) + ... + C(25, 7) = 726206 is 2.2 % of 2^25, and with C(25, 8) it is 5.4 %.
    for (count, rank) in [(6, 1), (8, 1), (9, 2), (10, 2), (11, 2), (12, 3), (15, 4), (20, 6), (25, 8), (30, 10)] {
        assert_eq!(order_interval_rank(count), Some(rank), "{count} values");
    }
    for count in 0..6 {
        assert_eq!(
            order_interval_rank(count),
            None,
            "the range of five values covers the median in 93.75 % of all cases"
        );
    }
    let ten: Vec<f64> = (1..=10).map(f64::from).collect();
    assert_eq!(median_interval(&ten), Some([2.0, 9.0]));
}

#[test]
fn few_values_get_the_wider_student_interval() {
    // 97.5 % quantiles of t for 1 to 4 degrees of freedom, as every table has them. On logarithms the values are
    // pairs of 1 and -1, and a 0 where their number is odd.
    for (degrees, quantile) in [(1_u32, 12.706), (2, 4.303), (3, 3.182), (4, 2.776)] {
        let count = degrees as usize + 1;
        let mut values = [1.0_f64.exp(), (-1.0_f64).exp()].repeat(count / 2);
        values.resize(count, 1.0);
        let squares = (count / 2 * 2) as f64;
        let error = (squares / f64::from(degrees) / count as f64).sqrt();
        let [low, high] = median_interval(&values).unwrap();
        assert!((high.ln() / error - quantile).abs() < 6e-4, "{degrees}: {}", high.ln() / error);
        assert!((low.ln() + high.ln()).abs() < 1e-9, "{degrees}: {low} {high}");
    }
    let [low, high] = median_interval(&[1.0, 1.1, 1.21]).unwrap();
    // On logarithms: mean ln 1.1, deviation 0.09531, half width 4.30265 * 0.09531 / sqrt 3 = 0.23676.
    assert!((low - 1.1 * (-0.236_76_f64).exp()).abs() < 1e-4, "{low}");
    assert!((high - 1.1 * 0.236_76_f64.exp()).abs() < 1e-4, "{high}");
    assert_eq!(median_interval(&[1.0]), None, "one launch says nothing about the next");
    assert_eq!(median_interval(&[1.0, 0.0, 2.0]), None);
    assert_eq!(median_interval(&[1.0, f64::NAN, 2.0]), None);
}

proptest! {
    #[test]
    fn median_splits_the_sample(values in values()) {
        let median = median(&values).unwrap();
        let below = values.iter().filter(|value| **value < median).count();
        let above = values.iter().filter(|value| **value > median).count();
        prop_assert!(below * 2 <= values.len() && above * 2 <= values.len());
    }

    #[test]
    fn interval_encloses_the_median_and_scales_with_the_values(values in values(), scale in 0.1_f64..10.0) {
        prop_assume!(values.len() > 1);
        let [low, high] = median_interval(&values).unwrap();
        let median = median(&values).unwrap();
        prop_assert!(low <= median && median <= high);
        let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
        let [scaled_low, scaled_high] = median_interval(&scaled).unwrap();
        prop_assert!((scaled_low / (low * scale) - 1.0).abs() < 1e-9);
        prop_assert!((scaled_high / (high * scale) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn order_interval_is_the_tightest_that_covers_95_percent(count in 6_usize..110) {
        // Model: exact binomial probabilities in u128 arithmetic.
        let choose = |k: usize| (0..k).fold(1_u128, |c, i| c * (count - i) as u128 / (i + 1) as u128);
        let outside = |rank: usize| 2 * (0..rank).map(choose).sum::<u128>();
        let rank = order_interval_rank(count).unwrap();
        prop_assert!(outside(rank) * 20 <= 1 << count);
        prop_assert!(outside(rank + 1) * 20 > 1 << count);
    }
}
