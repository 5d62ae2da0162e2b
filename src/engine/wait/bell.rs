//! The bell of a port: a named pipe, made when its owner wants a file descriptor that shows messages. Senders write a byte
//! to it when the wake word asks for that, and never wait.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use crate::engine::shm;

/// Opens the bell, never through a symbolic link. Both sides open it for both directions: so the owner never sees an end of
/// file when a sender dies, and no sender is sent a signal when the owner has.
///
/// # Errors
/// `InvalidData` for something that is not a pipe.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC | libc::O_NONBLOCK)
        .open(path)?;
    if file.metadata()?.file_type().is_fifo() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "not a pipe"))
    }
}

/// Makes the bell unless it is there, and opens it.
///
/// # Errors
/// Those of the system.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    match shm::make_pipe(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => open(path),
    }
}

/// Rings. A full pipe is as good as a byte more.
pub(crate) fn ring(mut bell: &File) {
    // Whatever fails here, the owner looks again after a slice of its own.
    let _ = bell.write(&[1]);
}

/// Takes what was rung.
pub(crate) fn drain(mut bell: &File) {
    let mut bytes = [0; 4096];
    // No more than once: what is left shows again.
    let _ = bell.read(&mut bytes);
}
