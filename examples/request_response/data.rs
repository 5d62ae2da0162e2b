//! What travels from server to client.

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// A response. The derives make sure that it can live in shared memory: no pointer, no padding, any bytes are valid.
#[derive(Debug, Clone, Copy, Default, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct TransmissionData {
    /// A number.
    pub x: i32,
    /// Another number.
    pub y: i32,
    /// Something with a fraction.
    pub funky: f64,
}
