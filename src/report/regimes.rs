//! Figures by regime, for the cases of a run in which the machine changed its placement.

use serde::Serialize;

use super::cases::Case;
use super::figures::{counted, duration_ns, three_digits};
use crate::results::model::{Estimate, Measure};

/// Says what a table of regimes is.
pub const CAPTION: &str = "The two processors were not always equally far apart during this run, and figures depend on \
                           it. Those at each distance, which the floor shows:";

/// Heading of how much longer than a floor a round trip takes.
pub(super) const ABOVE: &str = "above floor";

/// Figures of a case, a row for each regime and subject.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RegimeTable {
    /// What each column is.
    pub headings: Vec<String>,
    /// One cell a heading; the nearest placement (lowest floor) first.
    pub rows: Vec<Vec<String>>,
}

impl Case<'_> {
    /// Its figures by regime; `None` unless the scenario's run met more than one. `to` stands between two bounds.
    pub fn regimes(&self, to: &str) -> Option<RegimeTable> {
        let beside = self.ratio_columns();
        let time = match self.measure() {
            Measure::RoundTrip | Measure::OpenLoop => "round trip",
            Measure::Throughput => "one message",
        };
        let mut headings: Vec<String> = ["floor", "subject", time, "floors (95 %)"].map(str::to_owned).into();
        // Messages that follow one another closely take less than a floor each.
        let above = (self.measure() == Measure::RoundTrip).then(|| ABOVE.to_owned());
        headings.extend(above.clone());
        headings.extend(beside.iter().map(|column| column.heading.clone()));
        headings.push("rounds".to_owned());
        let mut rows = Vec::new();
        for (at, from_ns) in self.regime_floors.iter().enumerate() {
            let end_ns = self.regime_floors.get(at + 1).copied().unwrap_or(f64::INFINITY);
            let here = |floor_ns: f64| (*from_ns..end_ns).contains(&floor_ns);
            for (index, result) in self.results.iter().enumerate().filter(|(_, result)| result.valid) {
                let Some(regime) = result.regimes.iter().find(|regime| here(regime.floor_ns)) else { continue };
                let mut row = vec![
                    duration_ns(regime.floor_ns),
                    result.subject.clone(),
                    duration_ns(regime.p50_ns),
                    bounded(regime.p50_floors, to),
                ];
                let above_ns = || regime.above_floor_ns.map_or_else(|| "–".to_owned(), |time| duration_ns(time.ns));
                row.extend(above.as_ref().map(|_| above_ns()));
                row.extend(beside.iter().map(|column| {
                    let found = column.regimes[index].iter().find(|regime| here(regime.floor_ns));
                    found.map_or_else(|| "–".to_owned(), |r| bounded(Estimate { ratio: r.ratio, ci95: r.ci95 }, to))
                }));
                row.push(regime.rounds.to_string());
                rows.push(row);
            }
        }
        (!rows.is_empty()).then_some(RegimeTable { headings, rows })
    }

    /// What a sentence about a comparison adds: `5 common rounds`, and at which floor if there was more than one.
    pub(super) fn conditions(&self, rounds: usize, floor_ns: Option<f64>) -> String {
        let rounds = counted(rounds, "common round");
        match floor_ns {
            _ if self.regime_floors.is_empty() => rounds,
            Some(floor_ns) => format!("{rounds} with a floor of {}", duration_ns(floor_ns)),
            None => format!("{rounds} over all floors"),
        }
    }
}

/// `1.83 (1.79–1.88)`, or `1.83` of a single round.
fn bounded(estimate: Estimate, to: &str) -> String {
    let ratio = three_digits(estimate.ratio);
    match estimate.ci95 {
        Some([low, high]) => format!("{ratio} ({}{to}{})", three_digits(low), three_digits(high)),
        None => ratio,
    }
}
