//! The peer protocol, version 5: names, operations and error classes.
//!
//! JSON Lines on stdin and stdout, one object a line. `docs/PEER-PROTOCOL.md` is the reference for implementers.
//! [`operation`] says what an entry of an operation is, and what follows from it; [`OPS`] has the entries.

mod error_class;
mod feature;
mod handle;
pub mod operation;
mod operations;
mod setting;
mod strategy;

pub use error_class::ErrorClass;
pub use feature::{FEATURE_TABLE, FEATURES, FeatureSpec, has_feature};
pub use handle::HandleKind;
pub use operation::{ArgKind, ArgSpec, FieldKind, FieldSpec, OpSpec};
pub use operations::{GROUPS, OPS, op};
pub(crate) use operations::{Nodes, Objects, Ports, Requests, Responses, Services, Waiting};
pub use setting::{Qos, SETTINGS, SettingKind, SettingSpec, setting, setting_counts};
pub use strategy::{Allocation, Backpressure};

/// Version that `hello` announces.
pub const PROTOCOL_VERSION: u32 = 5;
/// Oldest version that runner and kit still speak: all of it is in the newest one.
pub const PROTOCOL_VERSION_MIN: u32 = 1;

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
