//! Why there is no node, and what may be wrong with its configuration file.

use std::io;
use std::path::PathBuf;

use super::system::SystemError;

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
