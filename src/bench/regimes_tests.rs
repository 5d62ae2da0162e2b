//! Placements of a made-up machine, with known figures in each.
#![allow(clippy::unwrap_used, clippy::float_cmp, reason = "tests of exact values")]

use proptest::prelude::*;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom as _;

use super::*;
use crate::bench::relative::{Compared, relative};
use crate::bench::testing::{PLAIN, client, server};
use crate::results::model::Measure;

/// `count` floors within 4 % of one placement's.
fn placement(count: usize, floor_ns: f64) -> Vec<f64> {
    (0..count).map(|i| floor_ns * (0.98 + 0.04 * (i as f64 / count as f64))).collect()
}

fn floors(regimes: &[Regime]) -> Vec<f64> {
    regimes.iter().map(|regime| regime.floor_ns.round()).collect()
}

#[test]
fn each_placement_is_a_regime_and_the_nearest_comes_first() {
    assert_eq!(floors(&find(placement(500, 120.0))), [120.0]);
    let three = [placement(300, 330.0), placement(100, 120.0), placement(200, 250.0)].concat();
    assert_eq!(floors(&find(three)), [120.0, 250.0, 330.0]);
}

#[test]
fn strays_between_two_placements_neither_join_them_nor_count() {
    // A stray every 4 ns, so that no gap is left between the two.
    let strays: Vec<f64> = (125..245).step_by(4).map(f64::from).collect();
    let regimes = find([placement(300, 120.0), strays, placement(300, 250.0)].concat());
    assert_eq!(floors(&regimes), [120.0, 250.0]);
    let left_out = MatchedSlice { floor_ns: 185.0, load_ns: 1.0 };
    assert!(regimes.iter().all(|regime| regime.slices(&[left_out]).is_empty()));
}

#[test]
fn the_edges_of_a_broad_regime_are_no_regimes() {
    // 100 to 160 ns, most of them in the middle: more than one window, and one placement.
    let broad = [placement(40, 102.0), placement(100, 115.0), placement(200, 125.0), placement(60, 152.0)].concat();
    assert_eq!(find(broad).len(), 1);
}

#[test]
fn a_few_intervals_are_no_regime() {
    assert_eq!(find([]), []);
    assert_eq!(find(placement(19, 120.0)), []);
    assert_eq!(find(placement(20, 120.0)).len(), 1);
    let share = |far: usize| find([placement(1000 - far, 120.0), placement(far, 250.0)].concat()).len();
    assert_eq!((share(99), share(100)), (1, 2), "a tenth of all");
}

/// The definition once more, by counting.
fn plain_model(floors: &[f64]) -> Vec<f64> {
    let mut left = floors.to_vec();
    let mut medians: Vec<f64> = Vec::new();
    loop {
        let inside = |from: f64, value: f64| value >= from && value <= from * 1.25;
        let count = |from: f64| left.iter().filter(|value| inside(from, **value)).count();
        let Some(most) = left.iter().map(|from| count(*from)).max() else { break };
        if most < 20 || (most as f64) < 0.1 * floors.len() as f64 {
            break;
        }
        let from = left.iter().copied().filter(|from| count(*from) == most).fold(f64::INFINITY, f64::min);
        let found: Vec<f64> = left.iter().copied().filter(|value| inside(from, *value)).collect();
        left.retain(|value| !inside(from, *value));
        let own = median(&found).unwrap();
        if medians.iter().all(|other| (own - other).abs() > 0.25 * own.min(*other)) {
            medians.push(own);
        }
    }
    medians.sort_by(f64::total_cmp);
    medians
}

proptest! {
    #[test]
    fn regimes_are_those_of_the_definition_in_whatever_order_intervals_come(
        mut floors in proptest::collection::vec(
            prop_oneof![Just(120.0), 110.0_f64..130.0, 240.0_f64..270.0, 310.0_f64..350.0, 80.0_f64..600.0], 0..300,
        ),
        seed: u64,
    ) {
        let found = find(floors.iter().copied());
        prop_assert_eq!(found.iter().map(|regime| regime.floor_ns).collect::<Vec<_>>(), plain_model(&floors));
        floors.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        prop_assert_eq!(find(floors.iter().copied()), found.clone());
        for (below, above) in found.iter().zip(found.iter().skip(1)) {
            prop_assert!(below.floor_ns_max < above.floor_ns_min);
        }
    }
}

#[test]
fn many_intervals_are_sorted_out_at_once() {
    // Quadratic work would take minutes.
    let many = [placement(300_000, 120.0), placement(200_000, 250.0)].concat();
    assert_eq!(floors(&find(many)), [120.0, 250.0]);
}

/// The subject takes 1.5 floors close by and 2 far apart, the other one 1200 ns and 2500 ns: 0.15 and 0.2.
const NEAR: (f64, f64, f64) = (120.0, 180.0, 1200.0);
const FAR: (f64, f64, f64) = (250.0, 500.0, 2500.0);

