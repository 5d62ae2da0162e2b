//! The rounds of one subject in one case, and the result that they come to.

use super::actor::Stop;
use super::measured::Measured;
use crate::results::model::{LifecycleFigure, LifecycleResult};
use crate::scenario::lifecycle::{LifecycleCase, LifecycleScenario};
use crate::statistics::{median, median_interval};

/// Rounds of one subject in one case.
#[derive(Debug)]
pub(super) struct Row<'a> {
    pub case: &'a LifecycleCase,
    /// Index of the subject.
    pub subject: usize,
    /// Figures of each round that has some, always the same ones in the same order.
    rounds: Vec<Vec<Measured>>,
    pub unsupported: Option<String>,
    why_invalid: Option<String>,
}

impl<'a> Row<'a> {
    pub(super) fn new(case: &'a LifecycleCase, subject: usize) -> Self {
        Self { case, subject, rounds: Vec::new(), unsupported: None, why_invalid: None }
    }

    /// Whether so many rounds were not enough.
    pub(super) fn has_more_than(&self, rounds: usize) -> bool {
        self.rounds.len() > rounds
    }

    /// Whether it needs no further round: it cannot have one, or its rounds answer the question.
    pub(super) fn is_over(&self, scenario: &LifecycleScenario, round: usize) -> bool {
        let is_enough = round >= scenario.rounds && self.undecided(scenario).is_none();
        self.unsupported.is_some() || self.why_invalid.is_some() || is_enough
    }

    /// Takes in a round; why it does not count, if it does not. A peer that breaks once does so again, and costs a deadline
    /// each time.
    pub(super) fn take(&mut self, round: usize, outcome: Result<Vec<Measured>, Stop>) -> Option<String> {
        let why = match outcome {
            Ok(figures) => {
                self.rounds.push(figures);
                return None;
            }
            Err(Stop::Unsupported(why)) => {
                self.unsupported = Some(why.clone());
                format!("unsupported: {why}")
            }
            Err(Stop::Broken(why)) => {
                self.why_invalid = Some(format!("round {}: {why}", round + 1));
                why
            }
            Err(Stop::Interrupted) => "interrupted".to_owned(),
        };
        Some(why)
    }

    /// The first figures of the latest round.
    pub(super) fn latest(&self) -> impl Iterator<Item = &Measured> {
        self.rounds.last().into_iter().flatten().take(2)
    }

    /// Why the rounds do not answer the question; `None` if they do.
    fn undecided(&self, scenario: &LifecycleScenario) -> Option<String> {
        let width_percent = scenario.width_percent?;
        let first: Vec<f64> = self.rounds.iter().filter_map(|figures| figures.first()).map(|f| f.value).collect();
        let rounds = first.len();
        let Some([low, high]) = median_interval(&first) else {
            let rounds = if rounds == 1 { "1 round has".to_owned() } else { format!("{rounds} rounds have") };
            return Some(format!("{rounds} no interval, and the question needs one: --rounds asks for more"));
        };
        let found_percent = (high / low - 1.0) * 100.0;
        (found_percent > width_percent as f64).then(|| {
            format!(
                "after {rounds} rounds the interval is {found_percent:.0} % wide, and the question needs {width_percent} %: \
                 stop what else runs, or ask for more with --rounds"
            )
        })
    }
}

/// What the rounds come to; `None` if there is nothing to say.
pub(super) fn result(scenario: &LifecycleScenario, subject: &str, row: &Row<'_>) -> Option<LifecycleResult> {
    if row.rounds.is_empty() && row.why_invalid.is_none() {
        return None;
    }
    let names = row.rounds.first().into_iter().flatten().map(|figure| figure.name);
    let figures = names.enumerate().filter_map(|(at, name)| {
        let rounds: Vec<f64> = row.rounds.iter().filter_map(|figures| figures.get(at)).map(|f| f.value).collect();
        Some(LifecycleFigure {
            name: name.to_owned(),
            median: median(&rounds)?,
            ci95: median_interval(&rounds),
            max: rounds.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            rounds,
        })
    });
    Some(LifecycleResult {
        scenario: scenario.name.clone(),
        title: scenario.title.clone(),
        subject: subject.to_owned(),
        case: row.case.map(),
        valid: row.why_invalid.is_none(),
        why_invalid: row.why_invalid.clone(),
        undecided: row.undecided(scenario).filter(|_| row.why_invalid.is_none()),
        rounds: row.rounds.len(),
        figures: figures.collect(),
    })
}

