//! Errors: one variant for each violated rule, each text with its remedy.

mod system;

use std::io;
use std::path::PathBuf;

pub use system::SystemError;

use super::id::Id;
use super::name::InvalidName;

impl ServiceError {
    /// Whether it says that a service's files are not as they have to be. Nothing else is: what failed for want of
    /// descriptors, memory or permission may work the next time.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Corrupted { .. } | Self::VersionMismatch { .. })
    }

    /// For callers that report all failures as those of the system.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::System(error) => io::Error::new(error.kind, error),
            other => io::Error::other(other),
        }
    }
}

/// Why a configuration file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It is not there.
    #[error("the configuration file {} does not exist: make it, or unset SHMARK_CONFIG", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("the configuration file {} cannot be read ({text}): correct that, or name another in SHMARK_CONFIG", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Kind of failure.
        kind: io::ErrorKind,
        /// The system's words.
        text: String,
    },
    /// It is no such file.
    #[error("{} has more than 1 MiB and is no configuration file: name another in SHMARK_CONFIG", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// Something in it is wrong.
    #[error("{}:{line}:{column}: {message}; docs/CONFIGURATION.md has every key", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong, and what would be right.
        message: String,
    },
}

/// A node's file was removed or moved while the node lived, as a rule with the whole namespace. Others cannot find the node
/// any more and take it for dead; what is connected goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the namespace {} was removed or moved while it was in use, as logind does at logout (RemoveIPC) and jobs that tidy \
     up: end this process, and keep the folder, with `loginctl enable-linger`, RemoveIPC=no in logind.conf, or a root \
     elsewhere in SHMARK_ROOT",
    path.display()
)]
pub struct NamespaceGone {
    /// The namespace.
    pub path: PathBuf,
}

/// Why a node was not created, listed or cleaned up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The name is longer than the node's file holds.
    #[error("a node name has at most 255 bytes, this one has {bytes}: choose another")]
    NameTooLong {
        /// Bytes of the refused name.
        bytes: usize,
    },
    /// A relative path means another folder in every working folder.
    #[error(
        "the namespace {path:?} is a relative path, so that processes would not meet: name one that begins with a slash"
    )]
    RelativeRoot {
        /// The path.
        path: PathBuf,
    },
    /// A link, a file, or somebody else's folder.
    #[error("{} is no folder of this user: remove it, or name another in SHMARK_ROOT", path.display())]
    NotOurFolder {
        /// The path.
        path: PathBuf,
    },
    /// Its owner may not use the folder. Creating a node mends that.
    #[error("{} has mode {mode:04o}, with which its owner cannot use it: chmod u+rwx it", path.display())]
    FolderMode {
        /// The folder.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// A folder with something else in it, or nothing.
    #[error("{} is no namespace: it lacks {}", path.display(), lacks.display())]
    NotANamespace {
        /// The folder.
        path: PathBuf,
        /// What a namespace has.
        lacks: PathBuf,
    },
    /// Files there have whole huge pages only and cannot be written.
    #[error(
        "{} is in a file system of huge pages (hugetlbfs), whose files cannot be written: name a folder in a tmpfs in \
         SHMARK_ROOT; a tmpfs that is mounted with huge=within_size has huge pages, too",
        path.display()
    )]
    HugePages {
        /// The namespace.
        path: PathBuf,
    },
    /// [`NamespaceGone`].
    #[error(transparent)]
    NamespaceGone(#[from] NamespaceGone),
    /// The configuration file cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

/// Why a service was not created or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceError {
    /// [`InvalidName`].
    #[error(transparent)]
    InvalidName(#[from] InvalidName),
    /// It exists.
    #[error("the service exists: open it, or choose another name")]
    AlreadyExists,
    /// It does not exist.
    #[error("there is no such service: create it first, or use open_or_create")]
    DoesNotExist,
    /// Another name has the same folder.
    #[error("the service's folder belongs to the service {other:?}: choose another name")]
    NameCollision {
        /// The name that is there.
        other: String,
    },
    /// Payload or user header differ.
    #[error("{part}: the service has {has}, asked for was {asked}: use the service's types")]
    IncompatibleTypes {
        /// Which of the four types.
        part: &'static str,
        /// The service's.
        has: String,
        /// The opener's.
        asked: String,
    },
    /// An attribute that is required is not there, or is another.
    #[error("attribute {key:?}: required is {asked:?}, the service has {has:?}: require what it has")]
    IncompatibleAttributes {
        /// The attribute.
        key: String,
        /// The required value.
        asked: String,
        /// The service's value.
        has: Option<String>,
    },
    /// A behaviour differs.
    #[error("{setting}: asked for was {asked}, the service has {has}: leave it out or ask for what it has")]
    IncompatibleBehaviour {
        /// The behaviour.
        setting: &'static str,
        /// The opener's.
        asked: bool,
        /// The service's.
        has: bool,
    },
    /// A count is too small.
    #[error("{setting}: asked for were at least {asked}, the service has {has}: ask for less, or create it with more")]
    DoesNotSupport {
        /// The count.
        setting: &'static str,
        /// The opener's.
        asked: usize,
        /// The service's.
        has: usize,
    },
    /// A count beyond every use.
    #[error("{setting}: {asked} is more than 65536: ask for less")]
    CountTooLarge {
        /// The count.
        setting: &'static str,
        /// What was asked for.
        asked: usize,
    },
    /// An alignment that cannot be had.
    #[error("an alignment is a power of two up to 4096, {asked} is not: choose another")]
    InvalidAlignment {
        /// What was asked for.
        asked: usize,
    },
    /// A type with a wider alignment than a mapping has.
    #[error(
        "{part}: {name} is aligned to {align} bytes, at most {max} can be had: use a type with a smaller alignment"
    )]
    TypeAlignment {
        /// Which of the four types.
        part: &'static str,
        /// The type.
        name: String,
        /// Its alignment, bytes.
        align: usize,
        /// The largest one, bytes.
        max: usize,
    },
    /// A type that fits no segment.
    #[error("{part}: {name} has {bytes} bytes, at most {max} can be had: send it in parts")]
    TypeTooLarge {
        /// Which of the four types.
        part: &'static str,
        /// The type.
        name: String,
        /// Its bytes.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// More than the file of the service's settings holds.
    #[error(
        "the service's settings and attributes take {bytes} bytes, at most {max} can be had: attributes are for labels, \
         put data into a file and its path into an attribute"
    )]
    AttributesTooLarge {
        /// What they would take.
        bytes: usize,
        /// The most.
        max: usize,
    },
    /// [`NamespaceGone`].
    #[error(transparent)]
    NamespaceGone(#[from] NamespaceGone),
    /// All places for nodes are taken.
    #[error("the service is open in {max_nodes} nodes, its maximum: close one, or create it with a larger max_nodes")]
    ExceedsMaxNodes {
        /// The maximum.
        max_nodes: usize,
    },
    /// Its lock could not be had in time.
    #[error("another process is creating, opening or leaving the service and does not go on: try again")]
    InCreation,
    /// A file of the service is not as it has to be ([RR-BAD-01](crate#requirements)).
    #[error("the service's {file} is damaged ({reason}): end its processes and remove its folder")]
    Corrupted {
        /// The file.
        file: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Made by another version of this engine.
    #[error("the service has layout version {has}, this engine speaks {speaks}: use the same version on both sides")]
    VersionMismatch {
        /// The service's version.
        has: u64,
        /// Ours.
        speaks: u64,
    },
    /// The system refused.
    #[error(transparent)]
    System(#[from] SystemError),
}

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
    /// The files of this port's node are not there any more (told once); newcomers are in another world.
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