/// A round of both with so many intervals close by, and so many far apart.
fn round(near: usize, far: usize) -> [Vec<MatchedSlice>; 2] {
    let slices = |pick: fn((f64, f64, f64)) -> f64| {
        let of = |count: usize, of: (f64, f64, f64)| {
            placement(count, of.0).into_iter().map(move |floor_ns| {
                // Load follows the floor, as on a machine.
                MatchedSlice { floor_ns, load_ns: pick(of) * floor_ns / of.0 }
            })
        };
        of(near, NEAR).chain(of(far, FAR)).collect()
    };
    [slices(|(_, ours, _)| ours), slices(|(_, _, theirs)| theirs)]
}

fn compared(rounds: &[[Vec<MatchedSlice>; 2]], measure: Measure, by_regime: bool) -> Option<Compared> {
    let all = rounds.iter().flatten().flatten().map(|slice| slice.floor_ns);
    let regimes = if by_regime { find(all) } else { Vec::new() };
    let pairs: Vec<(&[MatchedSlice], &[MatchedSlice])> =
        rounds.iter().map(|[ours, theirs]| (&**ours, &**theirs)).collect();
    relative(&pairs, &regimes, measure)
}

fn is_near(value: f64, expected: f64) -> bool {
    (value / expected - 1.0).abs() < 0.02
}

#[test]
fn runs_that_met_placements_in_other_shares_agree_by_regime() {
    // Rounds mostly near, mostly far, and in between.
    let runs = [
        [(80, 20), (80, 20), (90, 15), (20, 80), (80, 20)],
        [(20, 80), (15, 90), (80, 20), (20, 80), (20, 80)],
        [(60, 40), (20, 80), (60, 40), (40, 60), (60, 40)],
    ]
    .map(|shares| shares.map(|(near, far)| round(near, far)));
    let everywhere = runs.each_ref().map(|run| compared(run, Measure::RoundTrip, false).unwrap().ratio.ratio);
    assert!(everywhere[1] / everywhere[0] > 1.25, "one number over all rounds does not repeat: {everywhere:?}");
    for run in &runs {
        let found = compared(run, Measure::RoundTrip, true).unwrap();
        let ratios: Vec<f64> = found.regimes.iter().map(|regime| regime.ratio).collect();
        assert!(ratios.len() == 2 && is_near(ratios[0], 0.15) && is_near(ratios[1], 0.2), "{ratios:?}");
        assert!(found.regimes.iter().all(|regime| regime.rounds == 5 && regime.ci95.is_some()));
        assert!(is_near(found.ratio.ratio, 0.15) && found.rounds == 5, "{found:?}");
        assert_eq!(found.floor_ns, Some(found.regimes[0].floor_ns));
        let rates = compared(run, Measure::Throughput, true).unwrap();
        assert!(is_near(rates.ratio.ratio, 1.0 / 0.15) && is_near(rates.regimes[1].ratio, 5.0), "{rates:?}");
    }
}

#[test]
fn the_headline_needs_two_rounds_in_its_regime() {
    let far_twice = compared(&[round(0, 100), round(50, 50), round(0, 100)], Measure::RoundTrip, true).unwrap();
    let of = |found: &Compared| found.regimes.iter().map(|r| (r.rounds, r.ci95.is_some())).collect::<Vec<_>>();
    assert_eq!(of(&far_twice), [(1, false), (3, true)]);
    assert!(is_near(far_twice.ratio.ratio, 0.2) && far_twice.rounds == 3);
    assert_eq!(far_twice.floor_ns, Some(far_twice.regimes[1].floor_ns));
    // Each regime in one round only: over all intervals, as it was before there were regimes.
    let rounds = [round(100, 0), round(0, 100)];
    let once = compared(&rounds, Measure::RoundTrip, true).unwrap();
    assert_eq!(of(&once), [(1, false), (1, false)]);
    assert_eq!((once.floor_ns, once.rounds), (None, 2));
    assert_eq!(once.ratio, compared(&rounds, Measure::RoundTrip, false).unwrap().ratio);
    assert_eq!(compared(&[round(100, 100)], Measure::RoundTrip, true), None, "one round has no interval");
}

#[test]
fn a_subject_has_figures_in_each_regime_that_it_met() {
    let trial = |near: usize, far: usize| {
        let log: Vec<(f64, f64)> = [vec![(120.0, 180.0); near], vec![(250.0, 500.0); far]].concat();
        Trial::of(&client(&log), &server(log.len() as u64), PLAIN).unwrap()
    };
    // The last interval has no floor behind it, and the one across the change is left out.
    let trials = [trial(41, 31), trial(30, 6), trial(21, 0)];
    let trials: Vec<&Trial> = trials.iter().collect();
    let regimes = find([placement(100, 120.0), placement(100, 250.0)].concat());
    let [near, far] = figures(&trials, &regimes)[..] else { panic!("{regimes:?}") };
    assert_eq!((near.rounds, near.intervals, near.p50_ns, near.p50_floors.ratio), (3, 40 + 29 + 20, 180.0, 1.5));
    assert_eq!((far.rounds, far.intervals, far.p50_ns, far.p50_floors.ratio), (1, 30, 500.0, 2.0));
    assert_eq!((near.p50_floors.ci95, far.p50_floors.ci95), (Some([1.5, 1.5]), None), "a few strays are no round");
    assert_eq!((near.floor_ns, far.floor_ns), (regimes[0].floor_ns, regimes[1].floor_ns));
    assert_eq!(figures(&trials, &find(placement(50, 900.0))), []);
}
