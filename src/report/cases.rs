//! Benchmark results by scenario and case: what is shown side by side, and what is said about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::figures::count;
use crate::results::model::{BenchResult, Measure, Ratio, Relative, RelativeRegime, Report};

/// Floors of two reports that differ by less than this share are one line of a table.
const SAME_SHARE: f64 = 0.25;

/// Results that answer one question: one scenario, one case, several subjects.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    /// Scenario name.
    pub scenario: &'a str,
    /// The question that the scenario asks; its name where an older report does not say.
    pub title: &'a str,
    /// The case, by name.
    pub case: &'a BTreeMap<String, String>,
    /// What the case does not share with all others of its scenario: `len 4096`. Empty for a scenario of one case.
    pub name: String,
    /// Fastest first, by floors, then by ns; invalid results last.
    pub results: Vec<&'a BenchResult>,
    /// Comparisons of subjects measured in the same rounds.
    pub relative: Vec<&'a Relative>,
    /// Where the scenario's run met more than one regime, the floors at which they begin, ns.
    pub regime_floors: Vec<f64>,
}

/// A column of ratios to something else, measured in the same rounds.
#[derive(Debug, Clone, PartialEq)]
pub struct RatioColumn {
    /// What the results are set against: `vs. reference`, `vs. idle_clients 0`.
    pub heading: String,
    /// One a result, in the order of [`Case::results`]: times, or rates of a throughput.
    pub ratios: Vec<Option<Ratio>>,
    /// The same by regime.
    pub regimes: Vec<Vec<RelativeRegime>>,
}

/// Where a scenario's run met more than one regime, the floors at which regimes begin; otherwise nothing.
///
/// In one run all results name the same regimes by the same floors. Reports that are shown together agree only roughly.
pub fn floors_of(report: &Report, scenario: &str) -> Vec<f64> {
    let results = report.bench.iter().filter(|result| result.scenario == scenario);
    let mut floors: Vec<f64> = results.flat_map(|result| result.regimes.iter().map(|regime| regime.floor_ns)).collect();
    floors.sort_by(f64::total_cmp);
    let mut begins: Vec<f64> = Vec::new();
    for floor_ns in floors {
        if begins.last().is_none_or(|last| floor_ns > last * (1.0 + SAME_SHARE)) {
            begins.push(floor_ns);
        }
    }
    if begins.len() > 1 { begins } else { Vec::new() }
}

/// Every case of a report, in order of first appearance.
pub fn cases(report: &Report) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    for result in &report.bench {
        match cases.iter_mut().find(|case| case.scenario == result.scenario && *case.case == result.case) {
            Some(case) => case.results.push(result),
            None => cases.push(Case {
                scenario: &result.scenario,
                title: result.question(),
                case: &result.case,
                name: String::new(),
                results: vec![result],
                relative: Vec::new(),
                regime_floors: floors_of(report, &result.scenario),
            }),
        }
    }
    let names: Vec<String> = cases.iter().map(|case| short_name(case, &cases)).collect();
    for (case, name) in cases.iter_mut().zip(names) {
        case.name = name;
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
    /// `rtt: len 1, payload u64, waiting spin`: the whole case, which stays the same whatever it is measured beside.
    pub fn label(&self) -> String {
        let settings: Vec<String> = self.case.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let settings = settings.join(", ");
        if settings.is_empty() { self.scenario.to_owned() } else { format!("{}: {settings}", self.scenario) }
    }

    /// What the times of this case are times of.
    pub fn measure(&self) -> Measure {
        self.results.first().map_or(Measure::default(), |result| result.measure)
    }

    /// Ratios to the first case of the scenario, and to the first subject of this one.
    pub fn ratio_columns(&self) -> Vec<RatioColumn> {
        let column = |heading: String, find: &dyn Fn(&BenchResult) -> Option<Relative>| {
            let found = self.results.iter().map(|result| find(result).filter(|_| result.valid));
            let (ratios, regimes) =
                found.map(|r| (r.as_ref().map(|r| r.ratio), r.map_or(vec![], |r| r.regimes))).unzip();
            RatioColumn { heading, ratios, regimes }
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
}

/// `12 rounds and 4 800 000 round trips a subject`, of results that count, and how much was left out.
pub fn rest_on<'a>(results: impl Iterator<Item = &'a BenchResult>, measure: Measure) -> String {
    let results: Vec<&BenchResult> = results.collect();
    let range = |figure: fn(&BenchResult) -> u64| {
        let figures = || results.iter().map(|result| figure(result));
        match (figures().min(), figures().max()) {
            (Some(min), Some(max)) if min == max => count(min),
            (Some(min), Some(max)) => format!("{} to {}", count(min), count(max)),
            _ => "no".to_owned(),
        }
    };
    let total = |figure: fn(&BenchResult) -> u64| results.iter().map(|result| figure(result)).sum::<u64>();
    let what = match measure {
        Measure::RoundTrip => "round trips",
        Measure::Throughput => "messages",
        Measure::OpenLoop => "requests",
    };
    let rounds = match range(|result| result.rounds as u64).as_str() {
        "1" => "1 round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    let mut text = format!("{rounds} and {} {what} a subject", range(|result| result.samples));
    let (intervals, left_out) = (total(|result| result.intervals), total(|result| result.regime_changes));
    // Nothing of an open loop is set against a floor.
    if left_out > 0 && measure != Measure::OpenLoop {
        let share = 100.0 * left_out as f64 / (intervals + left_out) as f64;
        // A share that is shown as 0 would be none.
        let share = if share < 0.05 { "less than 0.1".to_owned() } else { format!("{share:.1}") };
        let _ = write!(text, "; {share}\u{a0}% of the slices left out, as the floor changed across them");
    }
    text
}

/// What a case has that not all cases of its scenario have.
fn short_name(case: &Case<'_>, all: &[Case<'_>]) -> String {
    let is_shared = |name: &str, value: &str| {
        let others = all.iter().filter(|other| other.scenario == case.scenario);
        others.map(|other| other.case.get(name)).all(|other| other.map(String::as_str) == Some(value))
    };
    let own = case.case.iter().filter(|(name, value)| !is_shared(name, value));
    own.map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
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
pub(super) fn differing(case: &BTreeMap<String, String>, other: &BTreeMap<String, String>) -> String {
    let differs = |(name, value): &(&String, &String)| other.get(*name) != Some(value);
    case.iter().filter(differs).map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
}
