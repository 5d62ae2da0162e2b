//! Failures of one cause are shown once and counted.

use shmark::report::{markdown, render_terminal};
use shmark::results::model::{ConformanceResult, Report, Verdict};

use super::sample;

/// 52 failures with one cause, one with another, and skips for two reasons.
fn report() -> Report {
    let failed = |index: usize, peer: &str, cause: &str| ConformanceResult {
        cause: format!("RR-DYN-01: peer {peer} {cause}"),
        ..sample::result(
            &format!("dyn/number-{index}"),
            "RR-DYN-01",
            "mine",
            Verdict::Fail,
            &format!("RR-DYN-01: peer {peer} {cause}, this time {index}\nRR-DYN-01 (must): the text"),
        )
    };
    let mut conformance: Vec<ConformanceResult> =
        (0..52).map(|index| failed(index, if index % 2 == 0 { "c" } else { "s1" }, "gave *")).collect();
    conformance.push(failed(99, "c", "did something else"));
    for (index, feature) in ["growth", "growth", "hint"].into_iter().enumerate() {
        let why = format!("subject `mine` does not declare: {feature}");
        conformance.push(sample::result(&format!("skp/{index}"), "RR-DYN-01", "mine", Verdict::Skipped, &why));
    }
    Report { conformance, bench: Vec::new(), relative: Vec::new(), ..sample::report() }
}

#[test]
fn a_terminal_shows_each_cause_once_and_counts_the_rest() {
    let text = render_terminal(&report(), 100, false);
    assert!(text.contains("Unexpected results (53, 2 causes)"), "{text}");
    assert_eq!(text.matches("  repeat: ").count(), 2, "{text}");
    assert!(text.contains("this time 0") && !text.contains("this time 1\n"), "{text}");
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let more =
        "51 more for the same cause: dyn/number-1, dyn/number-2, dyn/number-3, dyn/number-4, dyn/number-5 and 46";
    assert!(words.contains(more), "{text}");
    assert!(text.lines().count() < 90, "{} lines", text.lines().count());
    // The verdict still counts results.
    assert!(words.contains("53 unexpected results in 56 scenarios"), "{text}");
}

#[test]
fn a_summary_shows_each_cause_once_and_counts_the_rest() {
    let text = markdown::render(&report());
    assert!(text.contains("### Unexpected results (53, 2 causes)"), "{text}");
    assert_eq!(text.matches("Repeat it:").count(), text.matches("<details>").count());
    assert_eq!(text.matches("<details>").count(), 2, "{text}");
    assert!(text.contains("(mine), and 51 more</summary>") && text.contains("51 more for the same cause:"), "{text}");
}

#[test]
fn other_outcomes_subjects_and_requirements_are_other_causes() {
    let base = report().conformance[0].clone();
    let changed: [fn(&mut ConformanceResult); 4] = [
        |result| result.outcome = Verdict::Timeout,
        |result| result.server = "other".to_owned(),
        |result| result.cause = result.cause.replace("RR-DYN-01", "RR-DYN-02"),
        |result| result.cause.push_str(" otherwise"),
    ];
    for change in changed {
        let mut other = base.clone();
        change(&mut other);
        let text = render_terminal(&Report { conformance: vec![base.clone(), other], ..report() }, 100, false);
        assert!(text.contains("Unexpected results (2)") && !text.contains("more for the same cause"), "{text}");
    }
}

#[test]
fn why_scenarios_were_skipped_is_shown() {
    let report = report();
    let wanted =
        ["2 scenarios: subject `mine` does not declare: growth", "1 scenario: subject `mine` does not declare: hint"];
    let terminal = render_terminal(&report, 100, false);
    let summary = markdown::render(&report).replace('\\', "");
    for text in [terminal, summary] {
        assert!(text.contains("Skipped (3)") && wanted.iter().all(|line| text.contains(line)), "{text}");
    }
}
