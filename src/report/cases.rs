//! Benchmark results by scenario and case: what is shown side by side, and what is said about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::results::model::{BenchResult, Measure, Ratio, Relative, RelativeRegime, Report};

/// Floors of two reports that differ by less than this share are one line of a table.
const SAME_SHARE: f64 = 0.25;

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
                case: &result.case,
                results: vec![result],
                relative: Vec::new(),
                regime_floors: floors_of(report, &result.scenario),
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
            Measure::OpenLoop => "requests",
        };
        let mut text = format!("{rounds} rounds and {samples} {what} a subject");
        // Latencies of an open loop are those of all slices.
        if left_out > 0 && self.measure() != Measure::OpenLoop {
            let share = 100.0 * left_out as f64 / (intervals + left_out) as f64;
            let _ = write!(text, "; {share:.1} % of the slices left out, as the floor changed across them");
        }
        text
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
