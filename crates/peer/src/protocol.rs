//! The peer protocol, version 1: names, argument tables and error classes.
//!
//! JSON Lines on stdin and stdout, one object a line. `docs/PEER-PROTOCOL.md` is the reference for implementers; the
//! tables here are what the scenario parser checks steps against and what the kit dispatches on.

mod error_class;
mod setting;
mod strategy;

pub use error_class::ErrorClass;
pub use setting::{QOS_FEATURES, QOS_KEYS, Qos, SETTINGS, SettingKind, SettingSpec, setting, setting_counts};
pub use strategy::{Allocation, Backpressure};

/// Version that `hello` announces.
pub const PROTOCOL_VERSION: u32 = 1;

/// What a peer can declare in `hello`.
pub const FEATURES: &[&str] = &[
    "fixed",
    "slice",
    "user-header",
    "alignment",
    "attributes",
    "overflow",
    "backpressure",
    "fire-and-forget",
    "growth",
    "hint",
    "preallocate",
    "wait",
    "nodes",
    "listing",
    "resources",
    "crash-points",
    "bench",
];

/// Type of an argument of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Name of an existing handle.
    Handle,
    /// Name for the handle that the operation creates.
    NewHandle,
    /// Any text.
    Text,
    /// An integer from 0 to 2^63 - 1.
    Count,
    /// `true` or `false`.
    Flag,
    /// One of the listed words.
    Word(&'static [&'static str]),
    /// A payload type: `{ type, kind, align? }`, see [`PAYLOAD_KEYS`].
    Payload,
    /// A user header: `{ type }` with `type = "u64"`, see [`HEADER_TYPES`].
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
}

/// One operation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpSpec {
    /// Name, as in `op`.
    pub name: &'static str,
    /// Arguments besides `id` and `op`.
    pub args: &'static [ArgSpec],
    /// Keys that an `ok` may hold.
    pub ok: &'static [&'static str],
}

const fn req(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: true }
}
const fn opt(name: &'static str, kind: ArgKind) -> ArgSpec {
    ArgSpec { name, kind, required: false }
}

/// Payload types by name; a peer that declares `fixed` or `slice` supports each in that kind.
///
/// `u64` is one 8-byte integer a element. `bytes` is, as a slice, a slice of single bytes, and, fixed, one array of
/// 4096 bytes. A fixed payload is always one element: `len` is ignored there.
pub const PAYLOAD_TYPES: &[&str] = &["u64", "bytes"];
/// Keys of a payload type table.
pub const PAYLOAD_KEYS: &[&str] = &["type", "kind", "align"];
/// User header types by name.
pub const HEADER_TYPES: &[&str] = &["u64"];

const ALLOCATION: ArgKind = ArgKind::Word(Allocation::WORDS);
const BACKPRESSURE: ArgKind = ArgKind::Word(Backpressure::WORDS);
const INIT: ArgKind = ArgKind::Word(&["default", "uninit"]);

const SERVICE_ARGS: &[ArgSpec] = &[
    req("node", ArgKind::Handle),
    req("as", ArgKind::NewHandle),
    req("name", ArgKind::Text),
    req("request", ArgKind::Payload),
    req("response", ArgKind::Payload),
    opt("request_header", ArgKind::Header),
    opt("response_header", ArgKind::Header),
    opt("qos", ArgKind::Qos),
    opt("attributes", ArgKind::Attributes),
];
const RECEIVED: &[&str] = &["received", "len", "bytes", "crc32", "header_crc32", "origin", "align_ok", "ended"];

