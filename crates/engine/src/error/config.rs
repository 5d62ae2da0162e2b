//! What may be wrong with a configuration file.

use std::io;
use std::path::PathBuf;

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
