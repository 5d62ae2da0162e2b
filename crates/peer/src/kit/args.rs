//! Arguments of one command, checked against the operation's table before anything is done.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::implementation::{HeaderSpec, PayloadSpec, Qos};
use super::reply::Stop;
use crate::protocol::{ArgKind, ArgSpec, OpSpec};

/// Largest count on the wire.
const COUNT_MAX: u64 = i64::MAX as u64;

/// Checked arguments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Args<'a>(&'a Map<String, Value>);

impl<'a> Args<'a> {
    /// Checks `map`, which holds the command without `id` and `op`.
    pub(super) fn check(spec: &OpSpec, map: &'a Map<String, Value>) -> Result<Self, Stop> {
        for key in map.keys() {
            if !spec.args.iter().any(|arg| arg.name == key) {
                let known: Vec<_> = spec.args.iter().map(|arg| arg.name).collect();
                return Err(Stop::fault(format!("{} has no argument {key}; it has: {}", spec.name, known.join(", "))));
            }
        }
        for arg in spec.args {
            match map.get(arg.name) {
                Some(value) => check_kind(spec, arg, value)?,
                None if arg.required => {
                    return Err(Stop::fault(format!("{} needs the argument {}", spec.name, arg.name)));
                }
                None => {}
            }
        }
        Ok(Self(map))
    }

    /// The value of an argument, if it is given.
    pub(super) fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// The texts of a list; none if it is not given. The check has seen that there is nothing else in it.
    pub(super) fn texts(self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A required text or handle name. The check has seen it already.
    pub(super) fn needed(self, name: &str) -> Result<&'a str, Stop> {
        self.text(name).ok_or_else(|| Stop::fault(format!("the argument {name} is missing")))
    }

    pub(super) fn count(self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(Value::as_u64)
    }

    pub(super) fn size(self, name: &str) -> Result<Option<usize>, Stop> {
        self.count(name)
            .map(usize::try_from)
            .transpose()
            .map_err(|_| Stop::fault(format!("{name} does not fit this machine's addresses")))
    }

    /// A required or optional table or word, by its type.
    pub(super) fn typed<T: DeserializeOwned>(self, name: &str) -> Result<Option<T>, Stop> {
        self.0
            .get(name)
            .map(|value| T::deserialize(value))
            .transpose()
            .map_err(|error| Stop::fault(format!("{name}: {error}")))
    }
}

/// Whether it is a list of such texts that is not empty.
fn is_list(value: &Value, is_such: impl Fn(&str) -> bool) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|one| one.as_str().is_some_and(&is_such)))
}

fn check_kind(spec: &OpSpec, arg: &ArgSpec, value: &Value) -> Result<(), Stop> {
    let wanted = match arg.kind {
        ArgKind::Handle(_) | ArgKind::NewHandle(_) if value.as_str().is_some_and(|name| !name.is_empty()) => {
            return Ok(());
        }
        ArgKind::Handle(_) | ArgKind::NewHandle(_) => "the name of a handle".to_owned(),
        ArgKind::Handles(_) if is_list(value, |name| !name.is_empty()) => return Ok(()),
        ArgKind::Handles(_) => "a list of names of handles, at least one".to_owned(),
        ArgKind::Text if value.is_string() => return Ok(()),
        ArgKind::Text => "a text".to_owned(),
        ArgKind::Count if value.as_u64().is_some_and(|count| count <= COUNT_MAX) => return Ok(()),
        ArgKind::Count => format!("an integer from 0 to {COUNT_MAX}"),
        ArgKind::Flag if value.is_boolean() => return Ok(()),
        ArgKind::Flag => "true or false".to_owned(),
        ArgKind::Word(words) if value.as_str().is_some_and(|word| words.contains(&word)) => return Ok(()),
        ArgKind::Word(words) => format!("one of {}", words.join(", ")),
        ArgKind::Words(words) if is_list(value, |word| words.contains(&word)) => return Ok(()),
        ArgKind::Words(words) => format!("a list of {}, at least one", words.join(", ")),
        ArgKind::Payload => match PayloadSpec::deserialize(value) {
            Ok(PayloadSpec { align: Some(align), .. }) if !align.is_power_of_two() => {
                "a payload type with a power of two as align".to_owned()
            }
            Ok(_) => return Ok(()),
            Err(error) => format!("a payload type ({error})"),
        },
        ArgKind::Header => match HeaderSpec::deserialize(value) {
            Ok(_) => return Ok(()),
            Err(error) => format!("a header type ({error})"),
        },
        ArgKind::Qos => match Qos::deserialize(value) {
            Ok(_) => return Ok(()),
            Err(error) => format!("a table of settings ({error})"),
        },
        ArgKind::Attributes if value.as_object().is_some_and(|map| map.values().all(Value::is_string)) => return Ok(()),
        ArgKind::Attributes => "a table of texts".to_owned(),
    };
    Err(Stop::fault(format!("{}: {} has to be {wanted}, not {value}", spec.name, arg.name)))
}
