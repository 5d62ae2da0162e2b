//! Earlier reports side by side.
//!
//! Eight runs of one build on a quiet machine gave 1.32 to 1.51 floors, a factor of 1.14, with intervals of a hundredth
//! within each run: what differs between two runs is rarely the build alone. So a difference of two reports counts only
//! beyond that, it never fails a run, and smaller ones are for launches in turn.

use super::measured::same_share;
use super::verdict::{EFFECT_MIN, RANK_P_MAX};
use crate::results::model::{
    BenchResult, Comparison, ComparisonEvidence, ComparisonMethod, ComparisonVerdict, Measure, Ratio, Report,
};
use crate::statistics::{cliffs_delta, mann_whitney, ratio_interval};

/// How far two runs of one build have been apart on one machine, as a share.
pub const BETWEEN_RUNS_SHARE: f64 = 0.15;
/// Fewest launches of each report for a rank test that can be significant.
pub const LAUNCHES_MIN: usize = 4;

/// Compares each report, by its name, with the first one: every scenario, case and subject that both have. Figures are
/// those in floors, so that two machines, or one that changes its pace, can be compared at all.
pub fn compare(reports: &[(String, Report)], fail_on_share: f64) -> Vec<Comparison> {
    let Some(((base_name, base), others)) = reports.split_first() else { return Vec::new() };
    let mut comparisons = Vec::new();
    for (name, report) in others {
        for new in &report.bench {
            for old in base.bench.iter().filter(|old| is_counterpart(old, new, base, report)) {
                let mut comparison = pair(old, new, fail_on_share);
                comparison.base = told(base_name, &old.subject);
                comparison.new = told(name, &new.subject);
                comparisons.push(comparison);
            }
        }
    }
    comparisons
}

fn told(report: &str, subject: &str) -> String {
    format!("{subject} ({report})")
}

/// The same question of the same subject; or of the only subject that each of them has.
fn is_counterpart(old: &BenchResult, new: &BenchResult, base: &Report, report: &Report) -> bool {
    let is_alone =
        |report: &Report, result: &BenchResult| report.bench.iter().all(|other| other.subject == result.subject);
    let same_subject = old.subject == new.subject || is_alone(base, old) && is_alone(report, new);
    old.scenario == new.scenario && old.case == new.case && old.measure == new.measure && same_subject
}

fn pair(old: &BenchResult, new: &BenchResult, fail_on_share: f64) -> Comparison {
    let invalid = [old, new].into_iter().find_map(|result| {
        (!result.valid).then(|| format!("{}: {}", result.subject, result.why_invalid.as_deref().unwrap_or("invalid")))
    });
    let saturated = [old, new].into_iter().find(|result| result.saturated.is_some());
    let invalid = invalid.or_else(|| saturated.map(|result| format!("{} did not keep the rate", result.subject)));
    let (base, ours) = (launches(old), launches(new));
    let evidence = evidence(base, ours).filter(|_| invalid.is_none());
    let (verdict, why) = match (&invalid, &evidence) {
        (Some(why), _) => (ComparisonVerdict::Invalid, Some(why.clone())),
        (None, None) => {
            let why = format!(
                "{} and {} launches with a figure say nothing; {LAUNCHES_MIN} of each are needed (bench --rounds)",
                base.len(),
                ours.len()
            );
            (ComparisonVerdict::TooNoisy, Some(why))
        }
        (None, Some(evidence)) => judged(evidence, fail_on_share),
    };
    Comparison {
        scenario: new.scenario.clone(),
        title: if new.title.is_empty() { new.scenario.clone() } else { new.title.clone() },
        case: new.case.clone(),
        measure: new.measure,
        base: old.subject.clone(),
        new: new.subject.clone(),
        method: ComparisonMethod::Stored,
        verdict,
        fails: false,
        why,
        fail_on_share,
        evidence,
        before_confirmation: None,
        base_trip_ns: old.trip_ns,
        new_trip_ns: new.trip_ns,
        ratios: Vec::new(),
    }
}

/// A figure of each launch: in floors, or of an open loop, which has none, the median latency.
fn launches(result: &BenchResult) -> &[f64] {
    match result.measure {
        Measure::OpenLoop => &result.trips_ns,
        Measure::RoundTrip | Measure::Throughput => &result.p50_floors_rounds,
    }
}

fn evidence(base: &[f64], new: &[f64]) -> Option<ComparisonEvidence> {
    if base.len().min(new.len()) < LAUNCHES_MIN {
        return None;
    }
    let interval = ratio_interval(base, new)?;
    Some(ComparisonEvidence {
        ratio: Ratio { ratio: interval.ratio, ci95: [interval.low, interval.high] },
        rank_p: mann_whitney(new, base)?.p,
        effect: cliffs_delta(new, base)?,
        launches: base.len().min(new.len()),
    })
}

/// As for launches in turn, but beyond what two runs of one build differ by.
fn judged(evidence: &ComparisonEvidence, fail_on_share: f64) -> (ComparisonVerdict, Option<String>) {
    let [low, high] = evidence.ratio.ci95;
    let is_sure = evidence.rank_p < RANK_P_MAX;
    let (beyond, same) = (1.0 + BETWEEN_RUNS_SHARE, 1.0 + same_share(fail_on_share));
    if low > beyond && is_sure && evidence.effect >= EFFECT_MIN {
        (ComparisonVerdict::Worse, None)
    } else if high < 1.0 / beyond && is_sure && evidence.effect <= -EFFECT_MIN {
        (ComparisonVerdict::Better, None)
    } else if low >= 1.0 / same && high <= same {
        (ComparisonVerdict::Same, None)
    } else {
        let why = format!(
            "two runs of one build differ by up to {:.0} % on a quiet machine: compare the builds themselves, in one run",
            BETWEEN_RUNS_SHARE * 100.0
        );
        (ComparisonVerdict::TooNoisy, Some(why))
    }
}
