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

mod schemas {
    use std::path::Path;

    use shmark::report::events::Event;
    use shmark::report::schema;

    use super::*;

    /// With `SHMARK_UPDATE_SCHEMAS=1` the shipped files are written anew instead.
    #[test]
    fn shipped_schemas_are_those_of_the_types() {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
        for (name, current) in [
            ("report.schema.json", schema::report_schema().unwrap()),
            ("event.schema.json", schema::event_schema().unwrap()),
        ] {
            let path = shipped.join(name);
            if std::env::var_os("SHMARK_UPDATE_SCHEMAS").is_some() {
                std::fs::write(&path, &current).unwrap();
            }
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text == current, "{name} is out of date: run SHMARK_UPDATE_SCHEMAS=1 cargo test --test reports");
        }
    }

    fn validator(schema: &str) -> jsonschema::Validator {
        jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap()
    }

    #[test]
    fn reports_validate_and_damaged_ones_do_not() {
        let validator = validator(&schema::report_schema().unwrap());
        for report in [sample::report(), sample::empty()] {
            let value = serde_json::from_str(&report::json::render(&report).unwrap()).unwrap();
            let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
        let mut value = serde_json::to_value(sample::report()).unwrap();
        value["conformance"][0]["outcome"] = "maybe".into();
        assert!(!validator.is_valid(&value), "an unknown outcome is legal");
        let mut value = serde_json::to_value(sample::report()).unwrap();
        value.as_object_mut().unwrap().remove("machine");
        assert!(!validator.is_valid(&value), "a report without a machine is legal");
    }

    #[test]
    fn events_validate() {
        let validator = validator(&schema::event_schema().unwrap());
        for event in sample::events() {
            let value = serde_json::to_value(&event).unwrap();
            assert!(validator.is_valid(&value), "{value}");
            assert_eq!(serde_json::from_value::<Event>(value).unwrap(), event);
        }
        assert!(!validator.is_valid(&serde_json::json!({ "event": "coffee" })));
    }
}

mod json {
    use std::path::Path;

    use shmark::report::{ReportError, json};

    use super::*;

    fn parse(text: &str) -> Result<report::model::Report, ReportError> {
        json::parse(text.as_bytes(), Path::new("some/report.json"))
    }

    #[test]
    fn every_cut_is_an_error_with_a_remedy() {
        let text = json::render(&sample::empty()).unwrap();
        let whole = text.trim_end().len();
        for end in 0..whole {
            let error = parse(&text[..end]).unwrap_err();
            assert!(matches!(error, ReportError::CutOff { .. }), "cut at {end}: {error}");
        }
        let error = parse(&text[..whole / 2]).unwrap_err().to_string();
        assert!(error.contains("some/report.json") && error.contains("events.jsonl"), "{error}");
    }

    #[test]
    fn foreign_files_are_named_as_such() {
        let error = parse("{\"schema\": \"shmark-report/9\", \"x\": 1}").unwrap_err();
        assert!(matches!(&error, ReportError::ForeignSchema { found, .. } if found == "shmark-report/9"), "{error}");
        assert!(error.to_string().contains("render it with the shmark that wrote it"));
        assert!(matches!(parse("{\"results\": []}").unwrap_err(), ReportError::NoSchema { .. }));
        assert!(matches!(parse("[1, 2]").unwrap_err(), ReportError::NoSchema { .. }));
        assert!(matches!(parse("<xml/>").unwrap_err(), ReportError::Malformed { .. }));
        assert!(matches!(json::read(Path::new("/nonexistent/x")).unwrap_err(), ReportError::Read { .. }));
    }

    #[test]
    fn a_wrong_field_is_pointed_at() {
        let text =
            json::render(&sample::report()).unwrap().replacen("\"outcome\": \"pass\"", "\"outcome\": \"maybe\"", 1);
        let line = text.lines().position(|line| line.contains("maybe")).unwrap() + 1;
        let error = parse(&text).unwrap_err();
        assert!(
            matches!(error, ReportError::Malformed { line: at, .. } if at == line),
            "{error}, expected line {line}"
        );
        assert!(error.to_string().contains("`maybe`"), "{error}");
    }

    #[test]
    fn a_figure_that_is_no_number_makes_its_result_invalid_and_the_file_readable() {
        let mut report = sample::report();
        report.bench[0].rtt_ns.p99 = f64::NAN;
        report.bench[1].p50_floors_rounds[2] = f64::INFINITY;
        report.relative[0].ratio.ratio = f64::NAN;
        let read = parse(&json::render(&report).unwrap()).unwrap();
        assert!(!read.bench[0].valid && read.bench[0].why_invalid.as_ref().unwrap().contains("finite"));
        assert!(!read.bench[1].valid && read.bench[2].valid);
        assert_eq!(read.relative.len(), report.relative.len() - 1);
    }
}

