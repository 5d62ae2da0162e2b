//! shmark's peer for iceoryx2: the crate's public API behind the peer protocol.

mod bench;
mod errors;
mod messages;
mod namespace;
mod payload;
mod peer;
mod ports;
mod service;
#[cfg(test)]
mod tests;

use std::process::ExitCode;

use shmark_peer::kit;

use peer::Peer;

fn main() -> ExitCode {
    kit::serve_with_bench::<Peer, Peer>()
}
