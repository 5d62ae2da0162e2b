//! Whether rounds answer a question: how wide their interval is, beside how wide it may be.

use super::trial::Trial;
use crate::scenario::model::BenchScenario;
use crate::statistics::median_interval;
use shmark_peer::kit::implementation::Timing;

/// Rounds at most where the scenario's own leave too wide an interval, as a multiple of them.
pub const ROUNDS_FACTOR_MAX: usize = 3;

/// Why trials do not answer the question, one sentence; `None` if they do, or if any interval answers it.
///
/// The figure is that of the results' tables: round trips, or messages, in floors; of an open loop the median latency.
pub fn undecided(scenario: &BenchScenario, trials: &[&Trial]) -> Option<String> {
    let width_percent = scenario.width_percent?;
    let figure = |trial: &&Trial| match scenario.timing {
        Timing::OpenLoop => trial.p50_ns,
        Timing::RoundTrip | Timing::Throughput => trial.p50_floors,
    };
    let rounds: Vec<f64> = trials.iter().map(figure).collect();
    let Some([low, high]) = median_interval(&rounds) else {
        return Some(format!(
            "{} has no interval, and the question needs one: --rounds asks for more",
            counted(rounds.len())
        ));
    };
    let found_percent = (high / low - 1.0) * 100.0;
    (found_percent > width_percent as f64).then(|| {
        format!(
            "after {} the interval is {found_percent:.0} % wide, and the question needs {width_percent} %: stop what else runs, \
             or ask for more with --rounds",
            counted(rounds.len())
        )
    })
}

fn counted(rounds: usize) -> String {
    if rounds == 1 { "1 round".to_owned() } else { format!("{rounds} rounds") }
}
