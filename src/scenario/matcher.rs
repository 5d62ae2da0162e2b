//! What a field of an answer has to be.

use serde_json::Value;

use super::error::{Flaw, Parsed};
use super::fields::Fields;
use super::handle::{Filling, Sent};
use super::model::{Matcher, Reference};
use super::state::ScenarioState;
use super::tree::{Data, Entry, Node};
use super::violation::Violation;
use shmark_peer::protocol::{FieldKind, FieldSpec, SETTINGS, SettingKind, payload_byte, setting};

type Matchers = Vec<(String, Matcher)>;

/// Bytes of a user header.
const HEADER_BYTES: u64 = 8;

/// Longest default value that is compared.
const DEFAULT_BYTES_MAX: u64 = 64 << 20;

/// One field of an expected `ok`; a nested one gives several.
pub(super) fn field(entry: &Entry, spec: &FieldSpec, state: &ScenarioState) -> Parsed<Matchers> {
    let key = entry.key.as_str();
    match spec.kind {
        FieldKind::Qos => {
            let known: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
            let what = format!("the field {key:?}");
            let fields = Fields::new(&entry.value, &what, &known)?;
            let nested = fields.entries().iter().map(|entry| {
                let kind = match setting(&entry.key).map(|setting| setting.kind) {
                    Some(SettingKind::Flag) => FieldKind::Flag,
                    _ => FieldKind::Count,
                };
                Ok((format!("{key}.{}", entry.key), one(&entry.value, &entry.key, kind, state)?))
            });
            nested.collect()
        }
        FieldKind::Attributes => {
            let nested = entry.value.entries(key)?.iter().map(|entry| {
                Ok((format!("{key}.{}", entry.key), one(&entry.value, &entry.key, FieldKind::Text, state)?))
            });
            nested.collect()
        }
        kind => Ok(vec![(key.to_owned(), one(&entry.value, key, kind, state)?)]),
    }
}

fn one(node: &Node, key: &str, kind: FieldKind, state: &ScenarioState) -> Parsed<Matcher> {
    if let Data::Table(entries) = &node.data {
        return relation(node, entries, state);
    }
    match kind {
        FieldKind::Flag => node.flag(key).map(Value::from),
        FieldKind::Count => node.count(key).map(Value::from),
        FieldKind::Text => node.text(key).map(Value::from),
        FieldKind::List => match node.data {
            Data::List(_) => Ok(node.json()),
            _ => node.list(key).map(|_| Value::Null),
        },
        // Their entries are matched one by one.
        FieldKind::Qos | FieldKind::Attributes => node.entries(key).map(|_| Value::Null),
    }
    .map(Matcher::Equal)
}

fn relation(node: &Node, entries: &[Entry], state: &ScenarioState) -> Parsed<Matcher> {
    let found: Vec<(&str, &Node)> = entries.iter().map(|entry| (entry.key.as_str(), &entry.value)).collect();
    match found.as_slice() {
        [("at_least", number)] => Ok(Matcher::AtLeast(number.count("at_least")?)),
        [("at_most", number)] => Ok(Matcher::AtMost(number.count("at_most")?)),
        [("same_as", field)] => Ok(Matcher::SameAs(reference(field, state)?)),
        [("different_from", field)] => Ok(Matcher::DifferentFrom(reference(field, state)?)),
        [("no_more_than", field)] => Ok(Matcher::NoMoreThan(reference(field, state)?, 0)),
        [("no_more_than", field), ("plus", plus)] | [("plus", plus), ("no_more_than", field)] => {
            Ok(Matcher::NoMoreThan(reference(field, state)?, plus.count("plus")?))
        }
        _ => {
            let found = found.iter().map(|(key, _)| (*key).to_owned()).collect();
            Err(Flaw::new(Violation::MatcherShape { found }, &node.span))
        }
    }
}

