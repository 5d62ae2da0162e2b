//! Legal answers of a step.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::{Flaw, Parsed};
use super::fields::{Fields, word};
use super::matcher;
use super::model::{Expectation, Matcher};
use super::state::ScenarioState;
use super::tree::Node;
use super::violation::Violation;
use shmark_peer::protocol::{ErrorClass, OpSpec, SETTINGS};

/// The legal answers of a step for `op`; empty means: has to be ok.
///
/// For an operation that receives, an `ok` that says nothing of `received` demands that something was: otherwise a
/// scenario would go on without the message that it is about.
pub(super) fn read(step: &Node, op: &'static OpSpec, state: &ScenarioState) -> Parsed<Vec<Expectation>> {
    let entries = step.entries("a step")?;
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let mut expect = match (find("expect"), find("expect_any")) {
        (Some(_), Some(both)) => return Err(Flaw::new(Violation::TwoExpectations, &both.key_span)),
        (Some(one), None) => vec![outcome(&one.value, op, state)?],
        (None, Some(any)) => {
            any.value.list("expect_any")?.iter().map(|one| outcome(one, op, state)).collect::<Parsed<_>>()?
        }
        (None, None) if op.field("received").is_some() => vec![Expectation::Ok(BTreeMap::new())],
        (None, None) => Vec::new(),
    };
    if op.field("received").is_some() {
        for one in &mut expect {
            if let Expectation::Ok(fields) = one {
                fields.entry("received".to_owned()).or_insert(Matcher::Equal(Value::Bool(true)));
            }
        }
    }
    Ok(expect)
}

fn outcome(node: &Node, op: &'static OpSpec, state: &ScenarioState) -> Parsed<Expectation> {
    let fields = Fields::new(node, "an expectation", &["ok", "err"])?;
    match fields.entries() {
        [entry] if entry.key == "ok" => ok(&entry.value, op, state),
        [entry] => err(&entry.value),
        several => {
            let found = several.iter().map(|entry| format!("`{}`", entry.key)).collect();
            Err(Flaw::new(Violation::OutcomeShape { found }, &node.span))
        }
    }
}

fn err(node: &Node) -> Parsed<Expectation> {
    if node.text("err").is_ok() {
        return Ok(Expectation::Err { class: Some(class(node)?), setting: None });
    }
    let fields = Fields::new(node, "an expected error", &["class", "setting"])?;
    let settings: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    Ok(Expectation::Err {
        class: fields.get("class").map(class).transpose()?,
        setting: fields.get("setting").map(|node| word(node, "setting", &settings)).transpose()?.map(str::to_owned),
    })
}

fn class(node: &Node) -> Parsed<String> {
    let class = node.text("class")?;
    if ErrorClass::ALL.iter().any(|known| known.name() == class) {
        return Ok(class.to_owned());
    }
    let known = ErrorClass::ALL.iter().map(|class| class.name().to_owned()).collect();
    let violation = Violation::UnknownErrorClass { class: class.to_owned(), known };
    Err(Flaw::new(violation, &node.span))
}

fn ok(node: &Node, op: &'static OpSpec, state: &ScenarioState) -> Parsed<Expectation> {
    let mut fields = BTreeMap::new();
    for entry in node.entries("ok")? {
        match (entry.key.as_str(), op.field(&entry.key)) {
            ("payload_of", _) if op.field("crc32").is_some() => {
                fields.extend(matcher::payload_of(&entry.value, state)?);
            }
            ("header_of", _) if op.field("header_crc32").is_some() => {
                fields.extend(matcher::header_of(&entry.value, state)?);
            }
            (_, Some(field)) => fields.extend(matcher::field(entry, field, state)?),
            (key, None) => {
                let mut known: Vec<String> = op.ok.iter().map(|field| field.name.to_owned()).collect();
                if op.field("crc32").is_some() {
                    known.push("payload_of".to_owned());
                }
                if op.field("header_crc32").is_some() {
                    known.push("header_of".to_owned());
                }
                let violation = Violation::UnknownField { op: op.name.to_owned(), field: key.to_owned(), known };
                return Err(Flaw::new(violation, &entry.key_span));
            }
        }
    }
    Ok(Expectation::Ok(fields))
}
