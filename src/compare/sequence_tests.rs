//! The verdict on made-up launches, whose truth is known.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;

use statrs::distribution::{ContinuousCDF, Normal};

use super::*;

/// Launches of two builds of which the new one takes `truth` times as long, each launch off by about `noise`, as a share.
/// The seed says which ones.
fn launches(seed: u64, truth: f64, noise: f64) -> impl FnMut(usize) -> Result<Vec<f64>, Infallible> {
    let normal = Normal::standard();
    let mut number = seed.wrapping_mul(2).wrapping_add(1);
    let mut uniform = move || {
        // The high bits of a multiplicative generator: enough for tests of medians.
        number = number.wrapping_mul(6_364_136_223_846_793_005);
        ((number >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    };
    move |rounds| Ok((0..rounds).map(|_| truth * (noise * normal.inverse_cdf(uniform())).exp()).collect())
}

fn verdict(seed: u64, truth: f64, noise: f64) -> Decided {
    let limits = Limits { same_share: 0.025, rounds_max: 400 };
    let mut more = launches(seed, truth, noise);
    // The first numbers of neighbouring seeds resemble each other.
    let Ok(_) = more(100);
    let Ok(decided) = decide(limits, more);
    decided
}

fn count(truth: f64, noise: f64, wanted: ComparisonVerdict) -> usize {
    (0..200).filter(|seed| verdict(*seed, truth, noise).verdict == wanted).count()
}

#[test]
fn the_same_build_is_hardly_ever_called_another_one() {
    for noise in [0.01, 0.05, 0.1] {
        let wrong = count(1.0, noise, ComparisonVerdict::Worse) + count(1.0, noise, ComparisonVerdict::Better);
        assert!(
            wrong <= 4,
            "of 200 comparisons of a build with itself, launches {noise} apart, {wrong} found a difference"
        );
    }
    assert!(count(1.0, 0.05, ComparisonVerdict::Same) >= 190, "and it is told that they are the same");
}

#[test]
fn a_slowdown_that_fails_is_found() {
    for noise in [0.01, 0.05, 0.1] {
        let found = count(1.05, noise, ComparisonVerdict::Worse);
        assert!(found >= 190, "of 200 builds slower by 5 %, launches {noise} apart, {found} were found");
    }
    assert!(count(1.0 / 1.05, 0.05, ComparisonVerdict::Better) >= 190, "faster ones likewise");
}

#[test]
fn what_cannot_be_told_is_said_so_with_the_remedy() {
    let decided = verdict(3, 1.0, 2.0);
    assert_eq!(decided.verdict, ComparisonVerdict::TooNoisy);
    assert_eq!(decided.ratios.len(), 400, "the whole budget was used");
    let why = decided.why.unwrap();
    assert!(why.contains("after 400 rounds") && why.contains("--rounds-max"), "{why}");
}

#[test]
fn a_difference_that_fresh_launches_do_not_show_is_none() {
    let limits = Limits { same_share: 0.025, rounds_max: 100 };
    let blocks = |first: f64, then: f64| {
        let mut blocks = 0;
        move |rounds: usize| -> Result<Vec<f64>, Infallible> {
            blocks += 1;
            let middle = if blocks == 1 { first } else { then };
            Ok((0..rounds).map(|round| middle * (1.0 + 0.001 * (round as f64 - 9.5))).collect())
        }
    };
    let Ok(gone) = decide(limits, blocks(1.2, 1.0));
    assert_eq!((gone.verdict, gone.why), (ComparisonVerdict::Same, None));
    assert!(gone.before_confirmation.unwrap().ratio.ratio > 1.15, "what was seen before is told");
    let Ok(opposite) = decide(limits, blocks(1.2, 0.8));
    assert_eq!(opposite.verdict, ComparisonVerdict::TooNoisy);
    assert!(opposite.why.unwrap().contains("opposite"));
    let Ok(confirmed) = decide(limits, blocks(1.2, 1.2));
    assert_eq!((confirmed.verdict, confirmed.ratios.len()), (ComparisonVerdict::Worse, 20));
}

#[test]
fn rounds_without_a_figure_of_both_are_no_verdict() {
    let limits = Limits { same_share: 0.025, rounds_max: 60 };
    let Ok(none) = decide(limits, |_| Ok::<_, Infallible>(Vec::new()));
    assert_eq!((none.verdict, none.evidence), (ComparisonVerdict::TooNoisy, None));
    assert!(none.why.unwrap().contains("only 0 of 60 rounds"));
    assert_eq!(decide(limits, |_| Err::<Vec<f64>, _>("broken")), Err("broken"));
}
