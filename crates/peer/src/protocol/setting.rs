//! The settings of a service: one entry each.
//!
//! What follows from an entry: the field of [`Qos`], with which the kit reads commands and writes answers; the keys that
//! scenario files may hold, with their types, and those of benchmarks; the check that an answer has every setting; the
//! features that a scenario needs; the table of docs/PEER-PROTOCOL.md, which a test compares.

use serde::{Deserialize, Serialize};

/// Type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingKind {
    /// `true` or `false`: an opener gets exactly what it asks for.
    Flag,
    /// An integer from 0 up: an opener gets at least what it asks for.
    Count,
}

/// One setting of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingSpec {
    /// Key of `qos`, and `setting` of an error.
    pub name: &'static str,
    /// What it may hold.
    pub kind: SettingKind,
    /// Feature without which a peer need not be able to switch it on.
    pub feature: Option<&'static str>,
    /// What it means, in Markdown.
    pub text: &'static str,
}

/// The type in which [`Qos`] holds a setting.
trait Held {
    const KIND: SettingKind;
}

impl Held for bool {
    const KIND: SettingKind = SettingKind::Flag;
}

impl Held for usize {
    const KIND: SettingKind = SettingKind::Count;
}

macro_rules! settings {
    ($($(#[doc = $text:literal])+ $name:ident: $type:ty $(, feature $feature:literal)?;)*) => {
        /// Settings of a service: asked for (absent means not checked, or the default), or in force (then all are there).
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Qos {
            $($(#[doc = $text])+ #[serde(skip_serializing_if = "Option::is_none")] pub $name: Option<$type>,)*
        }

        /// Every setting of a service.
        pub const SETTINGS: &[SettingSpec] = &[
            $(SettingSpec {
                name: stringify!($name),
                kind: <$type as Held>::KIND,
                feature: settings!(@option $($feature)?),
                text: concat!($($text),+).trim_ascii(),
            },)*
        ];
    };
    (@option) => { None };
    (@option $value:literal) => { Some($value) };
}

settings! {
    /// A full request buffer drops its oldest entry instead of refusing the newest.
    overflow_requests: bool, feature "overflow";
    /// Likewise for responses.
    overflow_responses: bool, feature "overflow";
    /// A request whose pending response was dropped is still delivered.
    fire_and_forget: bool, feature "fire-and-forget";
    /// Requests of one client that may be active at a time.
    max_active_requests: usize;
    /// Requests that one client may have on loan at a time.
    max_loaned_requests: usize;
    /// Responses of one server to one pending response that may be held at a time.
    max_borrowed_responses: usize;
    /// Responses that wait for one pending response.
    response_buffer: usize;
    /// Servers at a time.
    max_servers: usize;
    /// Clients at a time.
    max_clients: usize;
    /// Nodes that have the service open at a time.
    max_nodes: usize;
}

impl Qos {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Names of the settings that are counts, in the order of [`SETTINGS`].
pub fn setting_counts() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().filter(|setting| setting.kind == SettingKind::Count).map(|setting| setting.name)
}

/// Looks a setting up by name.
pub fn setting(name: &str) -> Option<&'static SettingSpec> {
    SETTINGS.iter().find(|setting| setting.name == name)
}
