//! Which subject is measured when.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt as _, SeedableRng as _};

/// Order of `subjects` subjects in each of `rounds` rounds: rotated by one from round to round (A B C, B C A, C A B), so
/// that each is measured at the beginning, in the middle and at the end as often as the others. The seed picks who
/// begins, by a generator that is the same on every machine.
pub fn rotation(subjects: usize, rounds: usize, seed: u64) -> Vec<Vec<usize>> {
    let first = Xoshiro256PlusPlus::seed_from_u64(seed).random_range(0..subjects.max(1));
    (0..rounds).map(|round| (0..subjects).map(|place| (first + round + place) % subjects).collect()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rounds_rotate() {
        let orders = rotation(3, 4, 1);
        let first = orders[0][0];
        let expected: Vec<Vec<usize>> =
            (0..4).map(|round| (0..3).map(|place| (first + round + place) % 3).collect()).collect();
        assert_eq!(orders, expected);
        assert_eq!(rotation(3, 4, 1), orders, "the same seed gives the same order");
        assert!((0..20).any(|seed| rotation(3, 1, seed)[0][0] != first), "the seed picks who begins");
        assert!(rotation(0, 2, 1).iter().all(Vec::is_empty));
    }

    /// Whoever repeats a published run elsewhere, or years later, has to get its order.
    #[test]
    fn a_seed_means_the_same_everywhere() {
        let begins: Vec<usize> = (0..16).map(|seed| rotation(5, 1, seed)[0][0]).collect();
        assert_eq!(
            begins,
            [1, 4, 3, 0, 3, 1, 3, 0, 1, 2, 1, 4, 2, 0, 4, 0],
            "this is another generator: reports have the seeds of the former one"
        );
    }

    proptest! {
        #[test]
        fn each_subject_has_each_place_equally_often(subjects in 1_usize..6, laps in 1_usize..4, seed: u64) {
            let orders = rotation(subjects, subjects * laps, seed);
            for place in 0..subjects {
                for subject in 0..subjects {
                    let times = orders.iter().filter(|order| order[place] == subject).count();
                    prop_assert_eq!(times, laps);
                }
            }
        }
    }
}
