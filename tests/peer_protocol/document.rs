//! The reference holds everything that the tables hold, and its examples are right.

use std::path::Path;

use serde_json::{Map, Value};
use shmark_peer::bench_protocol::{BenchCollected, BenchPrepare, BenchStart};
use shmark_peer::kit::Session;
use shmark_peer::kit::payload::seeded_crc32;
use shmark_peer::protocol::{
    ArgKind, ErrorClass, FEATURES, OPS, OpSpec, PAYLOAD_KEYS, PAYLOAD_TYPES, op, payload_byte,
};

use super::{answers_of, checked, fake::Model};

fn document() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PEER-PROTOCOL.md")).unwrap()
}

/// Cells of the table row that starts with this name as code.
fn row<'a>(document: &'a str, name: &str) -> Option<Vec<&'a str>> {
    let start = format!("| `{name}`");
    let line = document.lines().find(|line| line.strip_prefix(&start).is_some_and(|rest| rest.starts_with(" |")))?;
    Some(line.trim_matches('|').split(" |").map(str::trim).collect())
}

/// Words in backticks.
fn words(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_operation_has_a_row_with_exactly_its_arguments_and_fields() {
    let document = document();
    for op in OPS {
        let cells = row(&document, op.name).unwrap_or_else(|| panic!("{} has no row", op.name));
        let arguments: Vec<String> =
            op.args.iter().map(|arg| format!("{}{}", arg.name, if arg.required { "" } else { "?" })).collect();
        assert_eq!(words(cells[1]), arguments, "arguments of {}", op.name);
        let fields: Vec<&str> = words(cells[2]).iter().map(|field| field.trim_end_matches('?')).collect();
        let table: Vec<&str> = op.ok.iter().map(|field| field.name).collect();
        assert_eq!(fields, table, "fields of {}", op.name);
    }
}

#[test]
fn every_feature_and_payload_type_has_a_row() {
    let document = document();
    for name in FEATURES.iter().chain(PAYLOAD_TYPES) {
        assert!(row(&document, name).is_some(), "{name} has no row");
    }
    for key in PAYLOAD_KEYS {
        assert!(document.contains(&format!("\"{key}\"")), "{key} is not in the document");
    }
    for op in OPS {
        for arg in op.args {
            if let ArgKind::Word(choices) | ArgKind::Words(choices) = arg.kind {
                for word in choices {
                    assert!(document.contains(&format!("`{word}`")), "{word} of {} is not in the document", arg.name);
                }
            }
        }
    }
}

#[test]
fn the_test_vectors_are_right() {
    let document = document();
    for seed in [0, 1, 42, u64::MAX >> 1] {
        let bytes: Vec<String> = (0..8).map(|i| format!("{:02x}", payload_byte(seed, i))).collect();
        let line =
            format!("| {seed} | `{}` | {} | {} |", bytes.join(" "), seeded_crc32(seed, 8), seeded_crc32(seed, 4096));
        assert!(document.contains(&line), "{line}");
    }
}

#[test]
fn every_example_is_a_legal_command_or_answer() {
    let document = document();
    let mut asked: Option<String> = None;
    let mut examples = 0;
    for line in document.lines() {
        if let Some(command) = line.strip_prefix("> ") {
            examples += 1;
            asked = Some(check_command(command));
        } else if let Some(answer) = line.strip_prefix("< ") {
            examples += 1;
            let answer = checked(answer);
            if let Some(error) = answer.get("err") {
                serde_json::from_value::<ErrorClass>(error["class"].clone()).unwrap_or_else(|_| panic!("{error}"));
            }
            if let (Some(Value::Object(fields)), Some(asked)) = (answer.get("ok"), asked.take()) {
                check_fields(&asked, fields);
            }
        }
    }
    assert!(examples > 60, "only {examples} examples were found");
    for op in OPS {
        assert!(document.contains(&format!("\"op\":\"{}\"", op.name)), "{} has no example", op.name);
    }
}

fn check_command(line: &str) -> String {
    let Value::Object(mut command) = serde_json::from_str(line).unwrap() else { panic!("no table: {line}") };
    assert!(command.remove("id").is_some_and(|id| id.is_u64()), "{line}");
    let name = command.remove("op").and_then(|op| op.as_str().map(str::to_owned)).unwrap();
    if op(&name).is_some() {
        // Of any operation.
        assert!(command.remove("timed").is_none_or(|timed| timed.is_boolean()), "{line}");
    }
    let arguments = Value::Object(command);
    match name.as_str() {
        "hello" | "bench.collect" => {}
        "bench.prepare" => drop(serde_json::from_value::<BenchPrepare>(arguments).unwrap()),
        "bench.start" => drop(serde_json::from_value::<BenchStart>(arguments).unwrap()),
        name => {
            let Some(spec) = op(name) else { return name.to_owned() };
            for key in arguments.as_object().unwrap().keys() {
                assert!(spec.args.iter().any(|arg| arg.name == key), "{line}: {key} is no argument");
            }
            for arg in spec.args.iter().filter(|arg| arg.required) {
                assert!(arguments.get(arg.name).is_some(), "{line}: {} is missing", arg.name);
            }
        }
    }
    name
}

fn check_fields(asked: &str, fields: &Map<String, Value>) {
    if asked == "bench.collect" {
        serde_json::from_value::<BenchCollected>(Value::Object(fields.clone())).unwrap();
    }
    if let Some(spec) = op(asked) {
        fits(spec, fields);
    }
}

/// The fields of an `ok` are those of the table, of its types, and none is missing.
pub(super) fn fits(op: &OpSpec, fields: &Map<String, Value>) {
    for (key, value) in fields.iter().filter(|(key, _)| *key != "took_ns") {
        let field = op.field(key).unwrap_or_else(|| panic!("{} has no field {key}", op.name));
        assert!(field.kind.fits(value), "{key} of {} is {:?}, not {value}", op.name, field.kind);
    }
    for field in op.ok.iter().filter(|field| !field.optional) {
        assert!(fields.contains_key(field.name), "{} lacks {}", op.name, field.name);
    }
}

/// The walk-through is not only legal: it is what the kit answers.
#[test]
fn the_walk_through_is_what_happens() {
    let document = document();
    let start = document.find("<!-- replayed by tests/peer_protocol -->").unwrap();
    let transcript = document[start..].split("```").nth(1).unwrap();
    let of = |mark: &str| transcript.lines().filter_map(|line| line.strip_prefix(mark)).collect::<Vec<_>>();
    let input = of("> ").join("\n");
    let answers = answers_of(Session::new::<Model>(), input.as_bytes());
    let expected: Vec<Value> = of("< ").iter().map(|line| checked(line)).collect();
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(&expected) {
        assert_eq!(answer, expected);
    }
}
