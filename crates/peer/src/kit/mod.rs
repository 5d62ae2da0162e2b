//! The kit: implement one trait, call [`serve`], and a Rust implementation is a subject.
//!
//! ```no_run
//! # use shmark_peer::kit::{self, implementation::Implementation};
//! # fn peer<MyEngine: Implementation>() -> std::process::ExitCode {
//! kit::serve::<MyEngine>()
//! # }
//! ```
//!
//! What lives here: the loop over commands, the table of handles, payloads, process resources, and the benchmark loops,
//! which are the same for every subject. What must not: assertions, retries, sleeps; a peer reports, the runner judges.
//!
//! Standard output belongs to the protocol. [`serve`] moves it to a descriptor of its own and points the old one at
//! standard error, so that a stray `println!` of the implementation ends up in the captured log; implementers still
//! should log to standard error.

mod args;
pub mod bench;
mod decisions;
mod handles;
mod host;
pub mod implementation;
mod operations;
pub mod payload;
mod reply;
mod resources;
mod serve;
mod session;

pub use serve::{complain, serve, serve_bench_only, serve_with_bench};
pub use session::Session;
