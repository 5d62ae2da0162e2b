//! Values of arguments: from the file to the wire, and the features that they imply.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::error::{Flaw, Parsed};
use super::fields::{Fields, name, word};
use super::model::Args;
use super::tree::Node;
use super::violation::Violation;
use shmark_peer::protocol::{
    ArgKind, FEATURES, HEADER_TYPES, OpSpec, PAYLOAD_KEYS, PAYLOAD_KINDS, PAYLOAD_TYPES, SETTINGS, SettingKind, setting,
};

/// Largest alignment that a payload may ask for, bytes.
const ALIGN_MAX: u64 = 4096;

/// Features that a scenario needs, collected while it is read.
#[derive(Debug, Clone, Default)]
pub(super) struct Needs {
    features: BTreeSet<String>,
}

impl Needs {
    pub fn add(&mut self, feature: &str) {
        self.features.insert(feature.to_owned());
    }

    /// In the order of the protocol's table.
    pub fn list(&self) -> Vec<String> {
        FEATURES.iter().filter(|feature| self.features.contains(**feature)).map(|&feature| feature.to_owned()).collect()
    }

    /// What an operation and its arguments imply.
    pub fn of_operation(&mut self, op: &OpSpec, args: &Args) {
        let of_args = args.iter().filter_map(|(name, value)| Some(op.arg(name)?.features(value))).flatten();
        for feature in op.feature.into_iter().chain(of_args) {
            self.add(feature);
        }
    }
}

/// The value of an argument, checked.
pub(super) fn value(node: &Node, key: &str, kind: ArgKind) -> Parsed<Value> {
    match kind {
        ArgKind::Handle(_) | ArgKind::NewHandle(_) => name(node, key).map(Value::from),
        ArgKind::Handles(_) => list(node, key, |one| name(one, key)),
        ArgKind::Text => node.text(key).map(Value::from),
        ArgKind::Count => node.count(key).map(Value::from),
        ArgKind::Flag => node.flag(key).map(Value::from),
        ArgKind::Word(words) => word(node, key, words).map(Value::from),
        ArgKind::Words(words) => list(node, key, |one| word(one, key, words)),
        ArgKind::Payload => payload(node, key),
        ArgKind::Header => {
            let fields = Fields::new(node, "a user header", &["type"])?;
            let header = word(fields.need("type")?, "type", HEADER_TYPES)?;
            Ok(Value::from(Map::from_iter([("type".to_owned(), Value::from(header))])))
        }
        ArgKind::Qos => qos(node),
        ArgKind::Attributes => {
            let entries = node.entries(key)?;
            let texts = entries.iter().map(|entry| Ok((entry.key.clone(), Value::from(entry.value.text(&entry.key)?))));
            Ok(Value::from(texts.collect::<Parsed<Map<_, _>>>()?))
        }
    }
}

/// A list of texts, at least one.
fn list<'n>(node: &'n Node, key: &str, text: impl Fn(&'n Node) -> Parsed<&'n str>) -> Parsed<Value> {
    let nodes = node.list(key)?;
    if nodes.is_empty() {
        return Err(Flaw::new(Violation::EmptyList { key: key.to_owned() }, &node.span));
    }
    nodes.iter().map(|one| text(one).map(Value::from)).collect()
}

fn payload(node: &Node, key: &str) -> Parsed<Value> {
    let what = format!("the payload type {key:?}");
    let fields = Fields::new(node, &what, PAYLOAD_KEYS)?;
    let mut payload = Map::new();
    payload.insert("type".to_owned(), Value::from(word(fields.need("type")?, "type", PAYLOAD_TYPES)?));
    payload.insert("kind".to_owned(), Value::from(word(fields.need("kind")?, "kind", PAYLOAD_KINDS)?));
    if let Some(align) = fields.get("align") {
        let number = align.count("align")?;
        if !number.is_power_of_two() || number > ALIGN_MAX {
            let range = format!("over the powers of two from 1 to {ALIGN_MAX}");
            return Err(Flaw::new(Violation::OutOfRange { key: "align".to_owned(), number, range }, &align.span));
        }
        payload.insert("align".to_owned(), Value::from(number));
    }
    Ok(Value::from(payload))
}

fn qos(node: &Node) -> Parsed<Value> {
    let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    let fields = Fields::new(node, "the table \"qos\"", &known)?;
    let mut qos = Map::new();
    for entry in fields.entries() {
        let value = match setting(&entry.key).map(|setting| setting.kind) {
            Some(SettingKind::Flag) => entry.value.flag(&entry.key)?.into(),
            _ => entry.value.count(&entry.key)?.into(),
        };
        qos.insert(entry.key.clone(), value);
    }
    Ok(Value::from(qos))
}
