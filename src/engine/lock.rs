//! Locks on files: held by one open file description, released by the kernel when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a service's lock is waited for. It is held for microseconds; only a stopped process holds it longer.
pub const LOCK_WAIT: Duration = Duration::from_secs(1);

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub struct Guard<'a>(&'a File);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        // Unlocking a lock that is held cannot fail; were it to, closing the file releases it.
        let _ = self.0.unlock();
    }
}

/// Opens a file for locking, never through a symbolic link; `create` makes it if need be.
///
/// # Errors
/// `InvalidData` for something that is not a regular file: reading a pipe would not end.
pub fn open(path: &Path, create: bool) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(create)
        .truncate(false)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidData, "not a regular file"))
    }
}

/// Takes the lock if nobody has it.
pub fn try_acquire(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the lock within `wait`.
///
/// # Errors
/// `TimedOut` if somebody holds it all that time.
pub fn acquire(file: &File, wait: Duration) -> io::Result<Guard<'_>> {
    let end = Instant::now() + wait;
    let mut pause = Duration::from_micros(5);
    loop {
        if try_acquire(file)? {
            return Ok(Guard(file));
        }
        if Instant::now() >= end {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the service's lock"));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
}

/// Whether `path` still names the file that `file` is.
pub fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(there) => Ok(there.ino() == ours.ino() && there.dev() == ours.dev()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_a_deadline_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (a, b) = (open(&path, true).unwrap(), open(&path, true).unwrap());
        let held = acquire(&a, LOCK_WAIT).unwrap();
        let started = Instant::now();
        let error = acquire(&b, Duration::from_millis(20)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(started.elapsed() >= Duration::from_millis(20));
        drop(held);
        assert!(acquire(&b, LOCK_WAIT).is_ok());
    }

    #[test]
    fn a_pipe_and_a_link_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(open(&pipe, false).unwrap_err().kind(), io::ErrorKind::InvalidData);
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        assert!(open(&link, true).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn a_replaced_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let old = open(&path, true).unwrap();
        assert!(is_still_at(&old, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_still_at(&old, &path).unwrap());
        open(&path, true).unwrap();
        assert!(!is_still_at(&old, &path).unwrap() || cfg!(not(target_os = "linux")));
    }
}
