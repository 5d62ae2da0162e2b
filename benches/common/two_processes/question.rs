//! What two processes are measured at, and the service that both sides use for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use shmark_engine::{Config, Node, Payload, Service, ServiceName};

use super::Res;

/// Bytes of the payloads that are measured.
pub const PAYLOADS: [usize; 4] = [64, 4 << 10, 64 << 10, 1 << 20];
/// Responses to each request of a stream.
pub const STREAM: u64 = 64;

/// What one benchmark measures; the server's process gets it as an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// A bare cache line.
    Line,
    /// One `u64` for one `u64`.
    RoundTrip,
    /// Slices of so many bytes, each of which is written and read.
    Payload(usize),
    /// [`STREAM`] numbers for one.
    Stream,
}

impl Question {
    /// How many responses each request has.
    pub fn responses(self) -> u64 {
        if self == Self::Stream { STREAM } else { 1 }
    }

    /// Bytes of a slice.
    pub fn bytes(self) -> usize {
        if let Self::Payload(bytes) = self { bytes } else { 0 }
    }

    /// The service, which is created by whoever comes first.
    pub fn service<P: Payload + ?Sized>(self, root: &Path) -> Res<Service<P, P>> {
        let node = Node::builder().config(Config::default()).root(root.join("root")).create()?;
        let service = node.service_builder(&ServiceName::new("benchmark")?).request_response::<P, P>();
        let service = match self {
            Self::Line | Self::RoundTrip => service,
            // Nothing is lost, and nobody waits for room.
            Self::Stream => service.max_response_buffer_size(STREAM as usize),
            // The smallest limits, so that segments are no larger than what is measured.
            Self::Payload(_) => service
                .max_active_requests_per_client(1)
                .max_loaned_requests(1)
                .max_borrowed_responses_per_pending_response(1)
                .max_response_buffer_size(1)
                .max_servers(1)
                .max_clients(1),
        };
        Ok(service.open_or_create()?)
    }

    /// The file of the bare line.
    pub fn line(root: &Path) -> PathBuf {
        root.join("line")
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line => f.write_str("line"),
            Self::RoundTrip => f.write_str("round-trip"),
            Self::Payload(bytes) => write!(f, "payload-{bytes}"),
            Self::Stream => f.write_str("stream"),
        }
    }
}

impl FromStr for Question {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let all = [Self::Line, Self::RoundTrip, Self::Stream].into_iter().chain(PAYLOADS.map(Self::Payload));
        let mut named = all.filter(|question| question.to_string() == text);
        named.next().ok_or_else(|| format!("`{text}` is nothing that a server of benchmarks serves"))
    }
}
