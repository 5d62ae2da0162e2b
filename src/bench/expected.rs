//! How long a run will take, before it begins.

use super::lifecycle::LifecycleEntry;
use super::rounds::Entry;
use crate::scenario::lifecycle::Procedure;

/// Starting, preparing and ending the two processes of a trial, ms.
const LAUNCH_MS: u64 = 250;
/// The short trial before the first round, ms.
const CALIBRATION_MS: u64 = 350;

/// What a round of a procedure takes, ms: as a rule, on a machine with two processors.
fn round_ms(procedure: Procedure) -> u64 {
    match procedure {
        Procedure::Startup => 150,
        Procedure::Growth | Procedure::Memory => 100,
        Procedure::Recovery => 250,
        Procedure::Newcomers => 2300,
    }
}

/// Seconds that it takes if no interval is too wide, and if all of them are to the end. Builds of subjects, waits for the
/// processors and repeated trials are not in it.
pub(super) fn expected_s(entries: &[Entry], lifecycle: &[LifecycleEntry]) -> (u64, u64) {
    let (mut least_ms, mut most_ms) = (0, 0);
    for Entry { scenario, subjects, rounds_max, .. } in entries {
        let rows = (scenario.cases.len() * subjects.len()) as u64;
        let trial_ms = scenario.warmup_ms + scenario.duration_ms + LAUNCH_MS;
        least_ms += rows * (CALIBRATION_MS + trial_ms * scenario.rounds as u64);
        let rounds_max = if scenario.width_percent.is_some() { *rounds_max } else { scenario.rounds };
        most_ms += rows * (CALIBRATION_MS + trial_ms * rounds_max as u64);
    }
    for LifecycleEntry { scenario, subjects, rounds_max } in lifecycle {
        let all_ms = (scenario.cases.len() * subjects.len()) as u64 * round_ms(scenario.procedure);
        least_ms += all_ms * scenario.rounds as u64;
        let rounds_max = if scenario.width_percent.is_some() { *rounds_max } else { scenario.rounds };
        most_ms += all_ms * rounds_max as u64;
    }
    (least_ms.div_ceil(1000), most_ms.div_ceil(1000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::testing;
    use crate::scenario::Library;

    #[test]
    fn every_round_of_every_case_and_subject_counts() {
        let entry = |width_percent| Entry {
            scenario: crate::scenario::model::BenchScenario { width_percent, ..testing::scenario(2) },
            subjects: vec![0, 1],
            asked: 2,
            rounds_max: 6,
            skips_disturbed: false,
        };
        // Two subjects, one case, 1.1 s of load and 250 ms around it.
        assert_eq!(expected_s(&[entry(None)], &[]), (7, 7));
        assert_eq!(expected_s(&[entry(Some(5))], &[]), (7, 17));
        let library = Library::builtin().unwrap();
        let scenario = library.lifecycle().iter().find(|scenario| scenario.name == "newcomers").unwrap().clone();
        let newcomers = LifecycleEntry { scenario, subjects: vec![0], rounds_max: 21 };
        assert_eq!(expected_s(&[], &[newcomers]), (49, 49), "three cases, seven rounds");
    }
}
