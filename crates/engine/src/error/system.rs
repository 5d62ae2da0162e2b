//! What the system refuses: with its number, the file that it was about, and what helps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::shm::LockRefused;

/// A system call failed. Comparable, so that errors can be asserted in tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemError {
    /// What was being done.
    pub what: String,
    /// File or folder that it was done to, if it was one.
    pub path: Option<PathBuf>,
    /// Kind of failure.
    pub kind: io::ErrorKind,
    /// The system's number of it (`errno`), if the system gave one.
    pub errno: Option<i32>,
    /// The system's words.
    pub text: String,
    /// What helps, where that is known.
    pub remedy: Option<&'static str>,
}

impl SystemError {
    pub(crate) fn new(what: impl Into<String>, error: &io::Error) -> Self {
        // What wraps a failure of the system keeps its number.
        let inner = || {
            let inner = error.get_ref()?;
            let refused = inner.downcast_ref::<LockRefused>().map(|refused| refused.errno);
            refused.or_else(|| inner.downcast_ref::<Self>()?.errno)
        };
        let errno = error.raw_os_error().or_else(inner);
        let kind = error.kind();
        Self { what: what.into(), path: None, kind, errno, text: error.to_string(), remedy: remedy(errno, kind) }
    }

    /// With this remedy, unless the system's number has one of its own.
    pub(crate) fn or_remedy(mut self, remedy: &'static str) -> Self {
        self.remedy = self.remedy.or(Some(remedy));
        self
    }

    /// As [`SystemError::new`], where something was done to a file or a folder.
    pub(crate) fn at(what: impl Into<String>, path: &Path, error: &io::Error) -> Self {
        Self { path: Some(path.to_owned()), ..Self::new(what, error) }
    }

    /// Whether memory, disk space, descriptors or another limited resource ran out ([RR-BAD-04](crate#requirements)).
    pub fn is_exhaustion(&self) -> bool {
        match self.errno {
            Some(libc::EMFILE | libc::ENFILE | libc::ENOMEM | libc::ENOSPC | libc::EDQUOT | libc::EFBIG) => true,
            // Where memory was to be locked, these have a limit as their only cause, and that kind; elsewhere another.
            Some(libc::EAGAIN | libc::EPERM) => self.kind == io::ErrorKind::OutOfMemory,
            Some(_) => false,
            // Not from the system itself: the kind is all there is.
            None => matches!(
                self.kind,
                io::ErrorKind::StorageFull
                    | io::ErrorKind::OutOfMemory
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            ),
        }
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(path) = &self.path {
            write!(f, " at {}", path.display())?;
        }
        write!(f, ": {}", self.text)?;
        self.remedy.map_or(Ok(()), |remedy| write!(f, "; {remedy}"))
    }
}

impl std::error::Error for SystemError {}

/// Says what was being done when the system refused.
pub(crate) trait SystemContext<T> {
    /// As [`SystemError::at`].
    fn at(self, what: &str, path: &Path) -> Result<T, SystemError>;
    /// As [`SystemError::new`].
    fn doing(self, what: &str) -> Result<T, SystemError>;
}

impl<T> SystemContext<T> for io::Result<T> {
    fn at(self, what: &str, path: &Path) -> Result<T, SystemError> {
        self.map_err(|error| SystemError::at(what, path, &error))
    }
    fn doing(self, what: &str) -> Result<T, SystemError> {
        self.map_err(|error| SystemError::new(what, &error))
    }
}

/// What was found, or nothing where that is no failure.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What helps, where that follows from the system's number.
fn remedy(errno: Option<i32>, kind: io::ErrorKind) -> Option<&'static str> {
    Some(match errno? {
        libc::EMFILE => "raise the limit of open files (`ulimit -n`), or drop ports and services",
        libc::ENFILE => "the machine has too many open files: close some, or raise fs.file-max",
        libc::ENOMEM | libc::EAGAIN | libc::EPERM if kind == io::ErrorKind::OutOfMemory => {
            "free memory, or raise the limit of locked memory (`ulimit -l`) or of address space (`ulimit -v`)"
        }
        libc::ENOSPC | libc::EDQUOT => {
            "make room there, give a container more of it (`--shm-size`), or preallocate fewer messages"
        }
        libc::EFBIG => "raise the limit of a file's size (`ulimit -f`), or preallocate fewer messages",
        libc::EROFS => "mount it for writing, or name another folder in SHMARK_ROOT",
        libc::EACCES => {
            "let this user use the folder and all in it (`chown`, `chmod -R u+rwX`), or name another one in SHMARK_ROOT"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(errno: i32) -> SystemError {
        SystemError::at("making", Path::new("/a/b"), &io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn exhaustion_is_told_by_the_number_and_by_nothing_else() {
        for errno in [libc::EMFILE, libc::ENFILE, libc::ENOMEM, libc::ENOSPC, libc::EDQUOT, libc::EFBIG] {
            let error = numbered(errno);
            assert!(error.is_exhaustion(), "{error}");
            assert_eq!((error.errno, error.path.as_deref()), (Some(errno), Some(Path::new("/a/b"))));
        }
        for errno in [libc::EPERM, libc::EAGAIN, libc::EACCES, libc::ENOENT, libc::EINVAL, libc::EROFS] {
            assert!(!numbered(errno).is_exhaustion(), "{}", numbered(errno));
        }
        let words = io::Error::other("Too many open files");
        assert!(!SystemError::new("making", &words).is_exhaustion(), "words are not a number");
        let full = io::Error::new(io::ErrorKind::StorageFull, "x");
        assert!(SystemError::new("making", &full).is_exhaustion());
    }

    #[test]
    fn the_text_has_the_path_and_a_remedy() {
        let text = numbered(libc::ENOSPC).to_string();
        assert!(text.starts_with("making at /a/b: ") && text.contains("--shm-size"), "{text}");
        assert!(numbered(libc::EMFILE).to_string().contains("`ulimit -n`"));
        let without = SystemError::new("making", &io::Error::from_raw_os_error(libc::EIO)).to_string();
        assert!(without.starts_with("making: ") && without.ends_with("(os error 5)"), "{without}");
    }
}
