//! Questions about the lifecycle: their cases, and the tables of their figures.

use std::collections::BTreeMap;

use super::bounded::Bounded;
use super::figures::{bytes, counted, duration_ns, tick_ns, tick_ratio};
use super::plots::scale::Scale;
use super::tables::{FigureTable, Group, Heading, INTERVAL, Row};
use crate::results::model::{LifecycleFigure, LifecycleResult, Report};

/// One question with all its results.
#[derive(Debug, Clone)]
pub struct LifecycleQuestion<'a> {
    /// Scenario name.
    pub scenario: &'a str,
    /// The question.
    pub title: &'a str,
    /// In order of first appearance; at least one.
    pub cases: Vec<LifecycleCases<'a>>,
}

/// The results of one case.
#[derive(Debug, Clone)]
pub struct LifecycleCases<'a> {
    /// What it does not share with all others: `services 10`. Empty where there is one case.
    pub name: String,
    /// The whole case.
    pub case: &'a BTreeMap<String, String>,
    /// One a subject, in the order of the report; what does not count comes last.
    pub results: Vec<&'a LifecycleResult>,
}

/// Unit of a figure, from the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Nanoseconds.
    Time,
    /// Bytes.
    Bytes,
    /// A number of things.
    Count,
}

impl Unit {
    /// Of a figure's name.
    pub fn of(name: &str) -> Self {
        if name.ends_with("_ns") {
            Self::Time
        } else if name.ends_with("_bytes") {
            Self::Bytes
        } else {
            Self::Count
        }
    }

    /// A figure with its unit: `1.24 ms`, `2.00 MiB`, `12`.
    pub fn shown(self, value: f64) -> String {
        match self {
            Self::Time => duration_ns(value),
            // Sizes are far below 2^53.
            Self::Bytes => bytes(value.max(0.0) as u64),
            Self::Count => tick_ratio(value),
        }
    }

    /// What an axis of such figures is called.
    pub fn axis(self) -> &'static str {
        match self {
            Self::Time => "Time",
            Self::Bytes => "Memory",
            Self::Count => "Number",
        }
    }

    /// Values of ticks of such an axis, at least `gap` pixels apart.
    pub fn ticks(self, scale: &Scale, gap: f64) -> Vec<f64> {
        if self == Self::Bytes && scale.logarithmic { scale.binary_ticks(gap) } else { scale.ticks(gap) }
    }

    /// The same as short as an axis needs it.
    pub fn tick(self, value: f64) -> String {
        match self {
            Self::Time => tick_ns(value),
            Self::Bytes => {
                let text = self.shown(value);
                match text.split_once(' ') {
                    Some((number, unit)) if number.contains('.') => {
                        format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
                    }
                    _ => text,
                }
            }
            Self::Count => tick_ratio(value),
        }
    }
}

/// What a figure is, without its unit: `service create`.
pub fn figure_name(name: &str) -> String {
    let name = name.trim_end_matches("_ns").trim_end_matches("_bytes");
    let is_percentile = name.strip_prefix('p').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '_'));
    name.replace('_', if is_percentile { "." } else { " " })
}

/// A figure with its interval.
pub fn bounded(figure: &LifecycleFigure) -> Bounded {
    Bounded { value: figure.median, ci95: figure.ci95 }
}

/// Every question of a report, in order of first appearance.
pub fn lifecycle_questions(report: &Report) -> Vec<LifecycleQuestion<'_>> {
    let mut questions: Vec<LifecycleQuestion<'_>> = Vec::new();
    for result in &report.lifecycle {
        let at = questions.iter().position(|question| question.scenario == result.scenario).unwrap_or_else(|| {
            let title = if result.title.is_empty() { &result.scenario } else { &result.title };
            questions.push(LifecycleQuestion { scenario: &result.scenario, title, cases: Vec::new() });
            questions.len() - 1
        });
        let cases = &mut questions[at].cases;
        match cases.iter_mut().find(|case| *case.case == result.case) {
            Some(case) => case.results.push(result),
            None => cases.push(LifecycleCases { name: String::new(), case: &result.case, results: vec![result] }),
        }
    }
    for question in &mut questions {
        let varying: Vec<String> = question.varying().into_iter().map(str::to_owned).collect();
        for case in &mut question.cases {
            let named = case.case.iter().filter(|(key, _)| varying.contains(*key));
            case.name = named.map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ");
            case.results.sort_by_key(|result| !result.valid);
        }
    }
    questions
}

