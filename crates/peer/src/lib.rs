//! The peer protocol, and the kit with which a Rust implementation becomes a subject.
//!
//! `docs/PEER-PROTOCOL.md` is the reference, `docs/GLOSSARY.md` has the words with a fixed meaning.

pub mod bench_protocol;
pub mod kit;
pub mod protocol;
