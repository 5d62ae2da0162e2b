//! Both builds in one run, launch by launch.

use std::time::Duration;

use super::sequence::{BLOCK_ROUNDS, Decided, Limits, decide};
use crate::bench::estimates::time;
use crate::bench::pin::Pin;
use crate::bench::{self, BenchError, case_map, figures};
use crate::harness::error::HarnessError;
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};
use crate::results::model::{BenchResult, Comparison, ComparisonMethod, ComparisonVerdict, Measure, SubjectInfo};
use crate::scenario::model::{BenchCase, BenchScenario};

/// Longest load and warm-up of a launch, ms: two launches of one build differ more than two halves of one launch, so many
/// short ones say more than few long ones.
pub const LAUNCH_MS_MAX: (u64, u64) = (50, 10);

/// What to compare.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is compared with.
    pub base: Subject,
    /// What is compared, each with the base.
    pub new: Vec<Subject>,
    /// Questions.
    pub scenarios: Vec<BenchScenario>,
    /// Smallest slowdown that fails the run, as a share.
    pub fail_on_share: f64,
    /// Most rounds of a case, for a difference and for its confirmation each.
    pub rounds_max: usize,
    /// Processors of client and server; chosen if absent.
    pub pin: Option<(usize, usize)>,
    /// As in [`bench::Options`].
    pub placement_wait: Duration,
    /// Picks who begins.
    pub seed: u64,
}

/// What was found besides the comparisons, which are events.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Who took part.
    pub subjects: Vec<SubjectInfo>,
    /// What the base does not have, and so cannot be compared, one sentence each.
    pub skipped: Vec<String>,
    /// Whether an interrupt ended it early; what is there is valid.
    pub interrupted: bool,
}

/// How far from 1 an interval may reach for no difference: half of what fails, so that a build that is slower by exactly
/// that cannot pass for the same.
pub fn same_share(fail_on_share: f64) -> f64 {
    fail_on_share / 2.0
}

/// Why a case has no more rounds.
enum Stop {
    Failed(BenchError),
    Invalid(String),
    /// The base has no such case.
    Skipped(String),
    /// One of them does not keep the rate of an open loop, which the other one keeps.
    Saturated {
        verdict: ComparisonVerdict,
        why: String,
    },
    Interrupted,
}

/// Compares, one case after the other: an [`Event::BuildsCompared`] for each new build, scenario and case, so that what was
/// found is known however it ends.
///
/// # Errors
/// As [`bench::run`]; two builds with one name.
pub fn compare(options: &Options, observer: &mut dyn Observer) -> Result<Outcome, BenchError> {
    Subject::check_names_differ(std::iter::once(&options.base).chain(&options.new))?;
    let mut outcome = Outcome::default();
    let mut passing = Passing { observer, warnings: Vec::new() };
    for new in &options.new {
        for scenario in &options.scenarios {
            for case in &scenario.cases {
                let scenario = launches(scenario, case);
                let mut pair = Pair { options, new, scenario: &scenario, blocks: 0, figures: [Vec::new(), Vec::new()] };
                let limits = Limits { same_share: same_share(options.fail_on_share), rounds_max: options.rounds_max };
                let decided = decide(limits, |rounds| pair.more(rounds, &mut outcome.subjects, &mut passing));
                let decided = match decided {
                    Err(Stop::Saturated { verdict, why }) => {
                        pair.once_more(verdict, &why, &mut outcome.subjects, &mut passing)
                    }
                    decided => decided,
                };
                let comparison = match decided {
                    Ok(decided) => pair.comparison(decided),
                    Err(Stop::Saturated { verdict, why }) => pair.without_ratio(verdict, why),
                    Err(Stop::Invalid(why)) => pair.invalid(why),
                    Err(Stop::Skipped(why)) => {
                        outcome.skipped.push(why);
                        continue;
                    }
                    Err(Stop::Failed(error)) => return Err(error),
                    Err(Stop::Interrupted) => {
                        outcome.interrupted = true;
                        return Ok(outcome);
                    }
                };
                passing.observer.event(&Event::BuildsCompared { comparison: Box::new(comparison) });
            }
        }
    }
    Ok(outcome)
}

/// One case of a scenario in short launches, beside nobody else.
fn launches(scenario: &BenchScenario, case: &BenchCase) -> BenchScenario {
    BenchScenario {
        cases: vec![case.clone()],
        duration_ms: scenario.duration_ms.min(LAUNCH_MS_MAX.0),
        warmup_ms: scenario.warmup_ms.min(LAUNCH_MS_MAX.1),
        baselines: Vec::new(),
        ..scenario.clone()
    }
}

