//! Why a service is not open.

use std::io;

use super::node::NamespaceGone;
use super::system::SystemError;
use crate::name::InvalidName;

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

impl ServiceError {
    /// Whether it says that a service's files are not as they have to be. Nothing else is: what failed for lack of
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
