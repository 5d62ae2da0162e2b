//! Named pipes, which std does not make.

use std::ffi::CString;
use std::fs::Permissions;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Makes a named pipe, readable and writable by its owner alone.
///
/// # Errors
/// `AlreadyExists`, and whatever else the system says.
pub fn make_pipe(path: &Path) -> io::Result<()> {
    let name = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the call reads a string that ends with 0 and lives until it returns.
    if unsafe { libc::mkfifo(name.as_ptr(), 0o600) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Whatever the process's mask has left of it. By path: opening it may need the very rights that it lacks.
    std::fs::set_permissions(path, Permissions::from_mode(0o600)).inspect_err(|_| {
        // The first error is the one worth telling.
        let _ = std::fs::remove_file(path);
    })
}