/// Two builds in one case.
struct Pair<'a> {
    options: &'a Options,
    new: &'a Subject,
    scenario: &'a BenchScenario,
    /// Blocks of rounds that were measured.
    blocks: u64,
    /// Times of the base and of the new one, ns, one a launch.
    figures: [Vec<f64>; 2],
}

impl Pair<'_> {
    /// Measures so many rounds; a ratio of times for each that both builds have under the same conditions.
    fn more(
        &mut self,
        rounds: usize,
        subjects: &mut Vec<SubjectInfo>,
        observer: &mut Passing<'_>,
    ) -> Result<Vec<f64>, Stop> {
        // Who begins changes from block to block.
        let seed = self.options.seed.wrapping_add(self.blocks);
        self.blocks += 1;
        let options = bench::Options {
            scenarios: vec![self.scenario.clone()],
            lifecycle: Vec::new(),
            subjects: vec![self.new.clone(), self.options.base.clone()],
            rounds: Some(rounds),
            quick: false,
            pin: self.options.pin.map(|(client, server)| Pin::Pair(client, server)),
            real_time: false,
            placement_wait: self.options.placement_wait,
            // A build is not invalid because the machine was busy; its round is missing.
            skips_disturbed: true,
            seed,
        };
        let found = match bench::run(&options, observer) {
            Err(BenchError::Harness(HarnessError::Interrupted)) => return Err(Stop::Interrupted),
            found => found.map_err(Stop::Failed)?,
        };
        for subject in found.subjects {
            if !subjects.iter().any(|known| known.name == subject.name) {
                subjects.push(subject);
            }
        }
        if found.interrupted {
            return Err(Stop::Interrupted);
        }
        for (name, figures) in [(&self.options.base.name, 0), (&self.new.name, 1)] {
            let result = found.bench.iter().find(|result| result.subject == *name);
            let missing = || {
                let why = format!("{name} has no result: {}", found.skipped.join("; "));
                // What only the new one lacks has got lost.
                if figures == 0 { Stop::Skipped(why) } else { Stop::Invalid(why) }
            };
            let result = result.ok_or_else(missing)?;
            match &result.why_invalid {
                Some(why) if why == figures::NO_ROUND => {}
                Some(why) => return Err(Stop::Invalid(format!("{name}: {why}"))),
                None => {}
            }
            // Beyond saturation latencies are as long as the slices are.
            if result.saturated.is_none() {
                self.figures[figures].extend(&result.trips_ns);
            }
        }
        saturation(&found.bench, &self.options.base.name, &self.new.name)?;
        let relative = found.relative.first();
        Ok(relative
            .map_or_else(Vec::new, |relative| relative.ratios.iter().map(|ratio| self.as_time(*ratio)).collect()))
    }

    /// Fresh launches, behind some in which one of them was saturated: the same again, or nothing.
    fn once_more(
        &mut self,
        verdict: ComparisonVerdict,
        why: &str,
        subjects: &mut Vec<SubjectInfo>,
        observer: &mut Passing<'_>,
    ) -> Result<Decided, Stop> {
        match self.more(BLOCK_ROUNDS, subjects, observer) {
            Err(Stop::Saturated { verdict: again, why }) if again == verdict => Err(Stop::Saturated { verdict, why }),
            Ok(_) | Err(Stop::Saturated { .. }) => Err(Stop::Saturated {
                verdict: ComparisonVerdict::TooNoisy,
                why: format!("{why}; fresh launches did not show that"),
            }),
            Err(other) => Err(other),
        }
    }

    /// Rates are the inverse of times.
    fn as_time(&self, ratio: f64) -> f64 {
        match self.measure() {
            Measure::RoundTrip | Measure::OpenLoop => ratio,
            Measure::Throughput => 1.0 / ratio,
        }
    }

    fn measure(&self) -> Measure {
        figures::measure(self.scenario.timing)
    }

    fn comparison(&self, decided: Decided) -> Comparison {
        let Decided { verdict, why, evidence, before_confirmation, ratios } = decided;
        let fail_on_share = self.options.fail_on_share;
        let is_large = evidence.is_some_and(|evidence| evidence.ratio.ratio >= 1.0 + fail_on_share);
        Comparison {
            scenario: self.scenario.name.clone(),
            title: self.scenario.title.clone(),
            case: self.scenario.cases.first().map(case_map).unwrap_or_default(),
            measure: self.measure(),
            base: self.options.base.name.clone(),
            new: self.new.name.clone(),
            method: ComparisonMethod::Interleaved,
            verdict,
            fails: verdict == ComparisonVerdict::Worse && is_large,
            why,
            fail_on_share,
            evidence,
            before_confirmation,
            base_trip_ns: time(&self.figures[0]),
            new_trip_ns: time(&self.figures[1]),
            ratios,
        }
    }

    /// A build that loses or damages messages, or does not run at all, has no figure.
    fn invalid(&self, why: String) -> Comparison {
        self.without_ratio(ComparisonVerdict::Invalid, why)
    }

    fn without_ratio(&self, verdict: ComparisonVerdict, why: String) -> Comparison {
        let nothing =
            Decided { verdict, why: Some(why), evidence: None, before_confirmation: None, ratios: Vec::new() };
        let fails = matches!(verdict, ComparisonVerdict::Invalid | ComparisonVerdict::Worse);
        Comparison { fails, ..self.comparison(nothing) }
    }
}

