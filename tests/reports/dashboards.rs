//! What other programs read of benchmark results, parsed as they parse it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use shmark::report::{bencher, csv as table, github_benchmark};
use shmark::results::model::*;

use super::sample;

/// The name of the sample's result of a subject.
fn name(subject: &str) -> String {
    format!("rtt[len=1,payload=u64,waiting=spin] {subject}")
}

/// A stream of 4.10 million messages per second, by a peer that times no slice as a whole.
fn throughput() -> BenchResult {
    BenchResult {
        scenario: "streamed".into(),
        measure: Measure::Throughput,
        case: BTreeMap::new(),
        trip_ns: None,
        p50_floors: None,
        throughput_per_s: 4.1e6,
        ..sample::measured("reference", 240.0, 1.0)
    }
}

/// The sample with a throughput behind its round trips.
fn report() -> Report {
    let mut report = sample::report();
    report.bench.push(throughput());
    report
}

/// Rows by heading.
fn rows(report: &Report) -> Vec<BTreeMap<String, String>> {
    let text = table::render(report).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.deserialize().map(|row| row.unwrap()).collect()
}

#[test]
fn csv_has_a_row_for_each_result_and_units_in_its_headings() {
    let report = report();
    let rows = rows(&report);
    assert_eq!(rows.len(), report.bench.len());
    for (row, result) in rows.iter().zip(&report.bench) {
        let figure = |heading: &str| row[heading].parse::<f64>().ok();
        let counts = |figure: Option<f64>| figure.filter(|_| result.valid);
        assert_eq!((&row["scenario"], &row["subject"]), (&result.scenario, &result.subject));
        assert_eq!(row["valid"], result.valid.to_string());
        assert_eq!(row["why_invalid"], result.why_invalid.clone().unwrap_or_default());
        assert_eq!((row["rounds"].clone(), row["samples"].clone()), ("8".into(), "200000".into()));
        assert_eq!(figure("trip_ns"), counts(result.trip_ns.map(|time| time.ns)));
        assert_eq!(figure("trip_low_ns"), counts(result.trip_ns.map(|time| time.ci95_ns.unwrap()[0])));
        assert_eq!(figure("above_floor_high_ns"), counts(result.above_floor_ns.map(|time| time.ci95_ns.unwrap()[1])));
        assert_eq!(figure("p50_floors"), counts(result.p50_floors.map(|floors| floors.ratio)));
        assert_eq!(figure("p50_high_floors"), counts(result.p50_floors.map(|floors| floors.ci95[1])));
        assert_eq!(figure("throughput_per_s"), counts(Some(result.throughput_per_s)));
        assert_eq!(figure("rtt_p99_9_ns"), counts(Some(result.rtt_ns.p99_9)));
    }
    assert_eq!(rows[0]["case"], "len=1,payload=u64,waiting=spin");
    assert_eq!((&*rows[0]["measure"], &*rows[5]["measure"]), ("round-trip", "throughput"));
}

#[test]
fn csv_of_a_result_that_does_not_count_has_no_figure() {
    let rows = rows(&report());
    let broken = rows.iter().find(|row| row["valid"] == "false").unwrap();
    let figures = broken.iter().filter(|(heading, _)| heading.contains("_ns") || heading.contains("per_"));
    assert!(figures.clone().count() > 15, "the headings have changed: {broken:?}");
    for (heading, cell) in figures {
        assert_eq!(cell, "", "{heading} of a result that does not count");
    }
}

/// Spreadsheets run what begins with one of these characters, and subjects and reasons come from other people.
#[test]
fn csv_has_no_formula_in_it() {
    for start in ["=", "+", "-", "@", "\t", "\n"] {
        let mut report = sample::report();
        let formula = format!("{start}HYPERLINK(\"x\"),\"y\"\r\n2");
        for result in &mut report.bench {
            (result.subject, result.why_invalid) = (formula.clone(), Some(formula.clone()));
        }
        let rows = rows(&report);
        assert_eq!(rows.len(), report.bench.len(), "a cell became a row");
        for row in rows {
            for cell in [&row["subject"], &row["why_invalid"]] {
                // The carriage return is shown as the escape that every format has for it.
                assert_eq!(*cell, format!("'{}", formula.replace('\r', "\\u{d}")));
            }
        }
    }
}

