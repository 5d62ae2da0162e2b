//! Files mapped into memory, and the only view of them that safe code gets: atomic words.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapOptions, MmapRaw};

use super::system::{make_private, may_extend, open_options};

/// Largest file that is ever mapped: 1 TiB. A longer one was not made by this engine.
pub const FILE_BYTES_MAX: u64 = 1 << 40;

/// A shared file, mapped whole. The length is fixed when it is mapped and never read again.
///
/// Every byte may change at any moment, written by a process that cannot be trusted; all access is by atomic words or by
/// raw chunk access inside `engine::shm`.
#[derive(Debug)]
pub struct Mapping {
    map: MmapRaw,
    /// Whole words that may be accessed as atomics: 0 if the mapping is read-only.
    words: usize,
}

impl Mapping {
    /// Creates a file of `len` bytes, all zero, readable and writable by its owner alone, and maps it.
    ///
    /// The pages are reserved, so that full shared memory is an error here and not a signal later.
    ///
    /// # Errors
    /// `AlreadyExists`, `StorageFull`, `FileTooLarge` beyond `ulimit -f`, and whatever else the system says, with its
    /// number. The file is gone again after an error.
    pub fn create(path: &Path, len: usize) -> io::Result<Self> {
        let file = open_options(0).create_new(true).mode(0o600).open(path)?;
        let made = make_private(&file).and_then(|()| reserve(&file, len));
        made.and_then(|()| Self::map(&file, len, true)).inspect_err(|_| {
            // The first error is the one worth telling.
            let _ = std::fs::remove_file(path);
        })
    }

    /// Maps an existing file, never through a symbolic link.
    ///
    /// # Errors
    /// `InvalidData` for something that is not a regular file, is empty, absurdly long or not reserved whole: damage.
    /// Whatever the system says, with its number: a lack of descriptors or memory is no damage.
    pub fn open(path: &Path, writable: bool) -> io::Result<Self> {
        Self::open_file(path, writable, false)
    }

    /// As [`Mapping::open`], read-only, of a file whose pages may have been given back where nothing is to be read.
    ///
    /// # Errors
    /// As there.
    pub fn open_with_holes(path: &Path) -> io::Result<Self> {
        Self::open_file(path, false, true)
    }

    fn open_file(path: &Path, writable: bool, may_have_holes: bool) -> io::Result<Self> {
        let file = open_options(libc::O_NONBLOCK).write(writable).open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() || meta.len() == 0 || meta.size() > FILE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a shared-memory file of this engine"));
        }
        // A sparse file raises SIGBUS where a page cannot be had; every file of this engine is reserved whole.
        if !may_have_holes && meta.blocks() * 512 < meta.len() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the file's pages are not reserved"));
        }
        Self::map(&file, meta.len() as usize, writable)
    }

    fn map(file: &File, len: usize, writable: bool) -> io::Result<Self> {
        let mut options = MmapOptions::new();
        options.len(len);
        let map = if writable { options.map_raw(file)? } else { options.map_raw_read_only(file)? };
        let words = if writable { len / 8 } else { 0 };
        Ok(Self { map, words })
    }

    /// Bytes mapped.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Never: an empty file is not mapped.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The whole file as atomic words; bytes behind the last whole word are left out. Empty for a read-only mapping, so
    /// that no store can fault.
    #[inline]
    #[allow(clippy::cast_ptr_alignment, reason = "a mapping begins at a page")]
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is page-aligned, readable and writable for `words` words as long as `self` lives, and every
        // bit pattern is a valid AtomicU64, so garbage from a peer is only a wrong number. A process that shortens the
        // file is outside of what can be defended here (THREATS.md, T2).
        unsafe { std::slice::from_raw_parts(self.map.as_mut_ptr().cast::<AtomicU64>(), self.words) }
    }

    /// Touches every page and keeps it in memory, until the mapping is gone.
    ///
    /// # Errors
    /// `OutOfMemory` beyond what the process may lock (`ulimit -l`), with [`LockRefused`] as its cause.
    pub fn lock_in_memory(&self) -> io::Result<()> {
        self.map.lock().map_err(|error| match error.raw_os_error() {
            Some(errno @ (libc::ENOMEM | libc::EAGAIN | libc::EPERM)) => {
                io::Error::new(io::ErrorKind::OutOfMemory, LockRefused { errno, bytes: self.len() })
            }
            _ => error,
        })
    }

    /// Gives the whole pages among `len` bytes from `from` on back to the system; they read as zeros from then on, in every
    /// process. Only the file's owner does that, with bytes that nobody reads.
    pub(super) fn give_back(&self, from: usize, len: usize) {
        let page = page_bytes();
        let first = from.next_multiple_of(page);
        let end = from.saturating_add(len).min(self.len()) / page * page;
        if first < end && self.words > 0 {
            // SAFETY: whole pages within the mapping, which is shared and writable and lives as long as `self`. Bytes that read
            // as zeros are a value like any other to whoever looks there; no reference of ours points there, since chunks that
            // are free have none. A failure leaves the pages where they are.
            unsafe { libc::madvise(self.map.as_mut_ptr().add(first).cast(), end - first, libc::MADV_REMOVE) };
        }
    }

    /// Start of the mapping, for chunk access within `engine::shm`.
    pub(super) fn base(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}

/// Whether a file could not be opened or mapped because of what it is, which no second try changes, and not for lack of
/// descriptors, memory or permission.
pub fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
        || matches!(error.raw_os_error(), Some(libc::ELOOP | libc::EISDIR | libc::ENXIO | libc::ENOTDIR))
}

/// The system does not keep so many bytes in memory for this process.
#[derive(Debug, thiserror::Error)]
#[error(
    "{} (locking {bytes} bytes into memory)",
    io::Error::from_raw_os_error(*errno)
)]
pub struct LockRefused {
    /// The system's number: `ENOMEM`, `EAGAIN`, or `EPERM` where the limit is 0.
    pub errno: i32,
    bytes: usize,
}

fn page_bytes() -> usize {
    // SAFETY: touches no memory of ours.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(1 << 16)
}

/// Gives the file `len` bytes that are backed by memory.
fn reserve(file: &File, len: usize) -> io::Result<()> {
    may_extend(len as u64)?;
    let len = libc::off_t::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
    loop {
        // SAFETY: a system call on a descriptor that `file` keeps open; it touches no memory of ours.
        match unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, len) } {
            0 => return Ok(()),
            libc::EINTR => {}
            error => return Err(io::Error::from_raw_os_error(error)),
        }
    }
}