/// `tag.field` or `peer/tag.field`.
fn reference(node: &Node, state: &ScenarioState) -> Parsed<Reference> {
    let text = node.text("a reference")?;
    let Some((tag, field)) = text.split_once('.').filter(|(tag, field)| !tag.is_empty() && !field.is_empty()) else {
        return Err(Flaw::new(Violation::ReferenceShape { reference: text.to_owned() }, &node.span));
    };
    let (tag, tagged) = state.resolve(tag, &node.span)?;
    if !tagged.answered {
        return Err(Flaw::new(Violation::NotAnswered { tag }, &node.span));
    }
    let first = field.split('.').next().unwrap_or_default();
    if tagged.op.field(first).is_none() {
        let known = tagged.op.ok.iter().map(|field| field.name.to_owned()).collect();
        let violation = Violation::UnknownField { op: tagged.op.name.to_owned(), field: first.to_owned(), known };
        return Err(Flaw::new(violation, &node.span));
    }
    Ok(Reference { tag, field: field.to_owned() })
}

fn sent<'w>(node: &Node, key: &str, state: &'w ScenarioState) -> Parsed<(String, &'w Sent)> {
    let (tag, tagged) = state.resolve(node.text(key)?, &node.span)?;
    match &tagged.sent {
        Some(sent) => Ok((tag, sent)),
        None => Err(no_payload(node, &tag, &format!("{} sends nothing", tagged.op.name))),
    }
}

fn no_payload(node: &Node, tag: &str, why: &str) -> Flaw {
    Flaw::new(Violation::NoPayload { tag: tag.to_owned(), why: why.to_owned() }, &node.span)
}

/// The payload that a step sent: its length, its size and its bytes.
pub(super) fn payload_of(node: &Node, state: &ScenarioState) -> Parsed<Matchers> {
    let (tag, sent) = sent(node, "payload_of", state)?;
    let Some(bytes) = sent.len.checked_mul(sent.shape.element_bytes) else {
        return Err(no_payload(node, &tag, "it is longer than memory can be"));
    };
    let mut matchers = vec![
        ("len".to_owned(), Matcher::Equal(Value::from(sent.len))),
        ("bytes".to_owned(), Matcher::Equal(Value::from(bytes))),
    ];
    match sent.payload {
        Filling::Seed(seed) => matchers.push(("payload".to_owned(), Matcher::Seed(seed))),
        Filling::Default if bytes > DEFAULT_BYTES_MAX => {
            return Err(no_payload(node, &tag, "a default value of that length is not checked"));
        }
        Filling::Default => matchers.push(("crc32".to_owned(), Matcher::Equal(Value::from(crc32_of_zeros(bytes))))),
        Filling::Unknown => return Err(no_payload(node, &tag, "it was loaned uninitialised and never written")),
    }
    Ok(matchers)
}

/// The user header that a step sent, its default value if it wrote none.
pub(super) fn header_of(node: &Node, state: &ScenarioState) -> Parsed<Matchers> {
    let (tag, sent) = sent(node, "header_of", state)?;
    if !sent.shape.header {
        return Err(no_payload(node, &tag, "its service has no user header in this direction"));
    }
    let crc32 = match sent.header_seed {
        Some(seed) => crc32fast::hash(&(0..HEADER_BYTES).map(|i| payload_byte(seed, i)).collect::<Vec<u8>>()),
        None => crc32_of_zeros(HEADER_BYTES),
    };
    Ok(vec![("header_crc32".to_owned(), Matcher::Equal(Value::from(crc32)))])
}

fn crc32_of_zeros(bytes: u64) -> u32 {
    const BLOCK: [u8; 4096] = [0; 4096];
    let mut hasher = crc32fast::Hasher::new();
    let mut left = bytes;
    while left > 0 {
        let now = left.min(BLOCK.len() as u64);
        hasher.update(&BLOCK[..now as usize]);
        left -= now;
    }
    hasher.finalize()
}
