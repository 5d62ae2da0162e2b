//! Holds one answer against what is legal.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::harness::reply::Reply;
use crate::scenario::model::{Expectation, Matcher, Reference};
use shmark_peer::protocol::payload_byte;

use super::stable_text::{StableText, without_numbers};

/// Fields of earlier `ok` answers, by the tag of their step.
pub(super) type Answers = BTreeMap<String, Map<String, Value>>;

/// Largest payload that a seed is held against, bytes. What claims to be larger is refused and not computed.
const PAYLOAD_BYTES_MAX: u64 = 256 << 20;
/// Bytes of one element: of `u64`, of `bytes` as a slice, of `bytes` as a fixed payload.
const ELEMENT_BYTES: [u64; 3] = [8, 1, 4096];

const MISSING: &str = "is missing";

/// Whether an answer is legal; if not, in which fields the nearest alternative differs.
pub(super) fn check(expect: &[Expectation], reply: &Reply, answers: &Answers) -> Result<(), Vec<StableText>> {
    if expect.is_empty() {
        return if matches!(reply, Reply::Ok(_)) { Ok(()) } else { Err(Vec::new()) };
    }
    let mut nearest = Vec::new();
    for alternative in expect {
        match (alternative, reply) {
            (Expectation::Ok(matchers), Reply::Ok(fields)) => {
                let differences = differences(matchers, fields, answers);
                if differences.is_empty() {
                    return Ok(());
                }
                if nearest.is_empty() || differences.len() < nearest.len() {
                    nearest = differences;
                }
            }
            (Expectation::Err { class: wanted, setting: wanted_setting }, Reply::Err { class, setting, .. })
                if wanted.as_ref().is_none_or(|wanted| wanted == class) =>
            {
                match (wanted_setting, setting) {
                    (Some(wanted), Some(setting)) if wanted != setting => {
                        nearest = vec![format!("`setting` is \"{setting}\", required \"{wanted}\"").into()];
                    }
                    (Some(wanted), None) => {
                        nearest = vec![format!("`setting` is missing, required \"{wanted}\"").into()];
                    }
                    _ => return Ok(()),
                }
            }
            _ => {}
        }
    }
    Err(nearest)
}

/// In which fields an `ok` differs. What is merely missing is left out where something is wrong: an answer that says
/// that nothing was received has no length, and need not be blamed for it.
fn differences(
    matchers: &BTreeMap<String, Matcher>,
    fields: &Map<String, Value>,
    answers: &Answers,
) -> Vec<StableText> {
    let (mut wrong, mut missing) = (Vec::new(), Vec::new());
    for (path, matcher) in matchers {
        if let Err(said) = compare(path, matcher, fields, answers) {
            let list = if said.text.ends_with(MISSING) { &mut missing } else { &mut wrong };
            list.push(said.map(|form| format!("`{path}` {form}")));
        }
    }
    if wrong.is_empty() { missing } else { wrong }
}

fn compare(path: &str, matcher: &Matcher, fields: &Map<String, Value>, answers: &Answers) -> Result<(), StableText> {
    if let Matcher::Seed(seed) = matcher {
        return payload(*seed, fields);
    }
    let value = field(fields, path).ok_or(MISSING)?;
    let number = || value.as_f64().ok_or_else(|| StableText::from(format!("is {value}, required a number")));
    let held = match matcher {
        Matcher::Equal(wanted) => equal(wanted, value),
        Matcher::AtLeast(least) => number()? >= *least as f64,
        Matcher::AtMost(most) => number()? <= *most as f64,
        Matcher::SameAs(reference) => equal(resolve(reference, answers)?, value),
        Matcher::DifferentFrom(reference) => !equal(resolve(reference, answers)?, value),
        Matcher::NoMoreThan(reference, surcharge) => {
            let before = resolve(reference, answers)?;
            let limit = before.as_f64().ok_or_else(|| format!("is held against {before}, which is no number"))?;
            number()? <= limit + *surcharge as f64
        }
        Matcher::Seed(_) => true,
    };
    if held { Ok(()) } else { Err(difference(value, matcher, answers)) }
}

/// Plain values that are required are the same in every run that deviates alike. What is held against a bound or an
/// earlier answer was measured or made up, and so were numbers within texts and lists.
fn difference(value: &Value, matcher: &Matcher, answers: &Answers) -> StableText {
    let text = format!("is {value}, required {}", describe(matcher, Some(answers)));
    let seen = match (matcher, value) {
        (Matcher::Equal(_), Value::String(_) | Value::Array(_) | Value::Object(_)) => {
            without_numbers(&value.to_string())
        }
        (Matcher::Equal(_), plain) => plain.to_string(),
        _ => "*".to_owned(),
    };
    StableText::new(text, format!("is {seen}, required {}", describe(matcher, None)))
}

