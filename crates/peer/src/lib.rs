//! The peer protocol, and the kit with which a Rust implementation of request-response becomes a subject of `shmark`.
//!
//! The suite runs implementations as processes that answer one command a line: *peers*. A peer in Rust implements one trait,
//! and the kit does the rest:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use shmark_peer::kit::{self, implementation::Implementation};
//!
//! fn peer<MyEngine: Implementation>() -> ExitCode {
//!     kit::serve::<MyEngine>()
//! }
//! ```
//!
//! | to | |
//! |---|---|
//! | be judged | [`kit::implementation::Implementation`] and [`kit::serve`] |
//! | be measured, too | [`kit::implementation::BenchSubject`] and [`kit::serve_with_bench`] |
//! | be measured only, as a transport is | [`kit::serve_bench_only`] |
//! | test a peer without a process | [`kit::Session`] |
//! | speak the protocol without the kit | [`protocol`] and [`bench_protocol`]: operations, arguments, answers, as data |
//!
//! `docs/PEER-PROTOCOL.md` of the repository is the reference, for any language. A peer contains no assertion, no retry and
//! no sleep: it reports, and the suite judges. `docs/GLOSSARY.md` has the words with a fixed meaning.

pub mod bench_protocol;
pub mod kit;
pub mod protocol;

/// The code of the README compiles and runs.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
