//! What is said about builds that were compared.

use std::fmt::Write as _;

use super::figures::{counted, duration_ns, three_digits};
use crate::results::model::{Comparison, ComparisonMethod, ComparisonVerdict, Time};

/// Headings of the columns of [`row`], the first ones of which are texts.
pub const HEADINGS: [&str; 7] =
    ["question", "builds", "verdict", "time (95 % interval)", "base", "new", "launches of each"];

/// What a reader has to know of the table.
pub const LEGEND: &str = "Time is that of the new build over that of the base, less one: the median over launches, with its \
                          95 % interval. A difference counts only if interval, rank test and effect agree, and again in fresh \
                          launches.";

/// What fails first, then other differences, then what is undecided, and what is the same last.
pub fn ordered(comparisons: &[Comparison]) -> Vec<&Comparison> {
    let mut ordered: Vec<&Comparison> = comparisons.iter().collect();
    ordered.sort_by_key(|comparison| {
        let place = match comparison.verdict {
            _ if comparison.fails => 0,
            ComparisonVerdict::Worse => 1,
            ComparisonVerdict::Invalid => 2,
            ComparisonVerdict::TooNoisy => 3,
            ComparisonVerdict::Better => 4,
            ComparisonVerdict::Same => 5,
        };
        (place, std::cmp::Reverse(size(comparison)))
    });
    ordered
}

/// Size of a difference in steps of a thousandth, for sorting.
fn size(comparison: &Comparison) -> u64 {
    comparison.evidence.map_or(0, |evidence| (evidence.ratio.ratio.ln().abs() * 1000.0) as u64)
}

/// `2 comparisons: 1 worse, 1 same`; nothing without any.
pub fn counts(comparisons: &[Comparison]) -> Option<String> {
    use ComparisonVerdict::{Better, Invalid, Same, TooNoisy, Worse};
    let count = |verdict| comparisons.iter().filter(|comparison| comparison.verdict == verdict).count();
    let parts = [Worse, Invalid, TooNoisy, Better, Same].into_iter().filter(|verdict| count(*verdict) > 0);
    let parts: Vec<String> = parts.map(|verdict| format!("{} {}", count(verdict), verdict_word(verdict))).collect();
    let fails = comparisons.iter().filter(|comparison| comparison.fails).count();
    let failing = match fails {
        0 => String::new(),
        1 => "; 1 fails the run".to_owned(),
        fails => format!("; {fails} fail the run"),
    };
    let head = counted(comparisons.len(), "comparison");
    (!comparisons.is_empty()).then(|| format!("{head} of builds: {}{failing}.", parts.join(", ")))
}

/// One comparison as cells.
pub fn row(comparison: &Comparison) -> [String; 7] {
    let time = |time: Option<Time>| time.map_or_else(|| "–".to_owned(), |time| duration_ns(time.ns));
    [
        question(comparison),
        format!("{} → {}", comparison.base, comparison.new),
        format!("{} {}", mark(comparison), verdict_word(comparison.verdict)),
        comparison.evidence.map_or_else(
            || "–".to_owned(),
            |evidence| {
                let [low, high] = evidence.ratio.ci95;
                format!("{} ({} to {})", change(evidence.ratio.ratio), change(low), change(high))
            },
        ),
        time(comparison.base_trip_ns),
        time(comparison.new_trip_ns),
        comparison.evidence.map_or_else(|| "–".to_owned(), |evidence| evidence.launches.to_string()),
    ]
}

/// `rtt`, or `throughput: outstanding 8, …`.
pub fn question(comparison: &Comparison) -> String {
    let settings: Vec<String> = comparison.case.iter().map(|(name, value)| format!("{name} {value}")).collect();
    format!("{}: {}", comparison.scenario, settings.join(", "))
}

