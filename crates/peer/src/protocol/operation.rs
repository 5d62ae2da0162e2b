//! What the protocol says of one operation: its arguments, its answer, and what it does to handles.
//!
//! An operation is one entry in `operations`. What follows from it, and is written nowhere else:
//!
//! - the check of a command's arguments and handles, and `unsupported` for what belongs to an undeclared feature
//!   (`kit/args.rs`, `kit/host.rs`);
//! - the kit's dispatch: the `operations` macro makes a trait of each group of entries, with a method for each entry,
//!   so that an operation that the kit does not carry out does not compile;
//! - the checks in scenario files: arguments, kinds of handles, names that are made and used up, fields and their types,
//!   which operations may be asked again, and the features that a scenario needs (`src/scenario`);
//! - broken commands and undeclared features of `shmark subject check` (`src/conformance/fitness`);
//! - the tables and examples of docs/PEER-PROTOCOL.md and the tables of docs/SCENARIOS.md, which a test compares.

use serde_json::Value;

use super::handle::HandleKind;
use super::{PAYLOAD_KINDS, SETTINGS};

/// Type of an argument of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Name of an existing handle of one of these kinds.
    Handle(&'static [HandleKind]),
    /// A list of names of existing handles of these kinds, at least one.
    Handles(&'static [HandleKind]),
    /// Name for the handle that the operation makes, which is of this kind.
    NewHandle(HandleKind),
    /// Any text.
    Text,
    /// An integer from 0 to 2^63 - 1.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of the listed words.
    Word(&'static [&'static str]),
    /// A list of the listed words, at least one.
    Words(&'static [&'static str]),
    /// A payload type: `{ type, kind, align? }`, see [`PAYLOAD_KEYS`](super::PAYLOAD_KEYS).
    Payload,
    /// A user header: `{ type }` with `type = "u64"`, see [`HEADER_TYPES`](super::HEADER_TYPES).
    Header,
    /// A table of service settings, see [`SETTINGS`].
    Qos,
    /// A table of text keys and text values.
    Attributes,
}

/// One argument of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgSpec {
    /// Key in the JSON object.
    pub name: &'static str,
    /// What it may hold.
    pub kind: ArgKind,
    /// Whether leaving it out is an error.
    pub required: bool,
    /// Feature without which a peer need not have the argument.
    pub feature: Option<&'static str>,
    /// The one value that needs no feature: what an implementation without it does anyway.
    pub plain: Option<&'static str>,
}

pub(super) const fn req(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: true, feature: None, plain: None }
}

pub(super) const fn opt(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: false, feature: None, plain: None }
}

/// The handle that an operation works on.
pub(super) const fn on(kinds: &'static [HandleKind]) -> ArgSpec {
    req("on", ArgKind::Handle(kinds))
}

/// The handle that an operation makes.
pub(super) const fn makes(kind: HandleKind) -> ArgSpec {
    req("as", ArgKind::NewHandle(kind))
}

impl ArgSpec {
    pub(super) const fn feature(mut self, feature: &'static str) -> Self {
        self.feature = Some(feature);
        self
    }

    pub(super) const fn plain(mut self, value: &'static str) -> Self {
        self.plain = Some(value);
        self
    }

    /// Features without which a peer need not have the argument with this value.
    pub fn features(&self, value: &Value) -> Vec<&'static str> {
        match self.kind {
            ArgKind::Payload => {
                let kind = PAYLOAD_KINDS.iter().copied().filter(|kind| value.get("kind") == Some(&Value::from(*kind)));
                kind.chain(value.get("align").map(|_| "alignment")).collect()
            }
            // Switched off, these are what an implementation without them does anyway.
            ArgKind::Qos => {
                let on = |key: &str| value.get(key) == Some(&Value::Bool(true));
                SETTINGS.iter().filter(|setting| on(setting.name)).filter_map(|setting| setting.feature).collect()
            }
            _ if self.plain.is_some() && value.as_str() == self.plain => Vec::new(),
            _ => self.feature.into_iter().collect(),
        }
    }
}

/// Type of a field of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// `true` or `false`.
    Flag,
    /// An integer from 0 up.
    Count,
    /// Any text.
    Text,
    /// A list.
    List,
    /// All service settings, see [`SETTINGS`].
    Qos,
    /// A table of text keys and text values.
    Attributes,
}

