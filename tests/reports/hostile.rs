//! Text that is markup somewhere stays text everywhere.

use shmark::{report, results};

use super::sample;

const NASTY: &str = "</code></pre><script>alert(1)</script> | ```\n````\n<img src=x onerror=y> ]]> &amp; \
                     **bold** [link](javascript:x) \u{1b}[31mred\u{0}\u{8}\u{b}\u{202e}txt\u{ffff} {{ seed }}";

/// The sample with every free text replaced.
fn report() -> results::model::Report {
    let mut report = sample::report();
    let nasty = || NASTY.to_owned();
    for result in &mut report.conformance {
        (result.message, result.repro, result.scenario) = (nasty(), nasty(), format!("liv/{NASTY}"));
        (result.step, result.expected, result.actual) = (Some(nasty()), Some(nasty()), Some(nasty()));
        result.requirements = vec![nasty()];
        result.transcripts = [(nasty(), vec![nasty()])].into();
        (result.client, result.server) = (nasty(), nasty());
    }
    for entry in &mut report.coverage {
        (entry.reason, entry.client, entry.server) = (nasty(), nasty(), nasty());
    }
    for result in &mut report.bench {
        result.subject = format!("{}{NASTY}", result.subject);
        result.case.insert(nasty(), nasty());
        result.why_invalid = result.why_invalid.as_ref().map(|_| nasty());
    }
    report.relative.clear();
    report.machine.warnings = vec![nasty()];
    report.machine.cpu = nasty();
    report.command = vec![nasty()];
    report.created = nasty();
    report
}

fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{202e}' | '\u{ffff}'))
}

#[test]
fn html_shows_it_as_text() {
    let html = report::html::render(&report()).unwrap();
    assert!(!has_control(&html));
    assert!(!html.contains("<script>alert") && !html.contains("<img"), "markup got through");
    assert!(html.contains("&lt;script&gt;alert(1)"), "the text is gone");
    assert!(html.contains("{{ seed }}"), "the text was run as a template");
    assert_eq!(html.matches("<script").count(), 1, "only the page's own script");
}

#[test]
fn the_page_loads_nothing() {
    for report in [sample::report(), report()] {
        let html = report::html::render(&report).unwrap();
        for loads in [" src=", "url(", "@import", "<link", "<iframe", "<object"] {
            let own = html.replace("&lt;img src=", "");
            assert!(!own.contains(loads), "{loads}");
        }
        let hosts = html.matches("://").count();
        assert_eq!(hosts, html.matches("http://www.w3.org/2000/svg").count(), "an address of another file");
    }
}

#[test]
fn markdown_stays_in_its_cells_and_fences() {
    let markdown = report::markdown::render(&report());
    assert!(!has_control(&markdown));
    let mut fence: Option<String> = None;
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => {
                assert!(!line.contains("<script") && !line.contains("<img"), "{line}");
                // A line that begins with a tag is HTML to its end.
                assert!(line.starts_with('<') || !line.contains(" **bold**"), "{line}");
            }
        }
    }
    assert_eq!(fence, None, "a code block is still open at the end");
    let columns = |line: &str| line.replace("\\|", "").matches('|').count();
    let mut of_table = None;
    for line in markdown.lines() {
        let is_row = line.starts_with("| ");
        let wanted = *of_table.get_or_insert_with(|| columns(line));
        assert!(!is_row || columns(line) == wanted, "not the {wanted} columns of its table: {line}");
        if !is_row {
            of_table = None;
        }
    }
}

#[test]
fn junit_is_legal_xml() {
    let junit = report::junit::render(&report()).unwrap();
    assert!(!has_control(&junit));
    assert!(!junit.contains("<script"));
    let parsed = quick_junit::Report::deserialize_from_str(&junit).unwrap();
    assert_eq!(parsed.test_suites.len(), 2);
}

#[test]
fn the_terminal_gets_no_escape_that_is_not_its_own() {
    let plain = report::render_terminal(&report(), 80, false);
    assert!(!has_control(&plain));
    let coloured = report::render_terminal(&sample::report(), 80, true);
    assert!(coloured.contains("\u{1b}[") && !report::render_terminal(&sample::report(), 80, false).contains('\u{1b}'));
}

#[test]
fn plots_are_legal_xml() {
    let dir = tempfile::tempdir().unwrap();
    for path in report::plots::write_all(&report(), dir.path()).unwrap() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && name.len() < 120, "{name}");
        if path.extension().unwrap() == "svg" {
            let svg = std::fs::read_to_string(&path).unwrap();
            assert!(!has_control(&svg) && !svg.contains("<script") && !svg.contains("<img"), "{svg}");
        }
    }
}
