//! Benchmark results by scenario and case: what is shown side by side, and what is said about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figures::three_digits;
use super::regimes;
use crate::results::model::{BenchResult, Measure, Ratio, Relative, RelativeRegime, Report};

/// Results that answer one question: one scenario, one case, several subjects.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Scenario name.
    pub scenario: &'a str,
    /// The case, by name.
    pub case: &'a BTreeMap<String, String>,
    /// Fastest first, by floors, then by ns; invalid results last.
    pub results: Vec<&'a BenchResult>,
    /// Comparisons of subjects measured in the same rounds.
    pub relative: Vec<&'a Relative>,
    /// Where the scenario's run met more than one regime, the floors at which they begin, ns.
    pub regime_floors: Vec<f64>,
}

/// A column of ratios to something else, measured in the same rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Beside {
    /// What the results are set against: `vs. reference`, `vs. idle_clients 0`.
    pub heading: String,
    /// One a result, in the order of [`Case::results`]: times, or rates of a throughput.
    pub ratios: Vec<Option<Ratio>>,
    /// The same by regime.
    pub regimes: Vec<Vec<RelativeRegime>>,
}

/// Every case of a report, in order of first appearance.
pub fn cases(report: &Report) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for result in &report.bench {
        match cases.iter_mut().find(|case| case.scenario == result.scenario && *case.case == result.case) {
            Some(case) => case.results.push(result),
            None => cases.push(Case {
                scenario: &result.scenario,
                case: &result.case,
                results: vec![result],
                relative: Vec::new(),
                regime_floors: regimes::floors_of(report, &result.scenario),
            }),
        }
    }
    for case in &mut cases {
        case.results.sort_by(|a, b| {
            let figure = |result: &BenchResult| result.p50_floors.map_or(f64::INFINITY, |floors| floors.ratio);
            (!a.valid).cmp(&!b.valid).then(figure(a).total_cmp(&figure(b))).then(a.rtt_ns.p50.total_cmp(&b.rtt_ns.p50))
        });
        let of_case = |entry: &&Relative| entry.scenario == case.scenario && entry.case == *case.case;
        case.relative = report.relative.iter().filter(of_case).collect();
    }
    cases
}

impl<'a> Case<'a> {
    /// `rtt: len 1, payload u64, waiting spin`.
    pub fn label(&self) -> String {
        let settings = self.settings();
        if settings.is_empty() { self.scenario.to_owned() } else { format!("{}: {settings}", self.scenario) }
    }

    /// `len 1, payload u64, waiting spin`.
    pub fn settings(&self) -> String {
        self.case.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
    }

    /// File name stem, ASCII and short. Two cases may share one: see [`slugs`].
    fn slug(&self) -> String {
        let mut slug = String::new();
        for c in std::iter::once(self.scenario)
            .chain(self.case.values().map(String::as_str))
            .flat_map(|part| part.chars().chain(std::iter::once('-')))
        {
            if c.is_ascii_alphanumeric() || c == '_' {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.truncate(80);
        slug.trim_end_matches('-').to_owned()
    }

    /// What the times of this case are times of.
    pub fn measure(&self) -> Measure {
        self.results.first().map_or(Measure::default(), |result| result.measure)
    }

    /// Ratios to the first case of the scenario, and to the first subject of this one.
    pub fn beside(&self) -> Vec<Beside> {
        let column = |heading: String, find: &dyn Fn(&BenchResult) -> Option<Relative>| {
            let found = self.results.iter().map(|result| find(result).filter(|_| result.valid));
            let (ratios, regimes) =
                found.map(|r| (r.as_ref().map(|r| r.ratio), r.map_or(vec![], |r| r.regimes))).unzip();
            Beside { heading, ratios, regimes }
        };
        let mut columns = Vec::new();
        let own = |r: &&&Relative| r.baseline_case.is_some();
        if let Some(first) = self.relative.iter().find(own) {
            let heading =
                format!("vs. {}", first.baseline_case.as_ref().map_or(String::new(), |c| differing(c, &first.case)));
            columns.push(column(heading, &|result| {
                let same = |r: &&&Relative| r.subject == result.subject;
                self.relative.iter().filter(own).find(same).map(|r| (*r).clone())
            }));
        }
        if let Some(first) = self.relative.iter().find(|r| r.baseline_case.is_none()) {
            columns.push(column(format!("vs. {}", first.subject), &|result| {
                let pair = |r: &&&Relative| {
                    r.baseline_case.is_none() && r.subject == first.subject && r.baseline == result.subject
                };
                // The comparison has the first subject on top.
                self.relative.iter().find(pair).and_then(|r| turned(r))
            }));
        }
        columns.retain(|column| column.ratios.iter().any(Option::is_some));
        columns
    }

    /// Results that count.
    pub fn valid(&self) -> impl Iterator<Item = &'a BenchResult> + '_ {
        self.results.iter().copied().filter(|result| result.valid)
    }

    /// `12 rounds and 4 800 000 round trips a subject`, over the results that count, and how much was left out.
    pub fn rounds(&self) -> String {
        let range = |figures: Vec<u64>| match (figures.iter().min(), figures.iter().max()) {
            (Some(min), Some(max)) if min == max => super::figures::count(*min),
            (Some(min), Some(max)) => {
                format!("{} to {}", super::figures::count(*min), super::figures::count(*max))
            }
            _ => "no".to_owned(),
        };
        let rounds = range(self.valid().map(|result| result.rounds as u64).collect());
        let samples = range(self.valid().map(|result| result.samples).collect());
        let (intervals, left_out) = self.valid().fold((0, 0), |(intervals, left_out), result| {
            (intervals + result.intervals, left_out + result.regime_changes)
        });
        let what = match self.measure() {
            Measure::RoundTrip => "round trips",
            Measure::Throughput => "messages",
        };
        let mut text = format!("{rounds} rounds and {samples} {what} a subject");
        if left_out > 0 {
            let share = 100.0 * left_out as f64 / (intervals + left_out) as f64;
            let _ = write!(text, "; {share:.1} % of the slices left out, as the floor changed across them");
        }
        text
    }

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
                    Measure::RoundTrip => {
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

/// File name stems, one a case, all different.
pub fn slugs(cases: &[Case<'_>]) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for case in cases {
        let slug = case.slug();
        let stem = if slug.is_empty() { "case".to_owned() } else { slug };
        let mut unique = stem.clone();
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

/// The comparison the other way round; `None` if a bound is 0.
fn turned(relative: &Relative) -> Option<Relative> {
    let bounds = |[low, high]: [f64; 2]| [1.0 / high, 1.0 / low];
    let Ratio { ratio, ci95 } = relative.ratio;
    let mut turned = relative.clone();
    turned.ratio = Ratio { ratio: 1.0 / ratio, ci95: bounds(ci95) };
    turned.regimes.retain(|regime| regime.ratio > 0.0 && regime.ci95.is_none_or(|[low, _]| low > 0.0));
    for regime in &mut turned.regimes {
        (regime.ratio, regime.ci95) = (1.0 / regime.ratio, regime.ci95.map(bounds));
    }
    (ci95[0] > 0.0).then_some(turned)
}

/// What a case has that another one has not: `idle_clients 7`.
fn differing(case: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> String {
    let differs = |(name, value): &(&String, &String)| other.get(*name) != Some(value);
    case.iter().filter(differs).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}

/// `95 % interval 1.79 to 1.88`.
pub fn interval(ratio: &Ratio) -> String {
    format!("95 % interval {} to {}", three_digits(ratio.ci95[0]), three_digits(ratio.ci95[1]))
}

#[cfg(test)]
mod tests {
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