impl FieldKind {
    /// Whether a value is of this type.
    pub fn fits(self, value: &Value) -> bool {
        match self {
            Self::Flag => value.is_boolean(),
            Self::Count => value.is_u64(),
            Self::Text => value.is_string(),
            Self::List => value.is_array(),
            Self::Qos => value.is_object(),
            Self::Attributes => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
        }
    }
}

/// One field of an `ok`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// Key in the JSON object.
    pub name: &'static str,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may be left out where it does not apply.
    pub optional: bool,
}

pub(super) const fn field(name: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, kind, optional: false }
}

pub(super) const fn maybe(name: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec { name, kind, optional: true }
}

/// A command without `id` and `op`, and the answer without `id`, both as JSON objects.
pub type Example = (&'static str, &'static str);

/// One operation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpSpec {
    /// Name, as in `op`.
    pub name: &'static str,
    /// Arguments besides `id` and `op`.
    pub args: &'static [ArgSpec],
    /// Fields that an `ok` holds.
    pub ok: &'static [FieldSpec],
    /// Whether the handle that it works on is used up, also by a refusal.
    pub consumes: bool,
    /// Whether it changes nothing when it is refused, so that it can be asked again.
    pub retryable: bool,
    /// Feature without which a peer need not have it.
    pub feature: Option<&'static str>,
    /// What the page says of it, in Markdown.
    pub text: &'static str,
    /// Examples of the page.
    pub examples: &'static [Example],
}

/// An entry without arguments and fields.
pub(super) const fn operation(name: &'static str) -> OpSpec {
    OpSpec { name, args: &[], ok: &[], consumes: false, retryable: false, feature: None, text: "", examples: &[] }
}

impl OpSpec {
    pub(super) const fn args(mut self, args: &'static [ArgSpec]) -> Self {
        self.args = args;
        self
    }

    pub(super) const fn ok(mut self, ok: &'static [FieldSpec]) -> Self {
        self.ok = ok;
        self
    }

    pub(super) const fn consumes(mut self) -> Self {
        self.consumes = true;
        self
    }

    pub(super) const fn retryable(mut self) -> Self {
        self.retryable = true;
        self
    }

    pub(super) const fn feature(mut self, feature: &'static str) -> Self {
        self.feature = Some(feature);
        self
    }

    pub(super) const fn text(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }

    pub(super) const fn examples(mut self, examples: &'static [Example]) -> Self {
        self.examples = examples;
        self
    }

    /// The argument of this name.
    pub fn arg(&self, name: &str) -> Option<&'static ArgSpec> {
        self.args.iter().find(|arg| arg.name == name)
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static FieldSpec> {
        self.ok.iter().find(|field| field.name == name)
    }

    /// Kinds of handles that it works on; empty if it works on none.
    pub fn receiver(&self) -> &'static [HandleKind] {
        match self.arg("on").map(|arg| arg.kind) {
            Some(ArgKind::Handle(kinds)) => kinds,
            _ => &[],
        }
    }

    /// Kind of the handle that its answer makes.
    pub fn made(&self) -> Option<HandleKind> {
        self.args.iter().find_map(|arg| match arg.kind {
            ArgKind::NewHandle(kind) => Some(kind),
            _ => None,
        })
    }
}

/// Entries of one group of operations, and the trait of whoever carries them out: a method for each.
macro_rules! operations {
    ($(#[$doc:meta])* $group:ident { $($method:ident: $entry:expr,)* }) => {
        /// The entries, in the order of the page.
        pub const ENTRIES: &[OpSpec] = &[$($entry),*];

        $(#[$doc])*
        pub(crate) trait $group<Args, Answer> {
            $(fn $method(&mut self, args: Args) -> Answer;)*

            /// Carries out an operation of this group; `None` for another one.
            fn dispatch(&mut self, name: &str, args: Args) -> Option<Answer> {
                $({
                    const ENTRY: OpSpec = $entry;
                    if name == ENTRY.name {
                        return Some(self.$method(args));
                    }
                })*
                None
            }
        }
    };
}
pub(super) use operations;
