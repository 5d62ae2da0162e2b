//! Figures by regime, for the questions in whose run the machine changed its placement.

use super::bounded::{Bounded, or_dash, ratio_text, time_text};
use super::cases::Case;
use super::figures::{counted, duration_ns};
use super::questions::Question;
use super::tables::{FigureTable, Group, Heading, INTERVAL, Row, beside};
use crate::results::model::{BenchRegime, BenchResult, Measure};

/// Says what a table of regimes is.
pub const CAPTION: &str = "The two processors were not always equally far apart during this run, and figures depend on \
                           it. Those at each distance, which the floor shows:";

impl Question<'_> {
    /// Its figures by regime, a group for each case and floor; `None` unless the scenario's run met more than one.
    pub fn regimes(&self) -> Option<FigureTable> {
        let beside = beside(self);
        let is_trip = self.measure() == Measure::RoundTrip;
        let mut headings: Vec<(String, &'static str)> = vec![
            (if is_trip { "round trip" } else { "one message" }.to_owned(), ""),
            ("in floors".to_owned(), INTERVAL),
        ];
        // Messages that follow one another closely take less than a floor each.
        headings.extend(is_trip.then(|| ("above the floor".to_owned(), INTERVAL)));
        headings.extend(beside.iter().map(|heading| (heading.clone(), INTERVAL)));
        headings.push(("rounds".to_owned(), ""));
        let mut groups = Vec::new();
        for case in &self.cases {
            for (at, from_ns) in case.regime_floors.iter().enumerate() {
                let end_ns = case.regime_floors.get(at + 1).copied().unwrap_or(f64::INFINITY);
                let rows = rows(case, &beside, &|floor_ns| (*from_ns..end_ns).contains(&floor_ns));
                let Some((floor_ns, rows)) = rows else { continue };
                let floor = duration_ns(floor_ns);
                let name = if case.name.is_empty() { floor } else { format!("{}, floor {floor}", case.name) };
                groups.push(Group { name, rows });
            }
        }
        let headings = headings.into_iter().map(|(text, small)| Heading { text, small }).collect();
        let group_heading = Some(if self.cases.len() > 1 { "case" } else { "floor" });
        (!groups.is_empty()).then(|| FigureTable { caption: CAPTION.to_owned(), group_heading, headings, groups })
    }
}

/// The rows of a case in one regime, and the regime's floor; `None` if no result met it.
fn rows(case: &Case<'_>, beside: &[String], is_here: &dyn Fn(f64) -> bool) -> Option<(f64, Vec<Row>)> {
    let columns = case.ratio_columns();
    let row = |index: usize, result: &BenchResult| -> Option<(f64, Row)> {
        let BenchRegime { floor_ns, p50_ns, p50_floors, above_floor_ns, rounds, .. } =
            *result.regimes.iter().find(|regime| is_here(regime.floor_ns))?;
        let mut cells = vec![duration_ns(p50_ns), ratio_text(p50_floors.into())];
        let above = || or_dash(above_floor_ns, |time| time_text(time.into()));
        cells.extend((case.measure() == Measure::RoundTrip).then(above));
        cells.extend(beside.iter().map(|heading| {
            let column = columns.iter().find(|column| column.heading == *heading);
            let found = column.and_then(|column| column.regimes[index].iter().find(|regime| is_here(regime.floor_ns)));
            or_dash(found, |regime| ratio_text(Bounded { value: regime.ratio, ci95: regime.ci95 }))
        }));
        cells.push(rounds.to_string());
        Some((floor_ns, Row { subject: result.subject.clone(), invalid: None, cells }))
    };
    let results = case.results.iter().enumerate().filter(|(_, result)| result.valid);
    let (floors, rows): (Vec<f64>, Vec<Row>) = results.filter_map(|(index, result)| row(index, result)).unzip();
    Some((*floors.first()?, rows))
}

impl Case<'_> {
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
