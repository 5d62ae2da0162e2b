//! What was done, and what came of it.

use std::fmt;

use super::{ClientShape, PortFile, Refused, ServerShape, Shortage, Sizing};

/// Number of a port, a request or a response, from 1 in the order in which they were made.
pub type Key = usize;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    CreateClient {
        client: Key,
        shape: ClientShape,
        result: Result<(), Refused>,
    },
    DropClient {
        client: Key,
    },
    CreateServer {
        server: Key,
        shape: ServerShape,
        result: Result<(), Refused>,
    },
    DropServer {
        server: Key,
    },
    Loan {
        client: Key,
        request: Key,
        len: usize,
        result: Result<(), Refused>,
    },
    DropLoan {
        request: Key,
    },
    Send {
        request: Key,
        result: Result<usize, Refused>,
    },
    /// Sent to whoever has room; then a handler may do something, and the others are tried once more.
    SendBegins {
        request: Key,
    },
    SendEnds {
        request: Key,
        result: Result<usize, Refused>,
    },
    Hint {
        request: Key,
    },
    DropPending {
        request: Key,
    },
    PendingIsConnected {
        request: Key,
        result: bool,
    },
    HasRequests {
        server: Key,
        result: bool,
    },
    Receive {
        server: Key,
        result: Result<Option<Key>, Refused>,
    },
    DropActive {
        request: Key,
        server: Key,
    },
    ActiveIsConnected {
        request: Key,
        server: Key,
        result: bool,
    },
    HasHint {
        request: Key,
        server: Key,
        result: bool,
    },
    LoanResponse {
        request: Key,
        server: Key,
        response: Key,
        len: usize,
        result: Result<(), Refused>,
    },
    DropResponseLoan {
        response: Key,
    },
    SendResponse {
        response: Key,
        result: Result<(), Refused>,
    },
    HasResponse {
        request: Key,
        result: bool,
    },
    ReceiveResponse {
        request: Key,
        result: Result<Option<Key>, Refused>,
    },
    DropResponse {
        response: Key,
    },
    ClientChunks {
        client: Key,
        result: usize,
    },
    ServerChunks {
        server: Key,
        result: usize,
    },
    /// Something runs out, or comes back.
    Shortage {
        shortage: Option<Shortage>,
    },
    /// `collected`: every port that exists has just taken back what had been returned.
    Files {
        files: Vec<PortFile<Key>>,
        collected: bool,
    },
}

struct Sized<'a>(&'a Sizing);

impl fmt::Display for Sized<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sizing { growth, len_initial, preallocate } = self.0;
        write!(f, "{growth:?} from {len_initial} elements")?;
        preallocate.map_or(Ok(()), |messages| write!(f, " and {messages} messages"))
    }
}

impl fmt::Display for PortFile<Key> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection { client, server } => write!(f, "the connection of c{client} and s{server}"),
            Self::Segment { sender } => write!(f, "a segment of port {sender}"),
            Self::HandedOver { sender, reader } => {
                write!(f, "a segment of port {sender}, which is gone, for port {reader}")
            }
            Self::Other { port } => write!(f, "another file of port {port}"),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateClient { client, shape, result } => {
                write!(f, "c{client} = new client, max_active_requests {:?}, ", shape.max_active_requests)?;
                write!(f, "{} -> {result:?}", Sized(&shape.sizing))
            }
            Self::DropClient { client } => write!(f, "drop c{client}"),
            Self::CreateServer { server, shape, result } => {
                write!(f, "s{server} = new server, {} loans for each request, ", shape.max_loaned_responses)?;
                write!(f, "{} -> {result:?}", Sized(&shape.sizing))
            }
            Self::DropServer { server } => write!(f, "drop s{server}"),
            Self::Loan { client, request, len, result } => {
                write!(f, "c{client}: loan request {request} of {len} elements -> {result:?}")
            }
            Self::DropLoan { request } => write!(f, "drop loaned request {request}"),
            Self::Send { request, result } => write!(f, "send request {request} -> delivered: {result:?}"),
            Self::SendBegins { request } => write!(f, "send request {request}, with a handler, which did:"),
            Self::SendEnds { request, result } => write!(f, "so request {request} is sent -> delivered: {result:?}"),
            Self::Hint { request } => write!(f, "pending {request}: hint"),
            Self::DropPending { request } => write!(f, "drop pending {request}"),
            Self::PendingIsConnected { request, result } => write!(f, "pending {request} is connected: {result}"),
            Self::HasRequests { server, result } => write!(f, "s{server} has requests: {result}"),
            Self::Receive { server, result } => write!(f, "s{server}: receive -> request {result:?}"),
            Self::DropActive { request, server } => write!(f, "drop active {request} at s{server}"),
            Self::ActiveIsConnected { request, server, result } => {
                write!(f, "active {request} at s{server} is connected: {result}")
            }
            Self::HasHint { request, server, result } => write!(f, "active {request} at s{server} has hint: {result}"),
            Self::LoanResponse { request, server, response, len, result } => {
                write!(f, "active {request} at s{server}: loan response {response} of {len} elements -> {result:?}")
            }
            Self::DropResponseLoan { response } => write!(f, "drop loaned response {response}"),
            Self::SendResponse { response, result } => write!(f, "send response {response} -> {result:?}"),
            Self::HasResponse { request, result } => write!(f, "pending {request} has response: {result}"),
            Self::ReceiveResponse { request, result } => {
                write!(f, "pending {request}: receive -> response {result:?}")
            }
            Self::DropResponse { response } => write!(f, "drop response {response}"),
            Self::ClientChunks { client, result } => write!(f, "c{client} has {result} chunks in use"),
            Self::ServerChunks { server, result } => write!(f, "s{server} has {result} chunks in use"),
            Self::Shortage { shortage: Some(Shortage::Descriptors { free }) } => {
                write!(f, "descriptors run out: {free} are left")
            }
            Self::Shortage { shortage: Some(Shortage::Memory { file_kib_max }) } => {
                write!(f, "memory runs out: no file becomes longer than {file_kib_max} KiB")
            }
            Self::Shortage { shortage: None } => write!(f, "there is enough again"),
            Self::Files { files, .. } => {
                write!(f, "in the namespace: {} files", files.len())?;
                files.iter().take(8).try_for_each(|file| write!(f, "; {file}"))
            }
        }
    }
}
