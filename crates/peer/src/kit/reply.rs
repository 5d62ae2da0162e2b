//! Answers: exactly one of `ok`, `err`, `unsupported` and `fault`.

use serde_json::{Map, Value, json};

use super::implementation::Refusal;

/// Fields of an `ok`.
pub(super) type Fields = Map<String, Value>;

/// Why an operation has no `ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The command cannot be carried out by any peer, or this peer is broken. Nothing was changed.
    Fault(String),
    /// The implementation refused, or has no such thing.
    Refused(Refusal),
}

impl Stop {
    pub(super) fn fault(text: impl Into<String>) -> Self {
        Self::Fault(text.into())
    }

    pub(super) fn unsupported(text: impl Into<String>) -> Self {
        Self::Refused(Refusal::Unsupported(text.into()))
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Result of one command.
pub(super) type Answer = Result<Fields, Stop>;

/// An `ok` with these fields.
#[allow(clippy::unnecessary_wraps, reason = "it is what every operation ends with")]
pub(super) fn ok<const N: usize>(fields: [(&str, Value); N]) -> Answer {
    Ok(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// An `ok` with the fields of a value that serialises to a table.
pub(super) fn ok_table(value: &impl serde::Serialize) -> Answer {
    match serde_json::to_value(value) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(Stop::fault(format!("the answer is not a table but {other}"))),
        Err(error) => Err(Stop::fault(format!("the answer cannot be written as JSON: {error}"))),
    }
}

/// The line that goes on the wire, without its end.
pub(super) fn line(id: Option<u64>, answer: Answer) -> String {
    let (key, value) = match answer {
        Ok(fields) => ("ok", Value::Object(fields)),
        Err(Stop::Fault(text)) => ("fault", Value::String(text)),
        Err(Stop::Refused(Refusal::Unsupported(text))) => ("unsupported", Value::String(text)),
        Err(Stop::Refused(Refusal::Error { class, native, setting })) => {
            let mut error = json!({ "class": class, "native": native });
            if let Some(setting) = setting {
                error["setting"] = Value::String(setting);
            }
            ("err", error)
        }
    };
    json!({ "id": id, key: value }).to_string()
}