#[test]
fn github_has_what_counts_in_ns_and_in_floors_and_less_is_better() {
    let entries: Vec<Value> = serde_json::from_str(&github_benchmark::render(&report()).unwrap()).unwrap();
    for entry in &entries {
        let fields: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(fields.iter().all(|field| ["name", "unit", "value", "range", "extra"].contains(field)), "{entry}");
        let texts = ["name", "unit", "extra"].map(|field| entry[field].is_string());
        assert!(texts == [true; 3] && entry["value"].is_number(), "{entry}");
        assert!(!entry["name"].as_str().unwrap().contains("broken-ring"), "a result that does not count: {entry}");
    }
    let find = |name: &str| {
        let mut found = entries.iter().filter(|entry| entry["name"] == name);
        let first = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "two of {name}");
        first
    };
    for subject in ["reference", "iceoryx2", "pipe", "unix-socket"] {
        assert_eq!(find(&format!("{}, round trip", name(subject)))["unit"], "ns");
        assert_eq!(find(&format!("{}, round trip in floors", name(subject)))["unit"], "floors");
    }
    let expected = json!({
        "name": name("reference") + ", round trip",
        "unit": "ns",
        "value": 154.0,
        "range": "150.15 to 158.62 with 95 % confidence",
        "extra": "8 rounds",
    });
    assert_eq!(*find(&(name("reference") + ", round trip")), expected);
    // The rate of a throughput would be better the larger it is.
    let message = find("streamed reference, one message");
    assert_eq!((&message["value"], message.get("range")), (&json!(throughput().rtt_ns.p50), None));
    assert_eq!(entries.len(), 2 * 4 + 1);
}

/// As published on the page of the format, without other fields.
fn bencher_schema() -> jsonschema::Validator {
    let number = json!({ "type": "number" });
    let metric = json!({
        "type": "object",
        "properties": { "value": number, "lower_value": number, "upper_value": number },
        "required": ["value"],
        "additionalProperties": false,
    });
    // A measure's name has at most 64 characters, a benchmark's 1024.
    let measures = json!({
        "type": "object", "additionalProperties": metric, "minProperties": 1, "propertyNames": { "maxLength": 64 },
    });
    let schema = json!({ "type": "object", "additionalProperties": measures, "propertyNames": { "maxLength": 1024 } });
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn bencher_has_latency_floors_and_what_is_a_rate() {
    let value: Value = serde_json::from_str(&bencher::render(&report()).unwrap()).unwrap();
    let errors: Vec<String> = bencher_schema().iter_errors(&value).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let reference = report().bench[0].clone();
    let (trip, floors) = (reference.trip_ns.unwrap(), reference.p50_floors.unwrap());
    let metric = |value: f64, [low, high]: [f64; 2]| json!({ "value": value, "lower_value": low, "upper_value": high });
    let expected = json!({
        "latency": metric(trip.ns, trip.ci95_ns.unwrap()),
        "floors": metric(floors.ratio, floors.ci95),
    });
    assert_eq!(value[name("reference")], expected);
    let expected = json!({ "latency": { "value": throughput().rtt_ns.p50 }, "throughput": { "value": 4.1e6 } });
    assert_eq!(value["streamed reference"], expected);
    assert_eq!(value.as_object().unwrap().len(), 5, "four subjects that count, and the throughput");
}

/// A dashboard knows a benchmark by its name alone.
#[test]
fn names_are_those_of_the_last_run_whatever_it_found() {
    let names = |report: &Report| {
        let github: Vec<Value> = serde_json::from_str(&github_benchmark::render(report).unwrap()).unwrap();
        let bencher: BTreeMap<String, Value> = serde_json::from_str(&bencher::render(report).unwrap()).unwrap();
        let mut names: Vec<String> = github.iter().map(|entry| entry["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        (names, bencher.into_keys().collect::<Vec<_>>())
    };
    let first = report();
    let mut second = report();
    second.bench.reverse();
    (second.seed, second.created) = (7, "2027-01-01T00:00:00Z".into());
    for result in &mut second.bench {
        (result.rounds, result.samples) = (3, 100);
        result.trip_ns = result.trip_ns.map(|time| Time { ns: time.ns * 3.0, ci95_ns: None });
        result.rtt_ns.p50 *= 3.0;
    }
    assert_eq!(names(&first), names(&second));
}

#[test]
fn figures_that_are_no_numbers_are_left_out() {
    let mut report = sample::report();
    report.bench[0].trip_ns = Some(Time { ns: f64::NAN, ci95_ns: None });
    assert!(!github_benchmark::render(&report).unwrap().contains("reference"));
    assert!(!bencher::render(&report).unwrap().contains("reference"));
    assert_eq!((&*rows(&report)[0]["valid"], &*rows(&report)[0]["trip_ns"]), ("false", ""));
}

#[test]
fn names_with_hidden_characters_show_them() {
    let mut report = sample::report();
    report.bench[0].subject = "a\u{1b}[31m\u{202e}b".into();
    for text in
        [table::render(&report).unwrap(), github_benchmark::render(&report).unwrap(), bencher::render(&report).unwrap()]
    {
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
        assert!(text.contains("u{202e}b"), "{text}");
    }
}

#[test]
fn without_results_they_are_empty_and_can_be_read() {
    let empty = sample::empty();
    assert_eq!(rows(&empty), Vec::<BTreeMap<String, String>>::new());
    assert!(table::render(&empty).unwrap().starts_with("scenario,case,subject,"));
    assert_eq!(github_benchmark::render(&empty).unwrap(), "[]\n");
    assert_eq!(bencher::render(&empty).unwrap(), "{}\n");
}
