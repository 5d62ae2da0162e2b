//! What is said about the benchmark results of a case, one sentence a comparison.

use serde::Serialize;

use super::cases::{Case, differing};
use super::figures::{rate_per_s, three_digits};
use super::questions::Question;
use crate::results::model::{BenchResult, Measure, Ratio, Relative, Saturated};

/// What is said about a case; its name is empty if its question has no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "the words say it")]
pub struct Said {
    pub case: String,
    pub sentences: Vec<String>,
}

impl Question<'_> {
    /// Sentences by case; cases about which nothing is said are left out.
    pub fn said(&self) -> Vec<Said> {
        let said = self.cases.iter().map(|case| Said { case: case.name.clone(), sentences: case.sentences() });
        said.filter(|said| !said.sentences.is_empty()).collect()
    }
}

impl Case<'_> {
    /// One sentence a comparison: those of the same rounds, or else each subject beside the fastest.
    pub fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = if self.relative.is_empty() {
            self.beside_fastest()
        } else {
            self.relative.iter().map(|r| relative(r, &self.conditions(r.rounds, r.floor_ns))).collect()
        };
        for result in self.results.iter().filter(|result| !result.valid) {
            let why = result.why_invalid.as_deref().unwrap_or("no reason was given");
            sentences.push(format!("{} does not count: {why}.", result.subject));
        }
        for result in self.valid() {
            if let Some(why) = &result.undecided {
                sentences.push(format!("{} is undecided: {why}.", result.subject));
            }
        }
        sentences.extend(self.valid().filter_map(saturation));
        sentences
    }

    fn beside_fastest(&self) -> Vec<String> {
        let floors: Vec<(&str, Ratio)> =
            self.valid().filter_map(|result| Some((result.subject.as_str(), result.p50_floors?))).collect();
        let Some(&(fastest, best)) = floors.first() else { return Vec::new() };
        let mut sentences = vec![format!("{fastest}: {} floors ({}).", three_digits(best.ratio), interval(&best))];
        for (subject, own) in &floors[1..] {
            let times = if best.ratio > 0.0 { own.ratio / best.ratio } else { 0.0 };
            sentences.push(if own.ci95[0] <= best.ci95[1] {
                format!("{subject} and {fastest}: no verdict, their 95 % intervals overlap.")
            } else {
                match self.measure() {
                    Measure::RoundTrip | Measure::OpenLoop => {
                        format!("{subject} takes {} times as long as {fastest}.", three_digits(times))
                    }
                    Measure::Throughput => {
                        format!("{fastest} has {} times as many messages per second as {subject}.", three_digits(times))
                    }
                }
            });
        }
        sentences
    }
}

/// `saturated: asked for 4.00 M/s, did 2.90 M/s`, of an open loop whose rate was more than the subject can do.
pub fn saturation(result: &BenchResult) -> Option<String> {
    let Saturated { asked_per_s, achieved_per_s, rounds } = result.saturated?;
    let [asked, did] = [asked_per_s, achieved_per_s].map(rate_per_s);
    let rounds =
        if rounds < result.rounds { format!(", in {rounds} of {} rounds", result.rounds) } else { String::new() };
    Some(format!("{} is saturated: asked for {asked}, did {did}{rounds}.", result.subject))
}

/// What a comparison within one run says; `conditions` are its rounds and floor. It names a winner only if the interval
/// leaves out 1.
pub fn relative(relative: &Relative, conditions: &str) -> String {
    let Relative { rounds, ratio, .. } = relative;
    let (subject, baseline) = match &relative.baseline_case {
        None => (relative.subject.clone(), relative.baseline.clone()),
        Some(other) => (
            format!("{} with {}", relative.subject, differing(&relative.case, other)),
            format!("with {}", differing(other, &relative.case)),
        ),
    };
    let facts = format!("ratio {} ({}, {conditions})", three_digits(ratio.ratio), interval(ratio));
    let times = three_digits(if ratio.ratio > 0.0 { ratio.ratio.max(1.0 / ratio.ratio) } else { 0.0 });
    if *rounds == 0 || ratio.ratio <= 0.0 {
        format!("{subject} and {baseline}: no verdict, they share no round.")
    } else if ratio.ci95[0] <= 1.0 && ratio.ci95[1] >= 1.0 {
        format!("{subject} and {baseline}: no verdict, the interval holds 1: {facts}.")
    } else if relative.measure == Measure::Throughput {
        let times = three_digits(ratio.ratio);
        format!("{subject} has {times} times as many messages per second as {baseline}: {facts}.")
    } else if ratio.ci95[1] < 1.0 {
        format!("{subject} is {times} times as fast as {baseline}: {facts}.")
    } else {
        format!("{subject} takes {times} times as long as {baseline}: {facts}.")
    }
}

/// `95 % interval 1.79 to 1.88`.
pub fn interval(ratio: &Ratio) -> String {
    format!("95 % interval {} to {}", three_digits(ratio.ci95[0]), three_digits(ratio.ci95[1]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn pair(ratio: f64, ci95: [f64; 2], rounds: usize) -> Relative {
        Relative {
            scenario: "rtt".into(),
            case: BTreeMap::new(),
            subject: "a".into(),
            baseline: "b".into(),
            baseline_case: None,
            measure: Measure::RoundTrip,
            rounds,
            ratio: Ratio { ratio, ci95 },
            ratios: Vec::new(),
            floor_ns: None,
            regimes: Vec::new(),
        }
    }

    fn compared(ratio: f64, ci95: [f64; 2], rounds: usize) -> String {
        relative(&pair(ratio, ci95, rounds), "12 common rounds")
    }

    #[test]
    fn rates_are_compared_as_rates() {
        let rates = |ratio, ci95| {
            relative(&Relative { measure: Measure::Throughput, ..pair(ratio, ci95, 12) }, "12 common rounds")
        };
        assert!(rates(4.2, [4.0, 4.4]).starts_with("a has 4.20 times as many messages per second as b: ratio 4.20 ("));
        assert!(rates(0.25, [0.2, 0.3]).starts_with("a has 0.250 times as many messages per second as b"));
        assert!(rates(1.0, [0.9, 1.1]).contains("no verdict"));
    }

    #[test]
    fn cases_are_told_apart_by_what_differs() {
        let case = |idle: &str| {
            BTreeMap::from([("idle_clients".to_owned(), idle.to_owned()), ("len".to_owned(), "1".to_owned())])
        };
        let own = Relative {
            case: case("7"),
            baseline: "a".into(),
            baseline_case: Some(case("0")),
            ..pair(1.2, [1.1, 1.3], 12)
        };
        let text = relative(&own, "12 common rounds");
        assert!(text.starts_with("a with idle_clients 7 takes 1.20 times as long as with idle_clients 0: "), "{text}");
    }

    #[test]
    fn a_winner_needs_an_interval_without_1() {
        assert!(compared(0.25, [0.24, 0.26], 12).starts_with("a is 4.00 times as fast as b"));
        assert!(compared(2.0, [1.9, 2.2], 12).starts_with("a takes 2.00 times as long as b"));
        assert!(compared(0.97, [0.9, 1.0], 12).contains("no verdict"));
        assert!(compared(1.1, [1.0, 1.3], 12).contains("no verdict"));
    }

    #[test]
    fn no_common_round_is_no_verdict() {
        assert!(compared(0.5, [0.4, 0.6], 0).contains("share no round"));
        assert!(compared(0.0, [0.0, 0.0], 3).contains("no verdict"));
    }
}
