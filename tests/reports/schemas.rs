//! The shipped schemas, and what is written against them.

use std::path::Path;

use shmark::report::schema;
use shmark::results::events::Event;

use shmark::report;

use super::sample;

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