/// Whether one of them, or both, miss the rate of an open loop in most rounds.
fn saturation(results: &[BenchResult], base: &str, new: &str) -> Result<(), Stop> {
    let missed = |name: &str| {
        let result = results.iter().find(|result| result.subject == name)?;
        let saturated = result.saturated.filter(|saturated| 2 * saturated.rounds > result.rounds)?;
        Some(format!(
            "{name} was asked for {:.0} requests per second and did {:.0}",
            saturated.asked_per_s, saturated.achieved_per_s
        ))
    };
    match (missed(base), missed(new)) {
        (None, None) => Ok(()),
        (Some(base), Some(new)) => Err(Stop::Skipped(format!("{base}; {new}: both are saturated"))),
        (None, Some(why)) => Err(Stop::Saturated { verdict: ComparisonVerdict::Worse, why }),
        (Some(why), None) => Err(Stop::Saturated { verdict: ComparisonVerdict::Better, why }),
    }
}

/// Tells of the trials of many short runs as if it were one.
struct Passing<'a> {
    observer: &'a mut dyn Observer,
    warnings: Vec<String>,
}

impl Observer for Passing<'_> {
    fn event(&mut self, event: &Event) {
        match event {
            // Results of a block are only a part of what is compared.
            Event::BenchFinished { .. } | Event::Compared { .. } => {}
            // The same from block to block, but for its numbers.
            Event::Warning { text } => {
                let kind = text.replace(|c: char| c.is_ascii_digit(), "");
                if !self.warnings.contains(&kind) {
                    self.warnings.push(kind);
                    self.observer.event(event);
                }
            }
            _ => self.observer.event(event),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A result of an open loop that missed its rate in so many of ten rounds.
    fn result(subject: &str, missed: usize) -> BenchResult {
        let figures = json!({"min": 1.0, "p50": 1.0, "p90": 1.0, "p99": 1.0, "p99_9": 1.0, "p99_99": 1.0, "max": 1.0, "mean": 1.0});
        let saturated = json!({"asked_per_s": 4e6, "achieved_per_s": 2.9e6, "rounds": missed});
        serde_json::from_value(json!({
            "scenario": "open-loop", "subject": subject, "case": {}, "valid": true, "why_invalid": null, "rounds": 10,
            "samples": 1, "rtt_ns": figures, "throughput_per_s": 1.0, "floor_rtt_ns": figures, "p50_floors": null,
            "p50_floors_rounds": [], "cpu_ns_per_request": {"client": 1.0, "server": 1.0},
            "histogram": "", "saturated": if missed > 0 { saturated } else { json!(null) }
        }))
        .unwrap()
    }

    #[test]
    fn a_rate_that_only_one_of_them_keeps_is_a_difference() {
        let found = |base, new| saturation(&[result("new", new), result("base", base)], "base", "new");
        assert!(found(0, 0).is_ok() && found(5, 5).is_ok(), "half of the rounds are a disturbance");
        match found(0, 10) {
            Err(Stop::Saturated { verdict: ComparisonVerdict::Worse, why }) => {
                assert_eq!(why, "new was asked for 4000000 requests per second and did 2900000");
            }
            _ => panic!("a build that no longer keeps the rate is worse"),
        }
        assert!(matches!(found(6, 0), Err(Stop::Saturated { verdict: ComparisonVerdict::Better, .. })));
        assert!(matches!(found(10, 10), Err(Stop::Skipped(_))), "nothing to compare beyond saturation");
    }
}