impl LifecycleQuestion<'_> {
    /// What differs between its cases.
    pub fn varying(&self) -> Vec<&str> {
        let Some(first) = self.cases.first() else { return Vec::new() };
        let differs = |key: &&String| self.cases.iter().any(|case| case.case.get(*key) != first.case.get(*key));
        first.case.keys().filter(differs).map(String::as_str).collect()
    }

    /// `newcomers: server_bytes 4294967296`: where its figures come from.
    pub fn label(&self) -> String {
        let varying = self.varying();
        let first = self.cases.iter().take(1).flat_map(|case| case.case.iter());
        let shared: Vec<String> = first
            .filter(|(key, _)| !varying.contains(&key.as_str()))
            .map(|(key, value)| format!("{key} {value}"))
            .collect();
        if shared.is_empty() { self.scenario.to_owned() } else { format!("{}: {}", self.scenario, shared.join(", ")) }
    }

    /// What its figures rest on: `11 rounds`.
    pub fn rounds(&self) -> String {
        let rounds = || self.cases.iter().flat_map(|case| &case.results).filter(|r| r.valid).map(|r| r.rounds);
        let (low, high) = (rounds().min().unwrap_or_default(), rounds().max().unwrap_or_default());
        if low == high { counted(low, "round") } else { format!("{low} to {}", counted(high, "round")) }
    }

    /// The names of the figures, of the first result that counts.
    fn figures(&self) -> Vec<&str> {
        let first = self.cases.iter().flat_map(|case| &case.results).find(|result| result.valid);
        first.map(|result| result.figures.iter().map(|figure| figure.name.as_str()).collect()).unwrap_or_default()
    }

    /// Every figure of every case and subject. The largest of all rounds stands beside the first one.
    pub fn table(&self) -> FigureTable {
        let names = self.figures();
        let heading = |name: &&str| Heading { text: figure_name(name), small: INTERVAL };
        let mut headings: Vec<Heading> = names.iter().map(heading).collect();
        if names.is_empty() {
            // Nothing counts, and each row says why.
            headings.push(Heading { text: "figures".to_owned(), small: "" });
        }
        if let Some(first) = names.first() {
            headings.insert(1, Heading { text: format!("{}, largest", figure_name(first)), small: "" });
        }
        let row = |result: &LifecycleResult| {
            let why = || result.why_invalid.clone().unwrap_or_else(|| "no reason was given".to_owned());
            let of = |name: &&str| result.figures.iter().find(|figure| figure.name == **name);
            let mut cells: Vec<String> = names.iter().map(|name| of(name).map_or("–".to_owned(), interval)).collect();
            if let Some(first) = names.first() {
                cells.insert(1, of(first).map_or("–".to_owned(), |f| Unit::of(first).shown(f.max)));
            }
            Row { subject: result.subject.clone(), invalid: (!result.valid).then(why), cells }
        };
        let groups = self.cases.iter().map(|case| Group {
            name: case.name.clone(),
            rows: case.results.iter().map(|result| row(result)).collect(),
        });
        FigureTable {
            caption: format!("Medians over {}, each with fresh processes.", self.rounds()),
            group_heading: (self.cases.len() > 1).then_some("case"),
            headings,
            groups: groups.collect(),
        }
    }

    /// What does not count, and what does not answer the question, a sentence each.
    pub fn said(&self) -> Vec<String> {
        let results = self.cases.iter().flat_map(|case| case.results.iter().map(move |result| (case, *result)));
        let sentence = |(case, result): (&LifecycleCases<'_>, &LifecycleResult)| {
            let with = if case.name.is_empty() { String::new() } else { format!(" with {}", case.name) };
            let why = result.why_invalid.as_deref().filter(|_| !result.valid);
            match (why, &result.undecided) {
                (Some(why), _) => Some(format!("{}{with} does not count: {why}.", result.subject)),
                (None, Some(why)) => Some(format!("{}{with} is undecided: {why}.", result.subject)),
                (None, None) => None,
            }
        };
        results.filter_map(sentence).collect()
    }
}

/// `1.24 ms (1.20–1.31 ms)`.
fn interval(figure: &LifecycleFigure) -> String {
    let shown = |value| Unit::of(&figure.name).shown(value);
    let (value, [low, high]) = (shown(figure.median), bounded(figure).ends().map(shown));
    // What is the same in every round has an interval that says nothing.
    if low == value && high == value { value } else { super::bounded::text(bounded(figure), shown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_says_its_unit_itself() {
        let shown = [
            ("total_ns", 1_240_000.0),
            ("shared_mapped_bytes", 2_097_152.0),
            ("server_descriptors", 12.0),
            ("p99_99_ns", 5.0),
        ];
        let shown = shown.map(|(name, value)| format!("{} {}", figure_name(name), Unit::of(name).shown(value)));
        assert_eq!(shown, ["total 1.24 ms", "shared mapped 2.00 MiB", "server descriptors 12", "p99.99 5.00 ns"]);
    }
}
