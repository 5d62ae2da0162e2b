//! The median of a slice of durations, finer than the clock ticks.
//!
//! Some clocks advance in steps of 10 ns. The plain median of what they read is a multiple of a step, and jumps by a whole
//! one, 8 % of a floor, where what is measured has changed by a nanosecond. A reading says no more than that the duration
//! lay within a step around it; so each value counts as spread evenly over that width. Where a clock is finer than that,
//! the median of many values is the same within about a nanosecond.
//!
//! It is the median of grouped data of textbooks (G. U. Yule and M. G. Kendall, *An Introduction to the Theory of
//! Statistics*), `median_grouped` of Python's `statistics`, for groups that may overlap: readings need not be whole steps.

/// Width that a value is spread over, ns; even.
const STEP_NS: u64 = 10;
/// Values as far from the plain median as this, or farther, are wholly on one side of the result.
const REACH_NS: u64 = STEP_NS;
const NEAR: usize = 2 * REACH_NS as usize + 1;

/// Median of at least one duration in ns, each of them spread over [`STEP_NS`]; reorders them.
pub(super) fn median(durations_ns: &mut [u64]) -> f64 {
    let middle = durations_ns.len() / 2;
    let even = durations_ns.len().is_multiple_of(2);
    let (below, upper, _) = durations_ns.select_nth_unstable(middle);
    let upper = *upper;
    if even
        && let Some(lower) = below.iter().max()
        && upper - lower >= STEP_NS
    {
        // No value is spread over the middle between them.
        return f64::midpoint(*lower as f64, upper as f64);
    }
    spread(durations_ns, upper)
}

/// Where half of what is spread lies below. It lies within half a step of `plain`.
fn spread(durations_ns: &[u64], plain: u64) -> f64 {
    let mut wholly_below = 0_u64;
    let mut near = [0_u64; NEAR];
    for duration in durations_ns {
        // Distance from `plain`, shifted so that what is near counts from 0.
        match duration.saturating_add(REACH_NS).checked_sub(plain) {
            None => wholly_below += 1,
            Some(distance) => {
                if let Some(count) = near.get_mut(distance as usize) {
                    *count += 1;
                }
            }
        }
    }
    let half = durations_ns.len() as f64 / 2.0;
    let step = STEP_NS as f64;
    let below = |at: f64| {
        let shares = near.iter().enumerate().map(|(distance, count)| {
            let from = distance as f64 - REACH_NS as f64 - step / 2.0;
            *count as f64 * ((at - from) / step).clamp(0.0, 1.0)
        });
        wholly_below as f64 + shares.sum::<f64>()
    };
    // Between whole nanoseconds it grows in a straight line.
    let mut low = -step / 2.0;
    let mut below_low = below(low);
    while low < step / 2.0 {
        let high = low + 1.0;
        let below_high = below(high);
        if below_high >= half && below_high > below_low {
            return plain as f64 + low + (half - below_low) / (below_high - below_low);
        }
        (low, below_low) = (high, below_high);
    }
    plain as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Each value as a thousand, spread evenly; then the plain median.
    fn oracle(values: &[u64]) -> f64 {
        const PARTS: u32 = 1000;
        let spread = |value: u64| {
            (0..PARTS)
                .map(move |part| value as f64 + STEP_NS as f64 * ((f64::from(part) + 0.5) / f64::from(PARTS) - 0.5))
        };
        let mut all: Vec<f64> = values.iter().flat_map(|value| spread(*value)).collect();
        all.sort_by(f64::total_cmp);
        f64::midpoint(all[(all.len() - 1) / 2], all[all.len() / 2])
    }

    #[test]
    fn values_far_apart_have_their_plain_median() {
        assert!((median(&mut [7]) - 7.0).abs() < 1e-9);
        assert!((median(&mut [900, 100, 500]) - 500.0).abs() < 1e-9);
        assert!((median(&mut [900, 100, 500, 200]) - 350.0).abs() < 1e-9);
        assert!((median(&mut [0, u64::MAX / 4, 1, u64::MAX / 2, u64::MAX / 2]) - (u64::MAX / 4) as f64).abs() < 1e3);
    }

    /// A duration of 133 ns, read by a clock with steps of 10 ns: seven of ten read 130, three 140.
    #[test]
    fn steps_of_a_clock_are_evened_out() {
        let mut read: Vec<u64> = (0..1000).map(|i| if i % 10 < 7 { 130 } else { 140 }).collect();
        let found = median(&mut read);
        assert!((131.0..135.0).contains(&found), "133 ns read in steps of 10 ns came to {found} ns");
    }

    /// The examples of `median_grouped` in the documentation of Python's `statistics`, in steps of 10 instead of 1 and 2.
    #[test]
    fn readings_in_whole_steps_have_the_median_of_grouped_data() {
        let examples: [(&[u64], f64); 4] = [
            (&[520, 520, 530, 540], 525.0),
            (&[10, 20, 20, 30, 40, 40, 40, 40, 40, 50], 37.0),
            (&[10, 30, 30, 50, 70], 32.5),
            (&[5, 15, 15, 25, 35], 17.5),
        ];
        for (values, expected) in examples {
            let found = median(&mut values.to_vec());
            assert!((found - expected).abs() < 1e-9, "{values:?}: {found} instead of {expected}");
        }
    }

    proptest! {
        #[test]
        fn it_is_the_plain_median_of_what_is_spread(mut values in prop::collection::vec(80_u64..140, 1..60)) {
            let expected = oracle(&values);
            let found = median(&mut values);
            prop_assert!((found - expected).abs() < 0.1, "{} instead of {}", found, expected);
        }

        #[test]
        fn outliers_move_it_no_farther_than_their_number(mut values in prop::collection::vec(100_u64..120, 21..60)) {
            let before = median(&mut values.clone());
            values.push(5_000_000);
            values.push(1);
            prop_assert!((median(&mut values) - before).abs() < 3.0);
        }
    }
}
