//! The peer protocol, and the kit with which a Rust implementation becomes a subject.

pub mod bench_protocol;
pub mod kit;
pub mod protocol;
