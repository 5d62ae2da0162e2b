//! Every format of a made-up report with everything in it: what is shown, what is escaped, where plots put their marks.

#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

mod builds;
mod causes;
mod comparisons;
mod dashboards;
mod empty;
mod events_log;
mod hostile;
mod json;
mod lifecycle;
mod merge;
mod plots;
mod regimes;
mod sample;
mod schemas;
mod snapshots;
mod stretched;

use shmark::report;

/// With `SHMARK_RENDER_TO=DIR` the files stay there to be looked at.
#[test]
fn every_format_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = std::env::var_os("SHMARK_RENDER_TO").map_or(scratch.path().to_owned(), Into::into);
    let sample = sample::report();
    let written = report::write_all(&sample, &dir).unwrap();
    for path in written.files.iter().chain(&written.plots) {
        assert!(path.metadata().unwrap().len() > 60, "{} is nearly empty", path.display());
    }
    let terminal = report::render_terminal(&sample, 110, false);
    std::fs::write(dir.join("terminal.txt"), terminal).unwrap();
    assert_eq!(
        (written.files.len(), written.plots.len()),
        (report::FORMATS.len(), 12),
        "three pictures in two formats and themes"
    );
    assert_eq!(report::json::read(&dir.join("report.json")).unwrap(), sample);
}

#[test]
fn no_line_of_the_terminal_is_wider_than_asked_but_those_to_copy() {
    for width in [40, 60, 80, 132] {
        let text = report::render_terminal(&sample::report(), width, false);
        for line in text.lines().filter(|line| !line.starts_with("  repeat: ")) {
            assert!(line.chars().count() <= width, "{} columns in {width}: {line}", line.chars().count());
        }
    }
}

#[test]
fn a_truncated_or_foreign_histogram_falls_back_to_the_percentiles() {
    use shmark::report::plots::histogram::{curve, decode};
    let mut result = sample::measured("x", 154.0, 1.0);
    assert!(decode(&result).is_some() && curve(&result).len() > 60);
    for damaged in ["", "!!", "AAAA", &result.histogram.clone()[..40]] {
        result.histogram = damaged.into();
        assert!(decode(&result).is_none(), "{damaged:?}");
        let expected = [result.rtt_ns.min, result.rtt_ns.p50, result.rtt_ns.p90, result.rtt_ns.p99];
        assert_eq!(curve(&result).iter().map(|(_, ns)| *ns).take(4).collect::<Vec<_>>(), expected);
    }
}
