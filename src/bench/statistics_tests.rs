//! Statistics against plain models and published values.
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
    assert_eq!(mad(&[1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0));
}

#[test]
fn order_interval_ranks_are_those_of_the_published_table() {
    // Conover, Practical Nonparametric Statistics, sign test at two-sided 5 %.
    for (count, rank) in [(6, 1), (8, 1), (9, 2), (11, 2), (12, 3), (15, 4), (20, 6), (30, 10)] {
        assert_eq!(order_interval_rank(count), Some(rank), "{count} values");
    }
    assert_eq!(order_interval_rank(5), None, "two order statistics of five values cover only 93.75 %");
}

#[test]
fn few_values_get_the_wider_student_interval() {
    let [low, high] = median_interval(&[1.0, 1.1, 1.21]).unwrap();
    // On logarithms: mean ln 1.1, deviation 0.09531, half width 4.303 * 0.09531 / sqrt 3 = 0.23678.
    assert!((low - 1.1 * (-0.236_78_f64).exp()).abs() < 1e-4, "{low}");
    assert!((high - 1.1 * 0.236_78_f64.exp()).abs() < 1e-4, "{high}");
    assert_eq!(median_interval(&[1.0]), None, "one launch says nothing about the next");
    assert_eq!(median_interval(&[1.0, 0.0, 2.0]), None);
    assert_eq!(median_interval(&[1.0, f64::NAN, 2.0]), None);
}

#[test]
fn rank_test_agrees_with_published_p_values() {
    let apart = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
    assert_eq!(apart.u, 0.0);
    assert!((apart.p - 2.0 / 252.0).abs() < 1e-12, "exact: 2 of C(10, 5) arrangements");
    // wilcox.test(c(0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46), c(1.15, 0.88, 0.90, 0.74, 1.21)) of R
    // gives W = 35, p = 0.2544.
    let r =
        mann_whitney(&[0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46], &[1.15, 0.88, 0.90, 0.74, 1.21])
            .unwrap();
    assert_eq!(r.u, 35.0);
    assert!((r.p - 0.2544).abs() < 1e-4, "{}", r.p);
    assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0, 1.0]).unwrap().p, 1.0, "all tied");
}

#[test]
fn normal_distribution_function_at_known_points() {
    for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_75), (1.959_964, 0.975), (3.0, 0.998_650_1)] {
        assert!((normal_cdf(z) - p).abs() < 2e-7, "{z}");
    }
}

/// Every way to choose `m` of the pooled values as the first sample, by plain recursion.
fn permutation_p(first: &[f64], second: &[f64]) -> f64 {
    fn arrangements(pooled: &[f64], m: usize, chosen: &mut Vec<f64>, rest: &mut Vec<f64>, out: &mut Vec<f64>) {
        match pooled {
            [] if chosen.len() == m => {
                let wins = chosen.iter().map(|a| rest.iter().filter(|b| a > *b).count()).sum::<usize>();
                out.push(wins as f64);
            }
            [] => {}
            [value, pooled @ ..] => {
                chosen.push(*value);
                arrangements(pooled, m, chosen, rest, out);
                chosen.pop();
                rest.push(*value);
                arrangements(pooled, m, chosen, rest, out);
                rest.pop();
            }
        }
    }
    let mut all = Vec::new();
    arrangements(&[first, second].concat(), first.len(), &mut vec![], &mut vec![], &mut all);
    let centre = (first.len() * second.len()) as f64 / 2.0;
    let observed = first.iter().map(|a| second.iter().filter(|b| a > *b).count()).sum::<usize>() as f64;
    let extreme = all.iter().filter(|u| (**u - centre).abs() >= (observed - centre).abs()).count();
    extreme as f64 / all.len() as f64
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
    fn order_interval_is_the_tightest_that_covers_95_percent(count in 6_usize..60) {
        // Model: exact binomial probabilities in u128 arithmetic.
        let choose = |k: usize| (0..k).fold(1_u128, |c, i| c * (count - i) as u128 / (i + 1) as u128);
        let outside = |rank: usize| 2 * (0..rank).map(choose).sum::<u128>();
        let rank = order_interval_rank(count).unwrap();
        prop_assert!(outside(rank) * 20 <= 1 << count);
        prop_assert!(outside(rank + 1) * 20 > 1 << count);
    }

    #[test]
    fn bootstrap_stays_in_range_repeats_and_shrinks_to_a_point(values in values(), seed: u64) {
        let statistic = |[sample]: [&[f64]; 1]| median(sample).unwrap();
        let [low, high] = bootstrap_interval([&values], statistic, 200, seed).unwrap();
        let sorted = sorted(&values);
        prop_assert!(sorted[0] <= low && low <= high && high <= sorted[sorted.len() - 1]);
        prop_assert_eq!(bootstrap_interval([&values], statistic, 200, seed), Some([low, high]));
        let same = vec![values[0]; values.len()];
        prop_assert_eq!(bootstrap_interval([&same], statistic, 200, seed), Some([values[0], values[0]]));
    }

    #[test]
    fn exact_rank_test_equals_the_permutation_test(
        pooled in proptest::collection::hash_set(0_i32..1000, 2..11),
        split in 1_usize..10,
    ) {
        let pooled: Vec<f64> = pooled.into_iter().map(f64::from).collect();
        let (first, second) = pooled.split_at(split.min(pooled.len() - 1));
        let test = mann_whitney(first, second).unwrap();
        let model = permutation_p(first, second).min(1.0);
        prop_assert!((test.p - model).abs() < 1e-9, "{} and {}", test.p, model);
    }

    #[test]
    fn rank_test_is_symmetric_and_the_effect_size_flips(first in values(), second in values()) {
        let forth = mann_whitney(&first, &second).unwrap();
        let back = mann_whitney(&second, &first).unwrap();
        prop_assert_eq!(forth.u + back.u, (first.len() * second.len()) as f64);
        prop_assert!((forth.p - back.p).abs() < 1e-9);
        let delta = cliffs_delta(&first, &second).unwrap();
        prop_assert!((delta + cliffs_delta(&second, &first).unwrap()).abs() < 1e-9);
        prop_assert!((-1.0..=1.0).contains(&delta));
    }

    #[test]
    fn random_numbers_stay_below_their_bound(seed: u64, bound in 1_usize..1000) {
        let mut random = Random::new(seed);
        prop_assert!((0..100).all(|_| random.below(bound) < bound));
    }
}