/// The verdict in words.
pub fn verdict_word(verdict: ComparisonVerdict) -> &'static str {
    match verdict {
        ComparisonVerdict::Better => "better",
        ComparisonVerdict::Worse => "worse",
        ComparisonVerdict::Same => "same",
        ComparisonVerdict::TooNoisy => "too noisy",
        ComparisonVerdict::Invalid => "invalid",
    }
}

/// A sign for the verdict, so that colour is not needed.
pub fn mark(comparison: &Comparison) -> &'static str {
    match comparison.verdict {
        _ if comparison.fails => "✘",
        ComparisonVerdict::Better => "▲",
        ComparisonVerdict::Worse => "▼",
        ComparisonVerdict::Same => "✔",
        ComparisonVerdict::TooNoisy | ComparisonVerdict::Invalid => "?",
    }
}

/// A ratio of times as a change: `+5.0 %`, `-12 %`; of large ones the factor.
pub fn change(ratio: f64) -> String {
    let percent = (ratio - 1.0) * 100.0;
    if ratio >= 2.0 || ratio <= 0.5 { format!("×{}", three_digits(ratio)) } else { format!("{percent:+.1} %") }
}

/// One sentence: what was found, and on what that rests.
pub fn sentence(comparison: &Comparison) -> String {
    let Comparison { base, new, .. } = comparison;
    let head = match comparison.verdict {
        ComparisonVerdict::Worse if comparison.evidence.is_none() => {
            format!("{new} does not keep the rate that {base} keeps")
        }
        ComparisonVerdict::Better if comparison.evidence.is_none() => {
            format!("{new} keeps the rate that {base} does not keep")
        }
        ComparisonVerdict::Better => format!("{new} takes less time than {base}"),
        ComparisonVerdict::Worse if comparison.fails => {
            format!("{new} takes more time than {base}, by {} % or more", percent(comparison.fail_on_share))
        }
        ComparisonVerdict::Worse if comparison.method == ComparisonMethod::Stored => {
            format!("{new} takes more time than {base}; reports never fail a run")
        }
        ComparisonVerdict::Worse => {
            format!(
                "{new} takes more time than {base}, by less than what fails ({} %)",
                percent(comparison.fail_on_share)
            )
        }
        ComparisonVerdict::Same => {
            format!("{new} and {base} differ by less than {} %", percent(comparison.fail_on_share / 2.0))
        }
        ComparisonVerdict::TooNoisy => format!("no verdict on {new} and {base}"),
        ComparisonVerdict::Invalid => format!("{new} and {base} cannot be compared"),
    };
    let mut sentence = format!("{}: {head}", question(comparison));
    if let Some(evidence) = comparison.evidence {
        let [low, high] = evidence.ratio.ci95;
        let _ = write!(
            sentence,
            ": {} ({} to {}), rank test {}, effect {:+.2}, {} launches of each",
            change(evidence.ratio.ratio),
            change(low),
            change(high),
            probability(evidence.rank_p),
            evidence.effect,
            evidence.launches
        );
    }
    if let Some(before) = comparison.before_confirmation {
        let shown = change(before.ratio.ratio);
        let _ = write!(sentence, ", all of them fresh after {} had shown {shown}", before.launches);
    }
    if let Some(why) = &comparison.why {
        let _ = write!(sentence, "; {why}");
    }
    sentence.push('.');
    sentence
}

/// What has to be said once about all of them.
pub fn caution(comparisons: &[Comparison]) -> Option<&'static str> {
    comparisons.iter().any(|comparison| comparison.method == ComparisonMethod::Stored).then_some(
        "These reports are of different runs: whatever else changed between them counts as a difference of the builds. \
         `shmark compare` with the builds themselves launches both in turn.",
    )
}

/// `p 0.032`; of one that needs no digits, that it is below 0.001.
fn probability(p: f64) -> String {
    if p < 0.001 { "p below 0.001".to_owned() } else { format!("p {}", three_digits(p)) }
}

/// A share in percent without idle digits.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
