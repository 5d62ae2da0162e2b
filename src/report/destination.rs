//! What a path of a report means: a regular file is replaced, everything else is written through.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

/// Links that are followed one after the other, as the kernel does.
const LINKS_MAX: usize = 40;

/// Where the content of a path goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// `-`, or a name of the system for it.
    Stdout,
    /// A name of the system for standard error.
    Stderr,
    /// A regular file, or nothing so far; links are followed.
    Regular(PathBuf),
    /// A pipe with a name, to be opened when somebody reads it.
    Fifo(PathBuf),
    /// A device, a folder, or a descriptor of this process.
    Other(PathBuf),
}

/// Whether a path means standard output: `-`, `/dev/stdout` and the like.
pub fn is_stdout(path: &Path) -> bool {
    matches!(destination(path), Ok(Destination::Stdout))
}

/// # Errors
/// A link that cannot be read, or that leads in a circle.
pub(super) fn destination(path: &Path) -> io::Result<Destination> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match path.to_str() {
            Some("-" | "/dev/stdout" | "/dev/fd/1" | "/proc/self/fd/1") => return Ok(Destination::Stdout),
            Some("/dev/stderr" | "/dev/fd/2" | "/proc/self/fd/2") => return Ok(Destination::Stderr),
            _ => {}
        }
        match fs::symlink_metadata(&path) {
            Ok(meta) if meta.is_symlink() => {
                let folder = parent(&path);
                if folder.canonicalize()?.starts_with("/proc") {
                    // What the link says is no path: opening it is all that can be done.
                    return Ok(Destination::Other(path));
                }
                path = folder.join(fs::read_link(&path)?);
            }
            Ok(meta) if meta.is_file() => return Ok(Destination::Regular(path)),
            Ok(meta) if meta.file_type().is_fifo() => return Ok(Destination::Fifo(path)),
            Ok(_) => return Ok(Destination::Other(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Destination::Regular(path)),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("its links lead in a circle"))
}

/// The folder that a path is in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_to_what_they_mean() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "").unwrap();
        fs::create_dir(at("folder")).unwrap();
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
        symlink("file", at("link")).unwrap();
        symlink(at("link"), at("second")).unwrap();
        symlink("nothing-yet", at("dangling")).unwrap();
        symlink("/dev/stdout", at("out")).unwrap();
        symlink("circle", at("circle")).unwrap();
        for (name, meant) in [
            ("file", Destination::Regular(at("file"))),
            ("new", Destination::Regular(at("new"))),
            ("link", Destination::Regular(at("file"))),
            ("second", Destination::Regular(at("file"))),
            ("dangling", Destination::Regular(at("nothing-yet"))),
            ("fifo", Destination::Fifo(at("fifo"))),
            ("folder", Destination::Other(at("folder"))),
            ("out", Destination::Stdout),
        ] {
            assert_eq!(destination(&at(name)).unwrap(), meant, "{name}");
        }
        assert!(destination(&at("circle")).is_err());
        assert_eq!(destination(Path::new("/dev/null")).unwrap(), Destination::Other("/dev/null".into()));
        assert_eq!(destination(Path::new("/dev/stderr")).unwrap(), Destination::Stderr);
        assert!(is_stdout(Path::new("-")) && !is_stdout(Path::new("./-")));
        let descriptor = PathBuf::from("/proc/self/fd/0");
        assert_eq!(destination(&descriptor).unwrap(), Destination::Other(descriptor));
    }
}
