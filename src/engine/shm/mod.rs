//! Raw shared memory: the only unsafe code of the project. What comes out of here is safe whatever a peer writes.
#![allow(unsafe_code)]

mod mapping;

pub use mapping::{FILE_BYTES_MAX, Mapping};
