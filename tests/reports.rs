//! Every format of a made-up report with everything in it: what is shown, what is escaped, where plots put their marks.

#[path = "reports/sample.rs"]
mod sample;

use shmark::report;

/// With `SHMARK_RENDER_TO=DIR` the files stay there to be looked at.
#[test]
fn every_format_is_written() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = std::env::var_os("SHMARK_RENDER_TO").map_or(scratch.path().to_owned(), Into::into);
    let sample = sample::report();
    let written = report::write_all(&sample, &dir).unwrap();
    for path in [&written.html, &written.json, &written.markdown, &written.junit].into_iter().chain(&written.plots) {
        assert!(path.metadata().unwrap().len() > 500, "{} is nearly empty", path.display());
    }
    let terminal = report::render_terminal(&sample, 110, false);
    std::fs::write(dir.join("terminal.txt"), terminal).unwrap();
    assert_eq!(written.plots.len(), 4);
    assert_eq!(report::json::read(&written.json).unwrap(), sample);
}
