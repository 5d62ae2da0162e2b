//! What came of an operation.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use shmark_peer::protocol::ErrorClass;

/// What came of an operation. The first four are the peer's own words, the others are what the runner saw; none of them
/// is ever merged with another.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Carried out.
    Ok(Map<String, Value>),
    /// The implementation refused, which may be what a requirement wants.
    Err {
        /// One of the protocol's error classes.
        class: String,
        /// The implementation's own name for it, empty if it gave none.
        native: String,
        /// The setting at fault, where the class calls for one.
        setting: Option<String>,
    },
    /// The peer has no such operation or feature; the text says why.
    Unsupported(String),
    /// The peer itself is broken, by its own account.
    Fault(String),
    /// No answer in time. The operation may have happened, or may still happen.
    Timeout,
    /// The peer's process ended with this exit code before it answered.
    Exited(i32),
    /// The peer's process was ended by this signal before it answered.
    Signalled(i32),
    /// What came is not the peer protocol; the text says why.
    Protocol(String),
    /// The run is being interrupted; nothing is known about the operation.
    Interrupted,
}

impl Reply {
    /// The fields of an `ok`.
    pub fn ok(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Ok(fields) => Some(fields),
            _ => None,
        }
    }

    /// Reads one line of a peer: its id, and what it says.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the line.
    pub fn parse(line: &str) -> Result<(u64, Self), String> {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("not JSON ({error})"))?;
        let Value::Object(mut object) = value else {
            return Err("not a JSON object".to_owned());
        };
        let id = match object.get("id") {
            None => return Err("no `id`".to_owned()),
            Some(id) => id.as_u64().ok_or_else(|| format!("an `id` that is no unsigned integer: {id}"))?,
        };
        let outcomes: Vec<&str> =
            ["ok", "err", "unsupported", "fault"].into_iter().filter(|key| object.contains_key(*key)).collect();
        let &[outcome] = outcomes.as_slice() else {
            return Err(match outcomes.as_slice() {
                [] => "none of `ok`, `err`, `unsupported`, `fault`".to_owned(),
                several => format!("more than one outcome: `{}`", several.join("`, `")),
            });
        };
        if let Some(other) = object.keys().find(|key| *key != "id" && *key != outcome) {
            return Err(format!("a key that the protocol does not know: `{other}`"));
        }
        let body = object.remove(outcome).unwrap_or_default();
        Ok((id, Self::body(outcome, body)?))
    }

    fn body(outcome: &str, body: Value) -> Result<Self, String> {
        match (outcome, body) {
            ("ok", Value::Object(fields)) => Ok(Self::Ok(fields)),
            ("unsupported", Value::String(text)) => Ok(Self::Unsupported(text)),
            ("fault", Value::String(text)) => Ok(Self::Fault(text)),
            ("err", body) => {
                let refusal: RefusalBody =
                    serde_json::from_value(body).map_err(|error| format!("an `err` that cannot be read: {error}"))?;
                let class = refusal.class.name().to_owned();
                Ok(Self::Err { class, native: refusal.native, setting: refusal.setting })
            }
            ("ok", _) => Err("an `ok` that is no object".to_owned()),
            (outcome, _) => Err(format!("`{outcome}` is no text")),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RefusalBody {
    class: ErrorClass,
    #[serde(default)]
    native: String,
    #[serde(default)]
    setting: Option<String>,
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(fields) if fields.is_empty() => f.write_str("ok"),
            Self::Ok(fields) => write!(f, "ok {}", Value::Object(fields.clone())),
            Self::Err { class, native, setting } => {
                write!(f, "err {class}")?;
                if let Some(setting) = setting {
                    write!(f, " (setting {setting})")?;
                }
                if native.is_empty() { Ok(()) } else { write!(f, ", natively {native}") }
            }
            Self::Unsupported(text) => write!(f, "unsupported: {text}"),
            Self::Fault(text) => write!(f, "fault of the peer: {text}"),
            Self::Timeout => f.write_str("no answer in time"),
            Self::Exited(code) => write!(f, "the peer exited with code {code} instead of answering"),
            Self::Signalled(signal) => {
                write!(f, "the peer was ended by signal {} instead of answering", signal_name(*signal))
            }
            Self::Protocol(text) => write!(f, "not the peer protocol: {text}"),
            Self::Interrupted => f.write_str("the run was interrupted"),
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
    /// It was still there at the deadline, and was killed.
    Killed,
}

impl Exit {
    /// Whether this is what the protocol asks for at the end of stdin.
    pub fn is_clean(self) -> bool {
        self == Self::Code(0)
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with code {code}"),
            Self::Signal(signal) => write!(f, "was ended by signal {}", signal_name(*signal)),
            Self::Killed => f.write_str("was still running at the deadline and had to be killed"),
        }
    }
}

/// `6 (SIGABRT)`.
pub(crate) fn signal_name(signal: i32) -> String {
    match nix::sys::signal::Signal::try_from(signal) {
        Ok(known) => format!("{signal} ({known})"),
        Err(_) => signal.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_is_read_as_itself() {
        let read = |line: &str| Reply::parse(line).map(|(_, reply)| reply.to_string());
        assert_eq!(Reply::parse(r#"{"id":7,"ok":{}}"#), Ok((7, Reply::Ok(Map::new()))));
        assert_eq!(
            read(r#"{"id":7,"err":{"class":"does-not-support","native":"X::Y","setting":"max_nodes"}}"#),
            Ok("err does-not-support (setting max_nodes), natively X::Y".to_owned())
        );
        assert_eq!(read(r#"{"id":7,"unsupported":"no slices"}"#), Ok("unsupported: no slices".to_owned()));
        assert_eq!(read(r#"{"id":7,"fault":"oh"}"#), Ok("fault of the peer: oh".to_owned()));
    }

    #[test]
    fn what_is_not_the_protocol_is_named() {
        for (line, part) in [
            ("hello", "not JSON"),
            ("[1]", "not a JSON object"),
            (r#"{"ok":{}}"#, "no `id`"),
            (r#"{"id":-1,"ok":{}}"#, "no unsigned integer"),
            (r#"{"id":1,"op":"hello"}"#, "none of `ok`"),
            (r#"{"id":1,"ok":{},"fault":"x"}"#, "more than one outcome: `ok`, `fault`"),
            (r#"{"id":1,"ok":{},"extra":1}"#, "does not know: `extra`"),
            (r#"{"id":1,"ok":[]}"#, "an `ok` that is no object"),
            (r#"{"id":1,"fault":3}"#, "`fault` is no text"),
            (r#"{"id":1,"err":{"class":"meh"}}"#, "an `err` that cannot be read"),
        ] {
            let seen = Reply::parse(line).unwrap_err();
            assert!(seen.contains(part), "{line}: {seen}");
        }
    }
}
