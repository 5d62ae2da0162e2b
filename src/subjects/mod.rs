//! Built-in subjects: the reference engine and the transports that it is compared with.
//!
//! The transports, or *baselines*, are what somebody would use without shared memory. They have no services, loans or
//! pending responses and therefore only the benchmark mode: whole messages there and back over one connection.

mod pipe;
pub mod reference;
mod stream;
mod tcp_loopback;
mod unix_socket;

use std::process::ExitCode;

pub use pipe::Pipe;
pub use tcp_loopback::TcpLoopback;
pub use unix_socket::UnixSocket;

use shmark_peer::kit::implementation::Hello;
use shmark_peer::kit::{complain, serve_bench_only};

/// Names of the transports, as `shmark peer --transport` takes them.
pub const BASELINES: &[&str] = &["unix-socket", "tcp-loopback", "pipe"];

/// Runs a transport's peer until standard input ends. Exit code 2 for an unknown name.
pub fn serve_baseline(name: &str) -> ExitCode {
    match name {
        "unix-socket" => serve_bench_only::<UnixSocket>(hello(name)),
        "tcp-loopback" => serve_bench_only::<TcpLoopback>(hello(name)),
        "pipe" => serve_bench_only::<Pipe>(hello(name)),
        other => {
            complain(&format!("there is no transport {other}; there are: {}", BASELINES.join(", ")));
            ExitCode::from(2)
        }
    }
}

fn hello(name: &str) -> Hello {
    Hello::bench_only(name, "1")
}

#[cfg(test)]
mod tests;
