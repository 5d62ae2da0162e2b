//! Of files and threads, what std does not offer: whose files are, in what file system they lie, how long they may become,
//! named pipes, and signals of threads.

use std::ffi::CString;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// What a call says that returns a negative number when it fails.
pub(super) fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The user whose rights this process has.
pub fn user() -> u32 {
    // SAFETY: touches no memory, and never fails.
    unsafe { libc::geteuid() }
}

/// Whether a folder is in a file system of huge pages, whose files can be mapped and not written, in whole huge pages only.
///
/// # Errors
/// Those of the system.
pub fn has_huge_pages(path: &Path) -> io::Result<bool> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the call reads a string that ends with 0 and writes into `found`; both live until it returns.
    checked(unsafe { libc::statfs(path.as_ptr(), found.as_mut_ptr()) })?;
    // SAFETY: the call has succeeded, so it has filled all of it; every bit pattern is a value.
    Ok(unsafe { found.assume_init() }.f_type == libc::HUGETLBFS_MAGIC)
}

/// Makes a file readable and writable by its owner and by nobody else, whatever the process's mask has left of that.
///
/// # Errors
/// Those of the system.
pub fn make_private(file: &File) -> io::Result<()> {
    file.set_permissions(Permissions::from_mode(0o600))
}

/// Fails where a file must not become `len` bytes long: going on would end the process by `SIGXFSZ`.
///
/// # Errors
/// `FileTooLarge` (`EFBIG`), which is what the system says to processes that ignore the signal.
pub fn may_extend(len: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes into `limit`, which lives until it returns.
    checked(unsafe { libc::getrlimit(libc::RLIMIT_FSIZE, &raw mut limit) })?;
    if len <= limit.rlim_cur { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EFBIG)) }
}

/// To open a file for reading and writing, never through a symbolic link; with more `flags`.
pub fn open_options(flags: libc::c_int) -> OpenOptions {
    let mut options = File::options();
    options.read(true).write(true).custom_flags(flags | libc::O_NOFOLLOW | libc::O_CLOEXEC);
    options
}

/// Writes all of a new file.
///
/// # Errors
/// As [`may_extend`], and those of the system.
pub fn fill(file: &mut File, bytes: &[u8]) -> io::Result<()> {
    may_extend(bytes.len() as u64)?;
    file.write_all(bytes)
}

/// Makes a named pipe, readable and writable by its owner alone.
///
/// # Errors
/// `AlreadyExists`, and whatever else the system says.
pub fn make_pipe(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the call reads a string that ends with 0 and lives until it returns.
    checked(unsafe { libc::mkfifo(name.as_ptr(), 0o600) })?;
    // Whatever the process's mask has left of it. By path: opening it may need the very rights that it lacks.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).inspect_err(|_| {
        // The first error is the one worth telling.
        let _ = std::fs::remove_file(path);
    })
}

/// Keeps all signals from the calling thread, so that they reach the program's own.
pub(crate) fn block_signals() {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: sigfillset writes the whole set before pthread_sigmask reads it; no old set is asked for. Neither keeps the
    // pointer, and nothing here comes from a peer.
    unsafe {
        libc::sigfillset(set.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut());
    }
}
