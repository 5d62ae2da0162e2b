//! Text from peers, files and the kernel is made harmless once, before any format sees it.

use serde_json::Value;

use crate::results::model::{BenchRegime, BenchResult, ComparisonEvidence, Percentiles, Report, Saturated, Time};

/// Largest figure about the lifecycle: thirty years in ns, or an exbibyte. Nothing that is measured comes near it.
const FIGURE_MAX: f64 = 1.2e18;

/// A copy in which every control character, every direction override and every non-character is shown as an escape
/// (`\u{1b}`), and every figure is finite. Markup is not touched: each format escapes its own.
pub fn sanitise(report: &Report) -> Report {
    let report = finite(report);
    let Ok(mut value) = serde_json::to_value(&report) else { return report };
    make_visible(&mut value);
    serde_json::from_value(value).unwrap_or(report)
}

/// A copy in which a benchmark result with a figure that is no number is invalid and has 0 there, and a comparison with
/// one is gone: JSON knows no NaN.
pub fn finite(report: &Report) -> Report {
    let mut report = report.clone();
    for result in &mut report.bench {
        if make_finite(result) {
            result.valid = false;
            result.why_invalid.get_or_insert_with(|| "a figure is not a finite number".to_owned());
        }
    }
    let all_finite = |figures: &[f64]| figures.iter().all(|figure| figure.is_finite());
    for entry in &mut report.relative {
        entry.floor_ns = entry.floor_ns.filter(|floor_ns| floor_ns.is_finite());
        entry.regimes.retain(|r| all_finite(&[r.floor_ns, r.ratio]) && all_finite(&r.ci95.unwrap_or_default()));
    }
    report.relative.retain(|entry| all_finite(&[entry.ratio.ratio]) && all_finite(&entry.ratio.ci95));
    for entry in &mut report.relative {
        entry.ratios.retain(|ratio| ratio.is_finite());
    }
    for result in &mut report.lifecycle {
        let before = result.figures.len();
        let all_plausible = |figures: &[f64]| figures.iter().all(|figure| figure.abs() <= FIGURE_MAX);
        result.figures.retain(|figure| {
            all_plausible(&[figure.median, figure.max])
                && all_plausible(&figure.ci95.unwrap_or_default())
                && all_plausible(&figure.rounds)
        });
        if result.figures.len() < before {
            result.valid = false;
            result.why_invalid.get_or_insert_with(|| "a figure is no number, or too large to be one".to_owned());
        }
    }
    for comparison in &mut report.comparisons {
        let is_finite = |evidence: &ComparisonEvidence| {
            let [low, high] = evidence.ratio.ci95;
            all_finite(&[evidence.ratio.ratio, low, high, evidence.rank_p, evidence.effect])
        };
        comparison.evidence = comparison.evidence.filter(is_finite);
        comparison.before_confirmation = comparison.before_confirmation.filter(is_finite);
        comparison.ratios.retain(|ratio| ratio.is_finite());
        for time in [&mut comparison.base_trip_ns, &mut comparison.new_trip_ns] {
            *time = time.filter(|time| all_finite(&[time.ns]) && all_finite(&time.ci95_ns.unwrap_or_default()));
        }
        if !comparison.fail_on_share.is_finite() {
            comparison.fail_on_share = 0.0;
        }
    }
    report
}

/// Shows what cannot be seen. Newline and tab stay.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

fn is_hidden(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    // Direction marks and overrides can make a line read as something else; U+FFFE and U+FFFF are illegal in XML.
    control
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

fn make_visible(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().any(is_hidden) => *text = visible(text),
        Value::Array(values) => values.iter_mut().for_each(make_visible),
        Value::Object(fields) => {
            let hidden: Vec<String> = fields.keys().filter(|key| key.chars().any(is_hidden)).cloned().collect();
            for key in hidden {
                if let Some(field) = fields.remove(&key) {
                    fields.insert(visible(&key), field);
                }
            }
            fields.values_mut().for_each(make_visible);
        }
        _ => {}
    }
}

/// Whether something had to be replaced.
fn make_finite(result: &mut BenchResult) -> bool {
    let mut figures: Vec<&mut f64> = Vec::new();
    for Percentiles { min, p50, p90, p99, p99_9, p99_99, max, mean } in [&mut result.rtt_ns, &mut result.floor_rtt_ns] {
        figures.extend([min, p50, p90, p99, p99_9, p99_99, max, mean]);
    }
    figures.push(&mut result.throughput_per_s);
    figures.extend([&mut result.cpu_ns_per_request.client, &mut result.cpu_ns_per_request.server]);
    figures.extend(result.p50_floors_rounds.iter_mut().chain(&mut result.trips_ns));
    let mut times: Vec<&mut Time> =
        [&mut result.trip_ns, &mut result.floor_ns, &mut result.above_floor_ns].into_iter().flatten().collect();
    for BenchRegime { floor_ns, p50_ns, p50_floors, above_floor_ns, rounds: _, intervals: _ } in &mut result.regimes {
        figures.extend([floor_ns, p50_ns, &mut p50_floors.ratio]);
        figures.extend(p50_floors.ci95.iter_mut().flatten());
        times.extend(above_floor_ns);
    }
    for Time { ns, ci95_ns } in times {
        figures.extend(std::iter::once(ns).chain(ci95_ns.iter_mut().flatten()));
    }
    figures.extend(&mut result.clock_ns);
    if let Some(Saturated { asked_per_s, achieved_per_s, rounds: _ }) = &mut result.saturated {
        figures.extend([asked_per_s, achieved_per_s]);
    }
    if let Some(ratio) = &mut result.p50_floors {
        figures.push(&mut ratio.ratio);
        figures.extend(ratio.ci95.iter_mut());
    }
    let mut replaced = false;
    for figure in figures.into_iter().filter(|figure| !figure.is_finite()) {
        *figure = 0.0;
        replaced = true;
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_visible() {
        assert_eq!(visible("a\u{1b}[31mb\u{0}c"), "a\\u{1b}[31mb\\u{0}c");
        assert_eq!(visible("x\u{202e}y\u{ffff}"), "x\\u{202e}y\\u{ffff}");
    }

    #[test]
    fn ordinary_text_stays() {
        assert_eq!(visible("två\n\trader → 5 µs"), "två\n\trader → 5 µs");
    }
}