/// A field by its path: `qos.max_clients` is a field of the object `qos`.
fn field<'a>(fields: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut keys = path.split('.');
    let first = fields.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

fn resolve<'a>(reference: &Reference, answers: &'a Answers) -> Result<&'a Value, String> {
    answers.get(&reference.tag).and_then(|fields| field(fields, &reference.field)).ok_or_else(|| {
        format!("is held against `{}` of the answer `{}`, which has no such field", reference.field, reference.tag)
    })
}

/// Equal, whether a number is written 1 or 1.0.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => {
            a == b || (a.as_u64().or(b.as_u64()).is_some() && a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64()))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        // What a wanted object does not name is free, as in the answer itself.
        (Value::Object(a), Value::Object(b)) => {
            a.iter().all(|(key, value)| b.get(key).is_some_and(|other| equal(value, other)))
        }
        _ => a == b,
    }
}

fn payload(seed: u64, fields: &Map<String, Value>) -> Result<(), StableText> {
    let number = |key: &str| match fields.get(key) {
        Some(value) => value.as_u64().ok_or_else(|| format!("cannot be judged: `{key}` is {value}")),
        None => Err(format!("cannot be judged: `{key}` {MISSING}")),
    };
    let (len, bytes, crc32) = (number("len")?, number("bytes")?, number("crc32")?);
    if !ELEMENT_BYTES.iter().any(|size| len.checked_mul(*size) == Some(bytes)) {
        return Err(StableText::foreign(format!("has {len} elements in {bytes} bytes, which fits no payload type")));
    }
    if bytes > PAYLOAD_BYTES_MAX {
        return Err(StableText::foreign(format!(
            "has {bytes} bytes; at most {PAYLOAD_BYTES_MAX} are held against a seed"
        )));
    }
    let wanted = crc32_of(seed, bytes);
    if u64::from(wanted) == crc32 {
        Ok(())
    } else {
        let damaged = |crc32: &str| {
            format!(
                "is damaged: crc32 of its {bytes} bytes is {crc32}, of those filled from seed {seed} it is {wanted}"
            )
        };
        Err(StableText::new(damaged(&crc32.to_string()), damaged("*")))
    }
}

/// Checksum of the payload that a seed stands for.
pub(super) fn crc32_of(seed: u64, bytes: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    let mut chunk = Vec::with_capacity(4096);
    for i in 0..bytes {
        chunk.push(payload_byte(seed, i));
        if chunk.len() == chunk.capacity() {
            hasher.update(&chunk);
            chunk.clear();
        }
    }
    hasher.update(&chunk);
    hasher.finalize()
}

/// Legal answers in words.
pub(super) fn describe_all(expect: &[Expectation]) -> String {
    let words: Vec<String> = expect.iter().map(describe_one).collect();
    if words.is_empty() { "ok".to_owned() } else { words.join(", or ") }
}

fn describe_one(expectation: &Expectation) -> String {
    match expectation {
        Expectation::Ok(matchers) if matchers.is_empty() => "ok".to_owned(),
        Expectation::Ok(matchers) => {
            let fields: Vec<String> = matchers
                .iter()
                .map(|(path, matcher)| match matcher {
                    Matcher::Equal(value) => format!("{path} = {value}"),
                    matcher => format!("{path} {}", describe(matcher, None)),
                })
                .collect();
            format!("ok with {}", fields.join(", "))
        }
        Expectation::Err { class, setting } => {
            let class = class.as_deref().unwrap_or("of any class");
            let setting = setting.as_ref().map(|setting| format!(" (setting {setting})")).unwrap_or_default();
            format!("err {class}{setting}")
        }
    }
}

fn describe(matcher: &Matcher, answers: Option<&Answers>) -> String {
    let known = |reference: &Reference| {
        let value = answers.and_then(|answers| resolve(reference, answers).ok());
        let value = value.map(|value| format!(", {value}")).unwrap_or_default();
        format!("`{}` of `{}`{value}", reference.field, reference.tag)
    };
    match matcher {
        Matcher::Equal(value) => value.to_string(),
        Matcher::Seed(seed) => format!("filled from seed {seed}"),
        Matcher::AtLeast(least) => format!("at least {least}"),
        Matcher::AtMost(most) => format!("at most {most}"),
        Matcher::SameAs(reference) => format!("the same as {}", known(reference)),
        Matcher::DifferentFrom(reference) => format!("different from {}", known(reference)),
        Matcher::NoMoreThan(reference, 0) => format!("no more than {}", known(reference)),
        Matcher::NoMoreThan(reference, surcharge) => format!("no more than {} plus {surcharge}", known(reference)),
    }
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
