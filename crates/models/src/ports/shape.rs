//! What a service and its ports are asked to be, what is refused, and what a message says.

use crate::segment::Growth;

/// What the service is asked to be. Requests and responses are slices of `u64`, and both have a `u64` as user header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "three independent settings of a service")]
pub struct PortSettings {
    /// A full request buffer gives up its oldest request; otherwise a request that does not fit is discarded there.
    pub overflow_requests: bool,
    /// The same for responses.
    pub overflow_responses: bool,
    /// Requests are delivered even if nobody waits for their responses any more.
    pub fire_and_forget: bool,
    /// Pending responses of a client, active requests of a client at a server, and unread requests between two ports.
    pub max_active_requests: usize,
    /// Requests that a client has loaned at once.
    pub max_loaned_requests: usize,
    /// Responses that a pending response holds of one server at once.
    pub max_borrowed_responses: usize,
    /// Unread responses of one server to one request.
    pub response_buffer: usize,
    /// Servers of the service at once.
    pub max_servers: usize,
    /// Clients of the service at once.
    pub max_clients: usize,
    /// Clients that have left and of which a server has unread requests, at once; nothing is lost below this.
    pub max_departed_clients: usize,
    /// Nodes that use the service: 2.
    pub max_nodes: usize,
}

/// Where a port's messages lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizing {
    /// What happens to longer messages.
    pub growth: Growth,
    /// Elements that fit without growing.
    pub len_initial: usize,
    /// Messages that there is room for without growing; as many as the limits allow, if nothing is said.
    pub preallocate: Option<usize>,
}

/// What a client is asked to be. It discards what does not fit a full buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientShape {
    /// Which of the two nodes it belongs to, 0 or 1.
    pub node: usize,
    /// Pending responses at once; the service's maximum, if nothing is said.
    pub max_active_requests: Option<usize>,
    /// Whether a backpressure handler is asked where a buffer is full: tries once more, then discards.
    pub handler: bool,
    /// Where its requests lie.
    pub sizing: Sizing,
}

/// What a server is asked to be. It discards what does not fit a full buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerShape {
    /// Which of the two nodes it belongs to, 0 or 1.
    pub node: usize,
    /// Responses that each active request has loaned at once.
    pub max_loaned_responses: usize,
    /// As [`ClientShape::handler`].
    pub handler: bool,
    /// Where its responses lie.
    pub sizing: Sizing,
}

/// Why something was refused; nothing has changed then. For any other error an adapter may panic: that is a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There are as many clients as there can be.
    TooManyClients {
        /// The maximum.
        max: usize,
    },
    /// There are as many servers as there can be.
    TooManyServers {
        /// The maximum.
        max: usize,
    },
    /// A server has unread requests of as many departed clients as there can be.
    TooManyDeparted {
        /// The maximum.
        max: usize,
    },
    /// As many pending responses are held as can be, or more are asked for than the service has.
    TooManyActiveRequests {
        /// The maximum.
        max: usize,
    },
    /// As many loans are held as can be.
    TooManyLoans {
        /// The maximum.
        max: usize,
    },
    /// A longer slice than fits.
    TooLong {
        /// What fits.
        max: usize,
    },
    /// As many messages are held as can be.
    TooManyHeld {
        /// The maximum.
        max: usize,
    },
    /// No chunk is free.
    NoMemory,
    /// The system has no more memory or descriptors; legal only during [`Ports::shortage`](super::Ports::shortage).
    Shortage,
}

/// What the system runs out of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shortage {
    /// File descriptors.
    Descriptors {
        /// So many are left.
        free: usize,
    },
    /// Shared memory, for what there is not yet.
    Memory {
        /// No file becomes longer than this, in KiB.
        file_kib_max: usize,
    },
}

/// A request as a server holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedRequest {
    /// The user header.
    pub header: u64,
    /// The elements.
    pub payload: Vec<u64>,
    /// Who sent it.
    pub client: u128,
}

/// A response as a client holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedResponse {
    /// The user header.
    pub header: u64,
    /// The elements.
    pub payload: Vec<u64>,
    /// Who sent it.
    pub server: u128,
}

/// Something that has a name in the service's namespace, and the ports that it is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortFile<Id = u128> {
    /// What a client and a server share, before both have it.
    Connection {
        /// The client.
        client: Id,
        /// The server.
        server: Id,
    },
    /// A payload segment of a port from which something can still be sent.
    Segment {
        /// Whose.
        sender: Id,
    },
    /// What a port that is gone keeps for one reader.
    HandedOver {
        /// Who wrote it.
        sender: Id,
        /// Who has not read it yet.
        reader: Id,
    },
    /// Anything else of a port.
    Other {
        /// Whose.
        port: Id,
    },
}
