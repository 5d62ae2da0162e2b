//! Writing what a run leaves: files appear complete or not at all, and what is no file takes what it is given.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::destination::{Destination, destination, parent};
use super::error::ReportError;
use super::streams;
use crate::harness::interrupt::interrupted;

/// How often a pipe without a reader is tried again.
const READER_PAUSE: Duration = Duration::from_millis(20);

/// Writes a file so that its name always has either the old or the new content; of a link, that is the file that it leads
/// to. Missing parent folders are made. What is no regular file, and a file that cannot be replaced because it is mounted
/// by itself or its folder is read-only, is written through. `-` is standard output.
///
/// A pipe with a name is waited for until somebody reads it or the run is interrupted.
///
/// # Errors
/// [`ReportError::Write`], with the path that could not be written; the temporary file is gone then. Standard output has
/// no errors here: [`streams::lost`] tells of them.
pub fn write_file(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    written(path, content).map_err(|source| ReportError::Write { path: path.to_owned(), source })
}

fn written(path: &Path, content: &[u8]) -> io::Result<()> {
    match destination(path)? {
        Destination::Stdout => {
            streams::print_bytes(content);
            Ok(())
        }
        Destination::Stderr => io::stderr().lock().write_all(content),
        Destination::Regular(target) => replaced(&target, content),
        Destination::Fifo(target) => opened_for_reader(&target)?.write_all(content),
        Destination::Other(target) => through(&target, content),
    }
}

fn replaced(target: &Path, content: &[u8]) -> io::Result<()> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the path does not end in a file name"))?;
    fs::create_dir_all(parent(target))?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}.tmp", std::process::id()));
    let temporary = parent(target).join(temporary_name);
    let replaced = File::create(&temporary).and_then(|mut file| {
        if let Ok(old) = fs::metadata(target) {
            file.set_permissions(old.permissions())?;
        }
        file.write_all(content)?;
        file.sync_data()?;
        fs::rename(&temporary, target)
    });
    replaced.or_else(|error| {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
        if cannot_be_replaced(&error) && target.is_file() { through(target, content) } else { Err(error) }
    })
}

/// Whether it is the folder that refuses, not the file: what is mounted by itself cannot be renamed over.
fn cannot_be_replaced(error: &io::Error) -> bool {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

fn through(target: &Path, content: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).truncate(true).open(target)?.write_all(content)
}

/// Opens a pipe for writing, which the kernel does only when it is read. An ordinary open could not be interrupted.
fn opened_for_reader(target: &Path) -> io::Result<File> {
    loop {
        let opened = OpenOptions::new().write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(target);
        match opened {
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::ENXIO as i32) => {
                if interrupted() {
                    return Err(io::Error::new(io::ErrorKind::Interrupted, "nobody reads this pipe"));
                }
                thread::sleep(READER_PAUSE);
            }
            Err(error) => return Err(error),
            Ok(file) => {
                fcntl(&file, FcntlArg::F_SETFL(OFlag::O_WRONLY))?;
                return Ok(file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file.txt");
        write_file(&path, b"old").unwrap();
        write_file(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_is_a_folder_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        fs::write(dir.path().join("taken/x"), "").unwrap();
        let error = write_file(&dir.path().join("taken"), b"new").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_without_a_file_name_is_an_error() {
        assert!(matches!(write_file(Path::new(".."), b""), Err(ReportError::Write { .. })));
    }

    #[test]
    fn the_target_of_a_link_is_replaced_and_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::create_dir(at("elsewhere")).unwrap();
        fs::write(at("elsewhere/file"), "old").unwrap();
        fs::set_permissions(at("elsewhere/file"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("elsewhere/file", at("link")).unwrap();
        symlink("elsewhere/none", at("dangling")).unwrap();
        write_file(&at("link"), b"new").unwrap();
        write_file(&at("dangling"), b"first").unwrap();
        assert!(at("link").is_symlink() && at("dangling").is_symlink());
        assert_eq!(fs::read(at("elsewhere/file")).unwrap(), b"new");
        assert_eq!(fs::metadata(at("elsewhere/file")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read(at("elsewhere/none")).unwrap(), b"first");
        assert_eq!(fs::read_dir(at("elsewhere")).unwrap().count(), 2, "nothing is left beside them");
    }

    #[test]
    fn a_device_and_a_pipe_take_what_they_are_given() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // More than a pipe holds, so that writing has to wait for reading.
        let content = vec![b'x'; 1 << 20];
        let reader = {
            let fifo = fifo.clone();
            thread::spawn(move || fs::read(fifo).unwrap())
        };
        write_file(&fifo, &content).unwrap();
        assert_eq!(reader.join().unwrap(), content);
        write_file(Path::new("/dev/null"), b"x").unwrap();
        assert!(!Path::new("/dev/null").is_file());
        let full = write_file(Path::new("/dev/full"), b"x").unwrap_err();
        assert!(full.to_string().contains("/dev/full"), "{full}");
    }
}
