//! Why nothing could be measured.

use std::fmt;

/// Why nothing could be measured. A trial that went wrong is no error but an invalid result.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// The kernel does not say which processors may be used.
    Affinity(nix::Error),
    /// Client and server are to share a processor.
    PinEqual {
        /// The processor.
        cpu: usize,
    },
    /// A processor that this process may not use.
    PinNotAllowed {
        /// The processor.
        cpu: usize,
        /// Those that it may use.
        allowed: Vec<usize>,
    },
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Affinity(error) => write!(f, "the kernel does not say which processors may be used: {error}"),
            Self::PinEqual { cpu } => write!(
                f,
                "client and server cannot both be pinned to processor {cpu}: give two different ones, such as --pin 0,1"
            ),
            Self::PinNotAllowed { cpu, allowed } => {
                let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
                write!(
                    f,
                    "processor {cpu} may not be used here: choose two of {} (see taskset and the container's cpuset)",
                    allowed.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for BenchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Affinity(error) => Some(error),
            _ => None,
        }
    }
}
