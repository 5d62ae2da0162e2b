//! Why nothing could be measured.

use std::fmt;

use crate::harness::error::HarnessError;

/// Why nothing could be measured. A trial that went wrong is no error but an invalid result.
#[derive(Debug)]
#[non_exhaustive]
pub enum BenchError {
    /// A subject or the harness.
    Harness(HarnessError),
    /// There is one processor where two are needed.
    OneProcessor,
    /// The kernel does not say which processors may be used.
    Affinity(nix::Error),
    /// Peers are to be real-time, and may not.
    NotRealTime(std::io::Error),
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

impl BenchError {
    /// Exit code of a command that ends with this: 2 for wrong use, 3 if there is nothing to measure on, else as the
    /// harness says.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Harness(error) => error.exit_code(),
            Self::PinEqual { .. } | Self::PinNotAllowed { .. } | Self::NotRealTime(_) => 2,
            Self::OneProcessor => 3,
            Self::Affinity(_) => 4,
        }
    }
}

impl From<HarnessError> for BenchError {
    fn from(error: HarnessError) -> Self {
        Self::Harness(error)
    }
}

impl fmt::Display for BenchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Harness(error) => error.fmt(f),
            Self::OneProcessor => f.write_str(
                "only one processor may be used here, and nothing can be measured on it: client and server wait for each \
                 other by spinning, at least for the floor, and would only measure the scheduler. Allow two processors \
                 (see taskset and the container's cpuset)",
            ),
            Self::Affinity(error) => write!(f, "the kernel does not say which processors may be used: {error}"),
            Self::NotRealTime(error) => write!(
                f,
                "processes cannot be put under SCHED_FIFO here ({error}): give this one CAP_SYS_NICE or a limit of real-time \
                 priorities (`ulimit -r 1`), or leave --real-time out"
            ),
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
            Self::Harness(error) => Some(error),
            Self::Affinity(error) => Some(error),
            Self::NotRealTime(error) => Some(error),
            _ => None,
        }
    }
}
