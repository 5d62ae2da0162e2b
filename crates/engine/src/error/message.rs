//! Why a message is not loaned, sent or received.

use std::io;

use super::node::NamespaceGone;
use super::system::SystemError;
use crate::id::Id;

/// Why nothing was loaned. Every limit and every chunk is as before ([RR-LOAN-03](crate#requirements)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoanError {
    /// The limit of loans is reached.
    #[error("{max} loans are held, the maximum: send or drop one, or raise the limit")]
    ExceedsMaxLoans {
        /// The maximum.
        max: usize,
    },
    /// A longer slice than the segment has room for.
    #[error("a slice of {len} elements does not fit, {max} do: raise initial_max_slice_len, or let the segment grow")]
    ExceedsMaxLoanSize {
        /// Elements asked for.
        len: usize,
        /// Elements that fit.
        max: usize,
    },
    /// No chunk is free.
    #[error("no chunk is free: receive and drop what is outstanding, or preallocate more")]
    OutOfMemory,
    /// The payload segment has to grow, and the system does not let it ([RR-DYN-05](crate#requirements)).
    #[error(
        "the payload segment cannot grow by {bytes} bytes ({}): make room in shared memory, or send shorter slices",
        errno.map_or_else(|| "unknown cause".to_owned(), |errno| io::Error::from_raw_os_error(errno).to_string())
    )]
    CannotGrow {
        /// Bytes of the segment that was asked for.
        bytes: usize,
        /// The system's number of the cause, if it gave one.
        errno: Option<i32>,
    },
    /// The payload segment has grown as often as it can ([RR-DYN-05](crate#requirements)).
    #[error(
        "the payload segment has grown {max} times, the most: create the port anew, with a larger initial_max_slice_len"
    )]
    GrownTooOften {
        /// Segments that a port can make in its life.
        max: usize,
    },
}

/// Why a message was not sent. Nothing of it is left ([RR-SND-10](crate#requirements)).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// As many pending responses are held as are allowed.
    #[error("{max} pending responses are held, the maximum: drop one, or raise max_active_requests")]
    ExceedsMaxActiveRequests {
        /// The maximum.
        max: usize,
    },
    /// A receiver's buffer is full and the backpressure handler gave up on it; the others have the message.
    #[error(
        "the buffer of {receiver} is full and the backpressure handler gave up: have it receive, or raise the buffer"
    )]
    UnableToDeliver {
        /// The first receiver that was given up on.
        receiver: Id,
    },
    /// The loan failed (only where loan and send are one call).
    #[error(transparent)]
    Loan(#[from] LoanError),
    /// A peer wrote what it must not; its connection is closed, the message went to the others.
    #[error("a peer wrote garbage into a connection, which is closed now: restart that peer")]
    ConnectionCorrupted,
    /// No server is connected, and one that is there cannot be now; it is tried again by later calls
    /// ([RR-BAD-04](crate#requirements)).
    #[error("a server cannot be connected ({0}): remove the cause, it is tried again with each call")]
    CannotAttach(#[source] Box<SystemError>),
    /// No server is connected, and the files of this port's node are not there any more (told once).
    #[error(transparent)]
    NamespaceGone(Box<NamespaceGone>),
}

/// Why nothing was received.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// As many messages are held as are allowed; nothing is lost.
    #[error("{max} messages are held, the maximum: drop one, or raise the limit")]
    ExceedsMaxBorrows {
        /// The maximum.
        max: usize,
    },
    /// A peer wrote what it must not; its connection is closed.
    #[error("a peer wrote garbage into a connection, which is closed now: restart that peer")]
    ConnectionCorrupted,
    /// The sender's payload segment has grown, and the new one could not be mapped; nothing is lost
    /// ([RR-BAD-04](crate#requirements)).
    #[error("the sender's new payload segment cannot be mapped: free descriptors or memory, and receive again")]
    CannotMap(#[source] Box<SystemError>),
    /// A peer cannot be connected now, and is told so; it is tried again by later calls
    /// ([RR-BAD-04](crate#requirements)).
    #[error("a peer cannot be connected ({0}): remove the cause, it is tried again with each call")]
    CannotAttach(#[source] Box<SystemError>),
    /// The sender of a message has gone, and could not leave the message behind: there was no room for a file's name.
    #[error("a message is lost: its sender has gone and could not leave it behind; make room in the namespace")]
    MessageLost,
    /// The files of this port's node are not there any more (told once); new nodes are in another namespace.
    #[error(transparent)]
    NamespaceGone(Box<NamespaceGone>),
}

/// Why no response was received within a time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveTimeoutError {
    /// The time is over, and a response may still come.
    #[error(
        "no response within {timeout:?}, and a server still has the request: wait again, or drop the pending response"
    )]
    Timeout {
        /// The time.
        timeout: std::time::Duration,
    },
    /// Receiving failed.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
}
