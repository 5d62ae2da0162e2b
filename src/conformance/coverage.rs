//! Which requirements were decided.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::results::model::{Coverage, CoverageVerdict, Verdict};
use crate::scenario::model::{Action, Scenario, Step};
use crate::scenario::{Catalogue, Requirement};

use super::trial::Trial;

/// Most reasons that a verdict lists.
const REASONS_MAX: usize = 3;

#[derive(Debug, Default)]
struct Tally {
    checks: usize,
    executed: usize,
    broken: Vec<String>,
    /// Bounds of its checks that held only because they were stretched.
    stretched: Vec<String>,
    /// Why checks were not executed.
    missed: Vec<String>,
}

/// Verdict on every requirement of the catalogue for one pairing, from its scenarios and, where they were run, their
/// trials.
pub(super) fn of_pairing(
    catalogue: &Catalogue,
    (client, server): (&str, &str),
    trials: &[(&Scenario, Option<&Trial>)],
) -> Vec<Coverage> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (scenario, trial) in trials {
        let planned = checks(&scenario.steps);
        let executed = trial.map(|trial| trial.checks.as_slice()).unwrap_or_default();
        for requirement in &planned {
            let tally = tallies.entry((*requirement).to_owned()).or_default();
            tally.checks += 1;
        }
        for check in executed {
            let tally = tallies.entry(check.requirement.clone()).or_default();
            // What is left behind at the end breaks a requirement for which the scenario need not have a check.
            if planned.contains(&check.requirement.as_str()) {
                tally.executed += 1;
            }
            tally.broken.extend(check.broken.clone());
            tally.stretched.extend(check.stretched.iter().map(|text| format!("{}: {text}", scenario.name())));
        }
        for requirement in &scenario.requirements {
            if !executed.iter().any(|check| check.requirement == *requirement) {
                tallies.entry(requirement.clone()).or_default().missed.push(why_missed(scenario, *trial));
            }
        }
    }
    let verdict = |requirement: &Requirement| {
        let tally = tallies.remove(&requirement.id).unwrap_or_default();
        let (verdict, reason) = if !tally.broken.is_empty() {
            (CoverageVerdict::Broken, listed(&tally.broken))
        } else if tally.executed > 0 {
            (CoverageVerdict::Held, listed(&tally.stretched))
        } else if tally.checks == 0 {
            (CoverageVerdict::Untested, "no selected scenario has a check for it".to_owned())
        } else {
            (CoverageVerdict::Untested, listed(&tally.missed))
        };
        Coverage {
            client: client.to_owned(),
            server: server.to_owned(),
            requirement: requirement.id.clone(),
            level: requirement.level,
            checks: tally.checks,
            executed: tally.executed,
            verdict,
            reason,
        }
    };
    catalogue.requirements().iter().map(verdict).collect()
}

/// Requirements of all check steps.
fn checks(steps: &[Step]) -> Vec<&str> {
    let mut found = Vec::new();
    for step in steps {
        found.extend(step.check.as_deref());
        if let Action::Parallel { steps } = &step.action {
            found.extend(checks(steps));
        }
    }
    found
}

fn why_missed(scenario: &Scenario, trial: Option<&Trial>) -> String {
    let name = scenario.name();
    let Some(trial) = trial else { return format!("{name}: not run") };
    let headline = trial.result.message.lines().next().unwrap_or_default();
    match trial.result.outcome {
        Verdict::Skipped => format!("{name}: skipped, {headline}"),
        _ => format!("{name}: stopped before its check, {headline}"),
    }
}

fn listed(reasons: &[String]) -> String {
    let mut text = reasons.iter().take(REASONS_MAX).cloned().collect::<Vec<_>>().join("; ");
    if reasons.len() > REASONS_MAX {
        let _ = write!(text, "; and {} more", reasons.len() - REASONS_MAX);
    }
    text
}
