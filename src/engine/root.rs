//! The folder in which everything of one namespace lives.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::config::Config;

/// Environment variable that names the root.
pub const ROOT_VARIABLE: &str = "SHMARK_ROOT";

/// A namespace: services of different roots never meet (RR-SVC-05).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    path: PathBuf,
}

impl Root {
    /// The root that `SHMARK_ROOT` names, else that of the configuration, else a folder for this user in `/dev/shm`.
    ///
    /// # Errors
    /// As [`Root::at`].
    pub fn from_environment(config: &Config) -> io::Result<Self> {
        Self::at(&Self::path_from_environment(config)?)
    }

    /// Where [`Root::from_environment`] is, without making it.
    ///
    /// # Errors
    /// What the system says.
    pub fn path_from_environment(config: &Config) -> io::Result<PathBuf> {
        let named = std::env::var_os(ROOT_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        match named.or_else(|| config.root.clone()) {
            Some(path) => Ok(path),
            None => Ok(format!("/dev/shm/shmark-{}", own_uid()?).into()),
        }
    }

    /// The root at `path` if there is one, without making anything.
    ///
    /// # Errors
    /// As [`Root::at`]; `InvalidInput` for a folder that is no root.
    pub fn existing(path: &Path) -> io::Result<Option<Self>> {
        let root = Self { path: path.to_owned() };
        match check_folder(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            checked => checked?,
        }
        for folder in [root.nodes(), root.services()] {
            check_folder(&folder).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => {
                    let text = format!("{} is no namespace: it lacks {}", path.display(), folder.display());
                    io::Error::new(io::ErrorKind::InvalidInput, text)
                }
                _ => error,
            })?;
        }
        Ok(Some(root))
    }

    /// The root at `path`, made if it does not exist, for its owner alone.
    ///
    /// # Errors
    /// `PermissionDenied` for a folder of another user or a symbolic link; whatever else the system says.
    pub fn at(path: &Path) -> io::Result<Self> {
        make_folder(path)?;
        let root = Self { path: path.to_owned() };
        make_folder(&root.nodes())?;
        make_folder(&root.services())?;
        Ok(root)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folder of the nodes' locks.
    pub(crate) fn nodes(&self) -> PathBuf {
        self.path.join("nodes")
    }

    /// Folder of the services' folders.
    pub(crate) fn services(&self) -> PathBuf {
        self.path.join("services")
    }
}

/// The user that owns this process, as the kernel shows it.
fn own_uid() -> io::Result<u32> {
    Ok(std::fs::metadata("/proc/self")?.uid())
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    check_folder(path)
}

/// Fails for anything but a folder of this user.
fn check_folder(path: &Path) -> io::Result<()> {
    let meta = std::fs::symlink_metadata(path)?;
    if meta.is_dir() && meta.uid() == own_uid()? {
        Ok(())
    } else {
        let text = format!("{} is no folder of this user: remove it or set {ROOT_VARIABLE}", path.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn folders_are_private_and_links_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::at(&folder.path().join("r")).unwrap();
        for made in [root.path(), &root.nodes(), &root.services()] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700, "{}", made.display());
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(root.path(), &link).unwrap();
        assert_eq!(Root::at(&link).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }
}
