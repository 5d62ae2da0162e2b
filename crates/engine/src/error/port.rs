//! Why there is no client or server.

use super::system::SystemError;
use crate::id::Id;

/// Why a client or a server was not created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// All places for clients are taken.
    #[error("the service has {max_clients} clients, its maximum: drop one, or create it with a larger max_clients")]
    ExceedsMaxClients {
        /// The maximum.
        max_clients: usize,
    },
    /// All places for servers are taken.
    #[error("the service has {max_servers} servers, its maximum: drop one, or create it with a larger max_servers")]
    ExceedsMaxServers {
        /// The maximum.
        max_servers: usize,
    },
    /// A client asked for more active requests than the service has ([RR-PRT-04](crate#requirements)).
    #[error("asked for were {asked} active requests, the service has {has}: ask for less")]
    ExceedsMaxActiveRequests {
        /// The client's.
        asked: usize,
        /// The service's.
        has: usize,
    },
    /// As many clients as may have left behind requests that a server has not looked at, where a full request buffer does
    /// not give way.
    #[error(
        "{max} clients have left with requests that the server {server} has not looked at, the maximum: have it receive, or \
         create the service with a larger max_departed_clients"
    )]
    TooManyDepartedClients {
        /// The server that does not look.
        server: Id,
        /// The maximum.
        max: usize,
    },
    /// A name that does not fit its place.
    #[error("a port name has at most 64 bytes, this one has {bytes}: choose another")]
    NameTooLong {
        /// Bytes of the refused name.
        bytes: usize,
    },
    /// The profile wants everything allocated from the beginning.
    #[error(
        "under the safety-critical profile nothing grows: allocate statically, with a larger initial_max_slice_len"
    )]
    GrowthInSafetyCriticalProfile,
    /// The segment would be larger than anything that can be mapped.
    #[error("the payload segment would have {chunks} chunks of {chunk_bytes} bytes: ask for less")]
    SegmentTooLarge {
        /// Chunks.
        chunks: usize,
        /// Bytes of each.
        chunk_bytes: usize,
    },
    /// The service's lock could not be had in time.
    #[error("another process holds the service's lock and does not go on: try again")]
    Busy,
    /// A file of the service is not as it has to be.
    #[error("the service's {file} is damaged ({reason}): end its processes and remove its folder")]
    Corrupted {
        /// The file.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}
