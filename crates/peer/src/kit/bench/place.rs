//! Where the two sides of a transport find each other: a file in the namespace, gone when the server is.
//!
//! For subjects that have no services, loans or pending responses, and therefore only the benchmark mode.

use std::fs;
use std::path::{Path, PathBuf};

use crate::kit::implementation::{BenchSetup, OpResult, Refusal, Touch};
use crate::kit::payload::crc32;
use crate::protocol::ErrorClass;

/// Path of a setup's file. Service names may hold anything, so a checksum stands for them.
///
/// # Errors
/// A load that no transport has.
pub fn path(setup: &BenchSetup, extension: &str) -> OpResult<PathBuf> {
    if setup.load.idle_clients > 0 {
        return Err(unsupported("a transport has one connection and no idle clients"));
    }
    if setup.load.touch == Touch::Stamp {
        return Err(unsupported("a transport copies every byte of a payload"));
    }
    Ok(Path::new(&setup.root).join(format!("{:08x}.{extension}", crc32(setup.service.as_bytes()))))
}

/// The answer to what a subject does not have.
pub fn unsupported(why: impl Into<String>) -> Refusal {
    Refusal::Unsupported(why.into())
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    /// Takes over a file that was just made.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Somebody may have cleaned the namespace already.
        let _ = fs::remove_file(&self.0);
    }
}

/// What the system said about a path, as the protocol's refusal.
pub fn refusal(what: &str, path: &Path, error: &std::io::Error) -> Refusal {
    let class = match error.kind() {
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::AddrInUse => ErrorClass::AlreadyExists,
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => ErrorClass::DoesNotExist,
        std::io::ErrorKind::PermissionDenied => ErrorClass::Permission,
        _ => ErrorClass::Other,
    };
    Refusal::Error { class, native: format!("{what} {}: {error}", path.display()), setting: None }
}
