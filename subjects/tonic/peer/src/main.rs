//! shmark's peer for gRPC: unary calls of tonic over a Unix domain socket, in a runtime of one thread on each side.

mod client;
mod idle;
mod server;
#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::time::Duration;

use prost::bytes::Bytes;
use shmark_peer::kit;
use shmark_peer::kit::bench::place::unsupported;
use shmark_peer::kit::bench::stamp;
use shmark_peer::kit::implementation::{BenchSetup, BenchSubject, Hello, OpResult, Refusal, Waiting};
use shmark_peer::protocol::ErrorClass;

/// What `tonic-build` makes of the service.
#[allow(missing_docs, clippy::pedantic, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/shmark.Echo.rs"));
}

/// `message Payload { bytes data = 1; }`
#[derive(Clone, PartialEq, prost::Message)]
pub struct Payload {
    /// Its stamp.
    #[prost(bytes = "bytes", tag = "1")]
    pub data: Bytes,
}

/// What tonic receives unless it is told otherwise, less the message's own header.
const PAYLOAD_MAX: usize = (4 << 20) - 16;
/// Longest sleep of a side.
const SLEEP_MAX: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    kit::serve_bench_only::<Tonic>(Hello::bench_only("tonic", "0.14.9"))
}

struct Tonic;

impl BenchSubject for Tonic {
    type Client = client::Client;
    type Server = server::Server;

    fn bench_server(setup: &BenchSetup) -> OpResult<server::Server> {
        server::Server::new(setup, payload_bytes(setup)?)
    }

    fn bench_client(setup: &BenchSetup) -> OpResult<client::Client> {
        client::Client::new(setup, payload_bytes(setup)?)
    }
}

/// # Errors
/// What a benchmark can ask for and gRPC or this peer has not.
fn payload_bytes(setup: &BenchSetup) -> OpResult<usize> {
    let bytes = stamp::payload_bytes(setup).max(stamp::STAMP_BYTES);
    match () {
        () if setup.waiting == Waiting::Spin => Err(unsupported("tonic runs in a runtime that sleeps in the kernel")),
        () if setup.load.responses > 1 => Err(unsupported("a unary call has one response")),
        () if bytes > PAYLOAD_MAX => {
            Err(unsupported(format!("tonic takes messages of 4 MiB; a payload has at most {PAYLOAD_MAX} bytes")))
        }
        () => Ok(bytes),
    }
}

/// A window of HTTP/2 that holds a whole message, so that none waits for the other side to open it.
fn window(bytes: usize) -> u32 {
    let default = 1 << 16;
    u32::try_from(bytes).unwrap_or(u32::MAX).saturating_add(default).min(i32::MAX.cast_unsigned())
}

fn payload(bytes: usize, sequence: u64) -> Payload {
    let mut data = vec![0; bytes];
    stamp::write(&mut data, sequence);
    Payload { data: data.into() }
}

fn number(payload: &Payload, bytes: usize) -> Result<u64, String> {
    match stamp::read(&payload.data) {
        Some(number) if payload.data.len() == bytes => Ok(number),
        _ => Err(format!("a payload of {} bytes came damaged", payload.data.len())),
    }
}

fn refusal(error: &impl std::fmt::Debug) -> Refusal {
    Refusal::Error { class: ErrorClass::Other, native: format!("{error:?}"), setting: None }
}
