//! The peer protocol, version 2: names, operations and error classes.
//!
//! JSON Lines on stdin and stdout, one object a line. `docs/PEER-PROTOCOL.md` is the reference for implementers.
//! [`operation`] says what an entry of an operation is, and what follows from it; [`OPS`] has the entries.

mod feature;
mod handle;
pub mod operation;
mod operations;

use serde::{Deserialize, Serialize};

pub use feature::{FEATURE_TABLE, FEATURES, FeatureSpec, has_feature};
pub use handle::HandleKind;
pub use operation::{ArgKind, ArgSpec, FieldKind, FieldSpec, OpSpec};
pub use operations::{GROUPS, OPS, op};
pub(crate) use operations::{Nodes, Objects, Ports, Requests, Responses, Services, Waiting};

/// Version that `hello` announces.
pub const PROTOCOL_VERSION: u32 = 2;
/// Oldest version that runner and kit still speak: all of it is in the newest one.
pub const PROTOCOL_VERSION_MIN: u32 = 1;

/// Why an implementation refused an operation.
///
/// Spelled in kebab-case on the wire. A setting-specific refusal names the setting beside the class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each variant is its own text on the wire, listed in docs/PEER-PROTOCOL.md")]
pub enum ErrorClass {
    AlreadyExists,
    DoesNotExist,
    IncompatibleTypes,
    IncompatibleAttributes,
    IncompatibleBehaviour,
    DoesNotSupport,
    ExceedsMaxNodes,
    ExceedsMaxClients,
    ExceedsMaxServers,
    ExceedsMaxLoans,
    ExceedsMaxLoanSize,
    OutOfMemory,
    ExceedsMaxActiveRequests,
    ExceedsMaxBorrows,
    UnableToDeliver,
    InvalidName,
    VersionMismatch,
    Corrupted,
    InCreation,
    Permission,
    Disconnected,
    Timeout,
    Other,
}

/// Payload types by name; a peer that declares `fixed` or `slice` supports each in that kind.
///
/// `u64` is one 8-byte integer a element. `bytes` is, as a slice, a slice of single bytes, and, fixed, one array of
/// 4096 bytes. A fixed payload is always one element: `len` is ignored there.
pub const PAYLOAD_TYPES: &[&str] = &["u64", "bytes"];
/// Kinds of payloads; each is a feature of its own.
pub const PAYLOAD_KINDS: &[&str] = &["fixed", "slice"];
/// Keys of a payload type table.
pub const PAYLOAD_KEYS: &[&str] = &["type", "kind", "align"];
/// User header types by name.
pub const HEADER_TYPES: &[&str] = &["u64"];

/// Service settings: name, and whether it is a flag (else a count).
pub const QOS_KEYS: &[(&str, bool)] = &[
    ("overflow_requests", true),
    ("overflow_responses", true),
    ("fire_and_forget", true),
    ("max_active_requests", false),
    ("max_loaned_requests", false),
    ("max_borrowed_responses", false),
    ("response_buffer", false),
    ("max_servers", false),
    ("max_clients", false),
    ("max_nodes", false),
];

/// Flags of a service that need a feature where they are switched on, and the feature.
pub const QOS_FEATURES: &[(&str, &str)] =
    &[("overflow_requests", "overflow"), ("overflow_responses", "overflow"), ("fire_and_forget", "fire-and-forget")];

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
