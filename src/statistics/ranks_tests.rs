//! The rank test against published values, and against going through all orders.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Vec<f64>> {
    proptest::collection::vec(0.01_f64..1000.0, 1..24)
}

#[test]
fn rank_test_agrees_with_published_p_values() {
    let apart = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0], &[6.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
    assert_eq!(apart.u, 0.0);
    assert!((apart.p - 2.0 / 252.0).abs() < 1e-12, "exact: 2 of C(10, 5) orders, not {}", apart.p);
    // The example of R's wilcox.test (Hollander and Wolfe, permeability of the placenta): W = 35, p = 0.2544.
    let r =
        mann_whitney(&[0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46], &[1.15, 0.88, 0.90, 0.74, 1.21])
            .unwrap();
    assert_eq!(r.u, 35.0);
    assert!((r.p - 0.2544).abs() < 1e-4, "{}", r.p);
    // The example of scipy.stats.mannwhitneyu: U = 17, p = 1/9.
    let scipy = mann_whitney(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]).unwrap();
    assert_eq!(scipy.u, 17.0);
    assert!((scipy.p - 1.0 / 9.0).abs() < 1e-12, "{}", scipy.p);
}

/// Why p is counted here. Nothing is wrong with the rest of what `statrs` offers.
#[test]
fn statrs_still_takes_the_wrong_tail_of_samples_that_are_equally_long() {
    let apart = [[1.0, 2.0, 3.0, 4.0, 5.0], [6.0, 7.0, 8.0, 9.0, 10.0]];
    let theirs = mannwhitneyu(&apart[0], &apart[1], MannWhitneyUMethod::Exact, Alternative::TwoSided);
    assert_eq!(theirs, Ok((0.0, 1.0)), "`statrs` is put right: see whether `arrangements` is still needed for p");
}

#[test]
fn ties_are_approximated_as_scipy_does() {
    // scipy.stats.mannwhitneyu(range(1, 7), range(6, 11)), which takes the normal approximation because of the tie.
    let tied = mann_whitney(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[6.0, 7.0, 8.0, 9.0, 10.0]).unwrap();
    assert_eq!(tied.u, 0.5);
    assert!((tied.p - 0.010_411_098_147_110_422).abs() < 1e-9, "{}", tied.p);
    assert_eq!(mann_whitney(&[1.0, 1.0], &[1.0, 1.0]).unwrap().p, 1.0, "all tied");
    assert_eq!(mann_whitney(&[0.0], &[-0.0]).unwrap().u, 0.5, "both are zero");
}

#[test]
fn samples_that_cannot_be_ranked_have_no_result() {
    for (first, second) in [(&[][..], &[1.0][..]), (&[1.0], &[]), (&[], &[]), (&[1.0, f64::NAN], &[1.0])] {
        assert_eq!(mann_whitney(first, second), None, "{first:?} {second:?}");
        assert_eq!(cliffs_delta(first, second), None, "{first:?} {second:?}");
    }
}

/// Critical values of U, two-sided at 5 %, as in the tables of textbooks (S. Siegel, *Nonparametric Statistics*, table K).
const CRITICAL: [(usize, usize, Option<usize>); 24] = [
    (1, 19, None),
    (2, 7, None),
    (2, 8, Some(0)),
    (3, 3, None),
    (3, 4, None),
    (3, 5, Some(0)),
    (3, 8, Some(2)),
    (4, 4, Some(0)),
    (4, 5, Some(1)),
    (4, 10, Some(5)),
    (5, 5, Some(2)),
    (5, 6, Some(3)),
    (5, 8, Some(6)),
    (6, 6, Some(5)),
    (7, 7, Some(8)),
    (8, 8, Some(13)),
    (8, 10, Some(17)),
    (9, 9, Some(17)),
    (10, 10, Some(23)),
    (10, 20, Some(55)),
    (12, 12, Some(37)),
    (15, 15, Some(64)),
    (19, 20, Some(119)),
    (20, 20, Some(127)),
];

#[test]
fn critical_values_are_those_of_the_published_table() {
    for (m, n, u) in CRITICAL {
        assert_eq!(critical_u(m, n), u, "{m} and {n} values");
        assert_eq!(critical_u(n, m), u, "{n} and {m} values");
    }
    assert_eq!(critical_u(0, 5), None);
}

#[test]
fn beyond_the_exact_test_the_approximation_agrees_with_it() {
    // 25 and 25 values have 211; the approximation may be one off.
    let (m, n) = (25, 25);
    assert!(m * n > EXACT_PAIRS_MAX);
    assert!(critical_u(m, n).unwrap().abs_diff(211) <= 1, "{:?}", critical_u(m, n));
    assert_eq!(critical_u(1, 500), None, "one value among 501 is the largest or smallest too often");
}

/// Two-sided p by going through every way to choose `m` of the pooled values as the first sample.
fn permutation_p(first: &[f64], second: &[f64]) -> f64 {
    fn orders(pooled: &[f64], m: usize, chosen: &mut Vec<f64>, rest: &mut Vec<f64>, out: &mut Vec<f64>) {
        match pooled {
            [] if chosen.len() == m => {
                let wins = chosen.iter().map(|a| rest.iter().filter(|b| a > *b).count()).sum::<usize>();
                out.push(wins as f64);
            }
            [] => {}
            [value, pooled @ ..] => {
                chosen.push(*value);
                orders(pooled, m, chosen, rest, out);
                chosen.pop();
                rest.push(*value);
                orders(pooled, m, chosen, rest, out);
                rest.pop();
            }
        }
    }
    let mut all = Vec::new();
    orders(&[first, second].concat(), first.len(), &mut vec![], &mut vec![], &mut all);
    let centre = (first.len() * second.len()) as f64 / 2.0;
    let observed = first.iter().map(|a| second.iter().filter(|b| a > *b).count()).sum::<usize>() as f64;
    let extreme = all.iter().filter(|u| (**u - centre).abs() >= (observed - centre).abs()).count();
    extreme as f64 / all.len() as f64
}

proptest! {
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
    fn all_orders_are_counted_once(m in 0_usize..21, n in 0_usize..21) {
        let counts = arrangements(m, n);
        let all = counts.iter().sum();
        prop_assert!((share(all, m, n) - 1.0).abs() < 1e-12, "{} of {} and {}", all, m, n);
        prop_assert!(counts.iter().eq(counts.iter().rev()), "U of one sample is as likely as U of the other");
    }
}