/// Every operation but `hello` and `bench.*`, which the runner alone speaks.
pub const OPS: &[OpSpec] = &[
    OpSpec { name: "node.create", args: &[req("as", ArgKind::NewHandle), opt("name", ArgKind::Text)], ok: &[] },
    OpSpec { name: "node.list", args: &[], ok: &["nodes"] },
    OpSpec { name: "node.cleanup", args: &[], ok: &["cleaned", "failed"] },
    OpSpec { name: "service.create", args: SERVICE_ARGS, ok: &["qos", "attributes"] },
    OpSpec { name: "service.open", args: SERVICE_ARGS, ok: &["qos", "attributes"] },
    OpSpec { name: "service.open_or_create", args: SERVICE_ARGS, ok: &["qos", "attributes"] },
    OpSpec {
        name: "service.exists",
        args: &[req("node", ArgKind::Handle), req("name", ArgKind::Text)],
        ok: &["exists"],
    },
    OpSpec { name: "service.list", args: &[req("node", ArgKind::Handle)], ok: &["services"] },
    OpSpec { name: "service.ports", args: &[req("on", ArgKind::Handle)], ok: &["clients", "servers", "nodes"] },
    OpSpec {
        name: "client.create",
        args: &[
            req("service", ArgKind::Handle),
            req("as", ArgKind::NewHandle),
            opt("name", ArgKind::Text),
            opt("max_active_requests", ArgKind::Count),
            opt("initial_max_slice_len", ArgKind::Count),
            opt("allocation", ALLOCATION),
            opt("backpressure", BACKPRESSURE),
            opt("preallocate", ArgKind::Count),
        ],
        ok: &["port_id"],
    },
    OpSpec {
        name: "server.create",
        args: &[
            req("service", ArgKind::Handle),
            req("as", ArgKind::NewHandle),
            opt("name", ArgKind::Text),
            opt("max_loaned_responses", ArgKind::Count),
            opt("initial_max_slice_len", ArgKind::Count),
            opt("allocation", ALLOCATION),
            opt("backpressure", BACKPRESSURE),
            opt("preallocate", ArgKind::Count),
        ],
        ok: &["port_id"],
    },
    OpSpec { name: "request.loan", args: LOAN_ARGS, ok: &["addr_mod_align"] },
    OpSpec { name: "request.write", args: WRITE_ARGS, ok: &[] },
    OpSpec {
        name: "request.send",
        args: &[req("on", ArgKind::Handle), req("as", ArgKind::NewHandle)],
        ok: &["delivered"],
    },
    OpSpec {
        name: "client.send",
        args: &[
            req("on", ArgKind::Handle),
            req("as", ArgKind::NewHandle),
            req("seed", ArgKind::Count),
            opt("len", ArgKind::Count),
            opt("header_seed", ArgKind::Count),
        ],
        ok: &["delivered"],
    },
    OpSpec { name: "server.has_requests", args: &[req("on", ArgKind::Handle)], ok: &["has"] },
    OpSpec { name: "server.receive", args: RECEIVE_ARGS, ok: RECEIVED },
    OpSpec { name: "response.loan", args: LOAN_ARGS, ok: &["addr_mod_align"] },
    OpSpec { name: "response.write", args: WRITE_ARGS, ok: &[] },
    OpSpec { name: "response.send", args: &[req("on", ArgKind::Handle)], ok: &[] },
    OpSpec {
        name: "active.send",
        args: &[
            req("on", ArgKind::Handle),
            req("seed", ArgKind::Count),
            opt("len", ArgKind::Count),
            opt("header_seed", ArgKind::Count),
        ],
        ok: &[],
    },
    OpSpec { name: "pending.has_response", args: &[req("on", ArgKind::Handle)], ok: &["has"] },
    OpSpec { name: "pending.receive", args: RECEIVE_ARGS, ok: RECEIVED },
    OpSpec { name: "read", args: &[req("on", ArgKind::Handle)], ok: &["len", "bytes", "crc32"] },
    OpSpec { name: "is_connected", args: &[req("on", ArgKind::Handle)], ok: &["connected"] },
    OpSpec { name: "pending.hint_disconnect", args: &[req("on", ArgKind::Handle)], ok: &[] },
    OpSpec { name: "active.has_hint", args: &[req("on", ArgKind::Handle)], ok: &["hint"] },
    OpSpec { name: "drop", args: &[req("on", ArgKind::Handle)], ok: &[] },
    OpSpec { name: "resources", args: &[], ok: &["chunks_in_use", "segments", "fds", "rss_bytes", "files", "cpu_ms"] },
];

const LOAN_ARGS: &[ArgSpec] =
    &[req("on", ArgKind::Handle), req("as", ArgKind::NewHandle), opt("len", ArgKind::Count), opt("init", INIT)];
const WRITE_ARGS: &[ArgSpec] =
    &[req("on", ArgKind::Handle), req("seed", ArgKind::Count), opt("header_seed", ArgKind::Count)];
const RECEIVE_ARGS: &[ArgSpec] =
    &[req("on", ArgKind::Handle), req("as", ArgKind::NewHandle), opt("wait_ms", ArgKind::Count)];

/// Looks an operation up by name.
pub fn op(name: &str) -> Option<&'static OpSpec> {
    OPS.iter().find(|op| op.name == name)
}

/// Byte `i` of the payload that `seed` stands for: the low byte of `SplitMix64`'s output for `seed + i`.
///
/// Published so that a peer in any language can fill and verify without data on the wire.
///
/// ```
/// assert_eq!(shmark_peer::protocol::payload_byte(0, 0), 0xaf);
/// ```
pub fn payload_byte(seed: u64, i: u64) -> u8 {
    let mut z = seed.wrapping_add(i).wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) as u8
}
