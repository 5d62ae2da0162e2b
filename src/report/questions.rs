//! Benchmark cases by the question that they answer together: what changes from one to the next, and what stays.

use std::collections::BTreeSet;

use super::cases::{Case, cases, rest_on};
use super::figures::{bytes, tick_rate, tick_ratio};
use crate::results::model::{BenchResult, Measure, Report};
use crate::statistics::median;

/// One scenario: a question with all its cases.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Scenario name.
    pub scenario: &'a str,
    /// The question; the scenario's name where an older report does not say.
    pub title: &'a str,
    /// In order of first appearance; at least one.
    pub cases: Vec<Case<'a>>,
}

/// The one number in which the cases of a question differ.
#[derive(Debug, Clone, PartialEq)]
pub struct Varying {
    /// Name of the setting: `len`.
    pub key: String,
    /// Its value in each case, in the order of [`Question::cases`]; finite, at least 0, all different where [`Self::words`]
    /// are the same.
    pub values: Vec<f64>,
    /// What else differs and is no number, in the same order: `touch stamp`. Empty where nothing does.
    pub words: Vec<String>,
    /// Whether the values are sizes in bytes.
    pub is_bytes: bool,
}

impl Varying {
    /// What it is: `payload` of sizes, `offered load` of rates, otherwise the setting's name.
    pub fn named(&self) -> &str {
        match self.key.as_str() {
            _ if self.is_bytes => "payload",
            "rate_per_s" => "offered load",
            key => key,
        }
    }

    /// A value of it: `4 KiB` of sizes, `300 k/s` of rates, otherwise the number.
    pub fn shown(&self, value: f64) -> String {
        if self.key.ends_with("_per_s") {
            return tick_rate(value);
        }
        if !self.is_bytes {
            return tick_ratio(value);
        }
        // Sizes are whole numbers of bytes, far below 2^53.
        let text = bytes(value as u64);
        match text.split_once(' ') {
            Some((number, unit)) if number.contains('.') => {
                format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => text,
        }
    }
}

/// Every question of a report, in order of first appearance.
pub fn questions(report: &Report) -> Vec<Question<'_>> {
    let mut questions: Vec<Question<'_>> = Vec::new();
    for case in cases(report) {
        match questions.iter_mut().find(|question| question.scenario == case.scenario) {
            Some(question) => question.cases.push(case),
            None => questions.push(Question { scenario: case.scenario, title: case.title, cases: vec![case] }),
        }
    }
    questions
}

impl<'a> Question<'a> {
    /// What its times are times of.
    pub fn measure(&self) -> Measure {
        self.cases.first().map_or(Measure::default(), Case::measure)
    }

    /// What its times are called on an axis.
    pub fn time(&self) -> &'static str {
        match self.measure() {
            Measure::RoundTrip | Measure::Throughput => "Round-trip time",
            Measure::OpenLoop => "Latency from the intended start",
        }
    }

    /// What its histograms count.
    pub fn counted(&self) -> &'static str {
        match self.measure() {
            Measure::RoundTrip | Measure::Throughput => "round trips",
            Measure::OpenLoop => "latencies",
        }
    }

    /// What all cases share: `kind fixed, payload u64, waiting spin`.
    pub fn settings(&self) -> String {
        let Some(first) = self.cases.first() else { return String::new() };
        let is_shared = |name: &str, value: &str| {
            self.cases.iter().all(|case| case.case.get(name).map(String::as_str) == Some(value))
        };
        let shared = first.case.iter().filter(|(name, value)| is_shared(name, value));
        shared.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// `rtt: kind fixed, len 1, payload u64, waiting spin`: where its figures come from.
    pub fn label(&self) -> String {
        let settings = self.settings();
        if settings.is_empty() { self.scenario.to_owned() } else { format!("{}: {settings}", self.scenario) }
    }

    /// The number in which its cases differ; `None` if there is one case only, if they differ in no number
    /// or in several, or if they differ in words as well and some of those are there once.
    pub fn varying(&self) -> Option<Varying> {
        let names: BTreeSet<&String> = self.cases.iter().flat_map(|case| case.case.keys()).collect();
        let differs = |name: &&String| {
            let first = self.cases.first().map(|case| case.case.get(*name));
            self.cases.iter().any(|case| Some(case.case.get(*name)) != first)
        };
        let number = |case: &Case<'_>, name: &String| {
            let number = case.case.get(name)?.parse::<f64>().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        let is_number = |name: &&String| self.cases.iter().all(|case| number(case, name).is_some());
        let (numbers, words): (Vec<&String>, Vec<&String>) = names.into_iter().filter(differs).partition(is_number);
        let [key] = numbers.as_slice() else { return None };
        let said = |case: &Case<'_>| {
            let said = words.iter().map(|name| format!("{name} {}", case.case.get(*name).map_or("", String::as_str)));
            said.collect::<Vec<_>>().join(", ")
        };
        let words: Vec<String> = self.cases.iter().map(said).collect();
        // One case of each is no line.
        if words.iter().any(|own| words.iter().filter(|other| *other == own).count() < 2) {
            return None;
        }
        let is_bytes = *key == "len" && self.cases.iter().all(|c| c.case.get("payload").is_some_and(|p| p == "bytes"));
        Some(Varying {
            key: (*key).clone(),
            values: self.cases.iter().filter_map(|case| number(case, key)).collect(),
            words,
            is_bytes,
        })
    }

    /// Subjects with a valid result in any case, those of the first case first.
    pub fn subjects(&self) -> Vec<&'a str> {
        let mut subjects: Vec<&'a str> = Vec::new();
        for result in self.cases.iter().flat_map(Case::valid) {
            if !subjects.contains(&result.subject.as_str()) {
                subjects.push(&result.subject);
            }
        }
        subjects
    }

    /// Median over results of what one floor was, ns, by the estimator of the round trips.
    pub fn floor_ns(&self) -> Option<f64> {
        let floors = self.cases.iter().flat_map(Case::valid).map(BenchResult::one_floor_ns);
        median(&floors.filter(|ns| *ns > 0.0).collect::<Vec<_>>())
    }

    /// What the figures rest on, over all cases.
    pub fn rounds(&self) -> String {
        rest_on(self.cases.iter().flat_map(Case::valid), self.measure())
    }
}

/// File name stems, one a scenario, all different: ASCII and short.
pub fn slugs<'s>(scenarios: impl Iterator<Item = &'s str>) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for scenario in scenarios {
        let mut stem = String::new();
        for c in scenario.chars() {
            if c.is_ascii_alphanumeric() || c == '_' {
                stem.push(c.to_ascii_lowercase());
            } else if !stem.is_empty() && !stem.ends_with('-') {
                stem.push('-');
            }
        }
        stem.truncate(60);
        let stem = stem.trim_end_matches('-');
        let stem = if stem.is_empty() { "question" } else { stem };
        let mut unique = stem.to_owned();
        for number in 2.. {
            if !slugs.contains(&unique) {
                break;
            }
            unique = format!("{stem}-{number}");
        }
        slugs.push(unique);
    }
    slugs
}