mod events_log {
    use std::path::Path;

    use shmark::report::events::Observer;
    use shmark::report::events_log::{self, EventsLog};
    use shmark::report::model::Footer;
    use shmark::report::{ReportError, json};

    use super::*;

    fn lines() -> Vec<String> {
        sample::events().iter().map(|event| serde_json::to_string(event).unwrap()).collect()
    }

    fn rebuilt(text: &str) -> Result<report::model::Report, ReportError> {
        events_log::parse(text.as_bytes(), Path::new("events.jsonl"))
    }

    #[test]
    fn every_event_is_in_the_file_before_the_next_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("made/events.jsonl");
        let mut log = EventsLog::create(&path).unwrap();
        for (index, event) in sample::events().iter().enumerate() {
            log.event(event);
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(text.ends_with('\n') && text.lines().count() == index + 1, "event {index} is not flushed");
        }
        log.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().collect::<Vec<_>>(), lines());
    }

    #[test]
    fn a_whole_log_gives_back_what_happened() {
        let original = sample::report();
        let report = rebuilt(&(lines().join("\n") + "\n")).unwrap();
        assert_eq!(report.conformance, original.conformance);
        assert_eq!(report.bench, original.bench);
        assert_eq!(report.subjects, original.subjects);
        assert_eq!(report.footer, Some(Footer { complete: true }));
        assert_eq!(report.machine.warnings.last().unwrap(), "the load average rose to 3.1 during the run");
    }

    /// A run that is killed leaves any prefix of the bytes.
    #[test]
    fn every_prefix_is_a_report_that_is_cut_off_or_an_error() {
        let text = lines().join("\n") + "\n";
        let first_line = lines()[0].len() + 1;
        for end in (0..text.len()).step_by(97).chain([first_line - 1, first_line, text.len() - 1]) {
            match rebuilt(&text[..end]) {
                Ok(report) => {
                    assert!(end >= first_line, "a report out of {end} bytes");
                    assert_eq!(report.footer, None);
                    assert!(report::render_terminal(&report, 100, false).contains("Cut off"));
                }
                Err(error) => {
                    assert!(matches!(error, ReportError::NoRunStarted { .. }), "{error}");
                    assert!(end < first_line);
                }
            }
        }
    }

    #[test]
    fn coverage_is_derived_from_what_finished() {
        use shmark::report::model::CoverageVerdict::{Broken, Held, Untested};
        let report = rebuilt(&(lines().join("\n") + "\n")).unwrap();
        let of = |requirement: &str, client: &str, server: &str| {
            let entry = report
                .coverage
                .iter()
                .find(|c| c.requirement == requirement && c.client == client && c.server == server)
                .unwrap();
            (entry.verdict, entry.executed, entry.checks)
        };
        assert_eq!(of("RR-SND-01", "reference", "reference"), (Held, 2, 2));
        assert_eq!(of("RR-LIV-02", "iceoryx2", "iceoryx2"), (Broken, 1, 1));
        assert_eq!(of("RR-RCL-01", "iceoryx2", "iceoryx2"), (Broken, 1, 1));
        assert_eq!(of("RR-DYN-04", "iceoryx2", "iceoryx2"), (Untested, 0, 1));
    }

    #[test]
    fn a_damaged_line_is_pointed_at() {
        let mut lines = lines();
        lines[2] = "{\"event\":\"scenario-finished\"".into();
        let error = rebuilt(&(lines.join("\n") + "\n")).unwrap_err();
        assert!(matches!(error, ReportError::Malformed { line: 3, .. }), "{error}");
        let error = rebuilt("{\"event\":\"warning\",\"text\":\"x\"}\n").unwrap_err();
        assert!(matches!(error, ReportError::NoRunStarted { .. }), "{error}");
    }

    #[test]
    fn a_report_without_footer_is_shown_as_cut_off_everywhere() {
        let report = report::model::Report { footer: None, ..sample::report() };
        let shown = [
            report::render_terminal(&report, 100, false),
            report::markdown::render(&report),
            report::html::render(&report).unwrap(),
            report::junit::render(&report).unwrap(),
        ];
        assert!(shown.iter().all(|text| text.contains("Cut off")), "{shown:#?}");
        let text = json::render(&report).unwrap();
        assert_eq!(json::parse(text.as_bytes(), Path::new("x")).unwrap().footer, None);
    }
}
