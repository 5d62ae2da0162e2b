//! Where the two sides of a transport find each other: a file in the namespace, gone when the server is.

use std::fs;
use std::path::{Path, PathBuf};

use shmark_peer::kit::implementation::{BenchSetup, OpResult, Refusal, Touch};
use shmark_peer::kit::payload::crc32;
use shmark_peer::protocol::ErrorClass;

/// Path of a setup's file. Service names may hold anything, so a checksum stands for them.
///
/// # Errors
/// A load that no transport has.
pub(super) fn path(setup: &BenchSetup, extension: &str) -> OpResult<PathBuf> {
    if setup.load.idle_clients > 0 {
        return Err(Refusal::Unsupported("a transport has one connection and no idle clients".to_owned()));
    }
    if setup.load.touch == Touch::Stamp {
        return Err(Refusal::Unsupported("a transport copies every byte of a payload".to_owned()));
    }
    Ok(Path::new(&setup.root).join(format!("{:08x}.{extension}", crc32(setup.service.as_bytes()))))
}

/// A file that is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Place(PathBuf);

impl Place {
    /// Takes over a file that was just made.
    pub(super) fn new(path: PathBuf) -> Self {
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
pub(super) fn refusal(what: &str, path: &Path, error: &std::io::Error) -> Refusal {
    let class = match error.kind() {
        std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::AddrInUse => ErrorClass::AlreadyExists,
        std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused => ErrorClass::DoesNotExist,
        std::io::ErrorKind::PermissionDenied => ErrorClass::Permission,
        _ => ErrorClass::Other,
    };
    Refusal::Error { class, native: format!("{what} {}: {error}", path.display()), setting: None }
}
