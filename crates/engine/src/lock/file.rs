//! Files that are locked: opened safely, tried, marked by whoever takes the lock, and told from others of the same name; and
//! how locks of threads are taken.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::error::found;
use crate::shm;

/// Opens a file for locking, never through a symbolic link; `create` makes it if need be, for its owner alone.
///
/// # Errors
/// `InvalidData` for something that is not a regular file: reading a pipe would not end. Whatever the system says, with
/// its number: a lack of descriptors is no damage.
pub fn open(path: &Path, create: bool) -> io::Result<File> {
    let file = shm::open_options(0).create(create).mode(0o600).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"));
    }
    if create {
        shm::make_private(&file)?;
    }
    Ok(file)
}

/// Takes the lock if nobody has it.
pub fn try_acquire(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock of the file at `path`, if there is one that nobody has locked.
pub fn claim(path: &Path) -> io::Result<Option<File>> {
    let Some(file) = found(open(path, false))? else { return Ok(None) };
    Ok((try_acquire(&file)? && is_still_at(&file, path)?).then_some(file))
}

/// Says that the lock has a new holder, by the file's time of modification: it takes no room, and needs none.
pub(super) fn mark(file: &File) {
    // Without it those who wait give up sooner.
    let _ = file.set_modified(SystemTime::now());
}

pub(super) fn last_marked(file: &File) -> io::Result<(i64, i64)> {
    file.metadata().map(|meta| (meta.mtime(), meta.mtime_nsec()))
}

/// Takes the lock of a mutex whose value changes in one step each time, so that a panic elsewhere leaves nothing half done.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `path` still names the file that `file` is.
pub fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    let there = found(std::fs::symlink_metadata(path))?;
    Ok(there.is_some_and(|there| there.ino() == ours.ino() && there.dev() == ours.dev()))
}
