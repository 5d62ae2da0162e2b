//! Entries of settings, strategies and error classes: their tables in docs/PEER-PROTOCOL.md, what is on the wire, and the
//! requirements of classes. `page` compares the tables.

use std::collections::BTreeSet;

use serde_json::json;
use shmark::scenario::Library;
use shmark::scenario::model::Expectation;
use shmark_peer::protocol::{Allocation, Backpressure, ErrorClass, Qos, SETTINGS, SettingKind, setting};

pub(super) fn settings() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        let kind = if setting.kind == SettingKind::Flag { "flag" } else { "count" };
        format!("| `{}` | {kind} | {} |\n", setting.name, setting.text)
    });
    format!("| setting | type | |\n|---|---|---|\n{}", rows.collect::<String>())
}

pub(super) fn strategies() -> String {
    let of = |argument: &str, texts: &[(&str, &str)]| -> String {
        let rows = texts.iter().map(|(word, text)| format!("| `{argument}` | `{word}` | {text} |\n"));
        rows.collect::<Vec<_>>().concat()
    };
    let rows = of("allocation", Allocation::TEXTS) + &of("backpressure", Backpressure::TEXTS);
    format!("| argument | word | |\n|---|---|---|\n{rows}")
}

pub(super) fn error_classes() -> String {
    let rows = ErrorClass::ALL.iter().map(|class| {
        let mark = if class.names_setting() { " *" } else { "" };
        format!("| `{}`{mark} | {} | {} |\n", class.name(), class.requirement().unwrap_or("–"), class.text())
    });
    format!("| class | requirement | |\n|---|---|---|\n{}", rows.collect::<String>())
}

#[test]
fn settings_and_classes_are_on_the_wire_as_their_entries_say() {
    for class in ErrorClass::ALL {
        assert_eq!(json!(class), class.name());
        assert_eq!(serde_json::from_value::<ErrorClass>(json!(class.name())).unwrap(), *class);
    }
    for word in Allocation::WORDS {
        assert_eq!(json!(serde_json::from_value::<Allocation>(json!(word)).unwrap()), *word);
    }
    for word in Backpressure::WORDS {
        assert_eq!(json!(serde_json::from_value::<Backpressure>(json!(word)).unwrap()), *word);
    }
    for spec in SETTINGS {
        let value = if spec.kind == SettingKind::Flag { json!(true) } else { json!(3) };
        let asked = json!({ spec.name: value });
        assert_eq!(json!(serde_json::from_value::<Qos>(asked.clone()).unwrap()), asked);
        assert_eq!(setting(spec.name), Some(spec));
    }
}

/// A class is expected where its requirement is decided; what no scenario can bring about is not expected at all.
#[test]
fn the_requirement_of_a_class_is_decided_by_a_scenario_that_expects_it() {
    let library = Library::builtin().unwrap();
    for class in ErrorClass::ALL {
        let Some(requirement) = class.requirement() else { continue };
        assert!(library.catalogue().get(requirement).is_some(), "{requirement} is no requirement");
        let expects = |expectation: &Expectation| matches!(expectation, Expectation::Err { class: Some(expected), .. } if expected == class.name());
        let steps = library.conformance().iter().flat_map(|scenario| &scenario.steps);
        let checks: BTreeSet<_> =
            steps.filter(|step| step.expect.iter().any(expects)).filter_map(|step| step.check.as_deref()).collect();
        assert!(checks.is_empty() || checks.contains(requirement), "{} is expected by {checks:?}", class.name());
    }
}