/// A figure as the progress shows it: `total_ns 1234567`.
pub(super) fn label(figure: &Measured) -> String {
    format!("{} {:.0}", figure.name, figure.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Library;

    fn scenario(width_percent: Option<u64>) -> LifecycleScenario {
        let library = Library::builtin().unwrap();
        let scenario = library.lifecycle().iter().find(|scenario| scenario.name == "growth").unwrap();
        LifecycleScenario { rounds: 2, width_percent, ..scenario.clone() }
    }

    fn figures(first: f64) -> Vec<Measured> {
        vec![Measured::new("first_ns", first), Measured::new("second_ns", first / 2.0)]
    }

    #[test]
    fn a_result_has_the_median_of_each_figure_and_all_its_rounds() {
        let scenario = scenario(None);
        let mut row = Row::new(&scenario.cases[0], 0);
        assert_eq!(result(&scenario, "reference", &row), None);
        for (round, first) in [10.0, 30.0, 20.0].into_iter().enumerate() {
            assert_eq!(row.take(round, Ok(figures(first))), None);
        }
        let found = result(&scenario, "reference", &row).unwrap();
        assert!(found.valid && found.undecided.is_none() && found.rounds == 3);
        assert_eq!(
            found.figures.iter().map(|f| (&*f.name, f.median, f.max)).collect::<Vec<_>>(),
            [("first_ns", 20.0, 30.0), ("second_ns", 10.0, 15.0)]
        );
        assert_eq!(found.figures[0].rounds, [10.0, 30.0, 20.0]);
    }

    #[test]
    fn rounds_go_on_while_they_do_not_answer_the_question() {
        let scenario = scenario(Some(50));
        let (mut uneven, mut even) = (Row::new(&scenario.cases[0], 0), Row::new(&scenario.cases[0], 0));
        for round in 0..8 {
            assert!(round >= 2 || !even.is_over(&scenario, round), "it has its own rounds first");
            uneven.take(round, Ok(figures(10.0 + 20.0 * (round % 2) as f64)));
            even.take(round, Ok(figures(10.0 + (round % 2) as f64)));
        }
        assert!(!uneven.is_over(&scenario, 8) && even.is_over(&scenario, 8));
        let why = result(&scenario, "reference", &uneven).unwrap().undecided.unwrap();
        assert!(why.contains("needs 50 %") && why.contains("after 8 rounds the interval is 200 % wide"), "{why}");
        assert_eq!(result(&scenario, "reference", &even).unwrap().undecided, None);
    }

    #[test]
    fn what_is_broken_or_unsupported_is_over_at_once() {
        let scenario = scenario(None);
        let mut row = Row::new(&scenario.cases[0], 0);
        row.take(0, Ok(figures(1.0)));
        assert_eq!(row.take(1, Err(Stop::Broken("it died".to_owned()))), Some("it died".to_owned()));
        assert!(row.is_over(&scenario, 0));
        let found = result(&scenario, "reference", &row).unwrap();
        assert_eq!((found.valid, found.why_invalid.as_deref()), (false, Some("round 2: it died")));
        let mut none = Row::new(&scenario.cases[0], 0);
        none.take(0, Err(Stop::Unsupported("no slices".to_owned())));
        assert!(none.is_over(&scenario, 0) && result(&scenario, "reference", &none).is_none());
    }
}
