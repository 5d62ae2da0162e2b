//! The folder in which everything of one namespace lives.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::config::Config;
use super::error::{NodeError, SystemContext, SystemError, found};
use super::id::Id;
use super::shm;

/// Environment variable that names the root.
pub const ROOT_VARIABLE: &str = "SHMARK_ROOT";
/// Rights of a folder: its owner's alone.
const MODE: u32 = 0o700;
const PREPARING: &str = "preparing the namespace";
const FOLDER_ABOVE: &str =
    "the folder above has to exist and to be writable: mount a tmpfs there, or name another one in SHMARK_ROOT";

/// A namespace: services of different roots never meet ([RR-SVC-05](crate#requirements)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The root that `SHMARK_ROOT` names, else that of the configuration, else a folder for this user in `/dev/shm`.
    ///
    /// # Errors
    /// As [`Root::at`].
    pub fn from_environment(config: &Config) -> Result<Self, NodeError> {
        Self::at(&Self::path_from_environment(config)?)
    }

    /// Where [`Root::from_environment`] is, without making it.
    ///
    /// # Errors
    /// [`NodeError::RelativeRoot`].
    pub fn path_from_environment(config: &Config) -> Result<PathBuf, NodeError> {
        let named = std::env::var_os(ROOT_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        match named.or_else(|| config.root.clone()) {
            Some(path) => absolute(&path).map(|()| path),
            None => Ok(format!("/dev/shm/shmark-{}", shm::user()).into()),
        }
    }

    /// The root at `path`, which has to be absolute, if there is one, without making or changing anything.
    ///
    /// # Errors
    /// [`NodeError::NotANamespace`] for a folder that is no root; else as [`Root::at`].
    pub fn existing(path: &Path) -> Result<Option<Self>, NodeError> {
        absolute(path)?;
        let root = Self(path.to_owned());
        if mode_of(path)?.is_none() {
            return Ok(None);
        }
        for folder in [root.0.clone(), root.nodes(), root.services()] {
            match mode_of(&folder)? {
                Some(mode) if mode & MODE == MODE => {}
                Some(mode) => return Err(NodeError::FolderMode { path: folder, mode: mode & 0o777 }),
                None => return Err(NodeError::NotANamespace { path: path.to_owned(), lacks: folder }),
            }
        }
        Ok(Some(root))
    }

    /// The root at `path`, which has to be absolute, made if it does not exist, for its owner alone.
    ///
    /// # Errors
    /// [`NodeError::RelativeRoot`], [`NodeError::NotOurFolder`], [`NodeError::HugePages`], [`NodeError::System`].
    pub fn at(path: &Path) -> Result<Self, NodeError> {
        absolute(path)?;
        let root = Self(path.to_owned());
        make_folder(path).map_err(|error| match error {
            NodeError::System(error) => error.or_remedy(FOLDER_ABOVE).into(),
            other => other,
        })?;
        if shm::has_huge_pages(path).at(PREPARING, path)? {
            return Err(NodeError::HugePages { path: path.to_owned() });
        }
        make_folder(&root.nodes())?;
        make_folder(&root.services())?;
        Ok(root)
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Folder of the nodes' locks.
    pub(crate) fn nodes(&self) -> PathBuf {
        self.0.join("nodes")
    }

    /// A node's file, whose lock says that it is alive.
    pub(crate) fn node(&self, id: Id) -> PathBuf {
        self.nodes().join(id.to_string())
    }

    /// Folder of the services' folders.
    pub(crate) fn services(&self) -> PathBuf {
        self.0.join("services")
    }
}

/// Relative to what? Processes would meet or not depending on where they were started.
fn absolute(path: &Path) -> Result<(), NodeError> {
    if path.is_absolute() { Ok(()) } else { Err(NodeError::RelativeRoot { path: path.to_owned() }) }
}

/// Makes a folder for its owner alone, with the modes that this says and not with those that the process's mask leaves.
///
/// # Errors
/// `AlreadyExists`, and whatever else the system says.
pub(crate) fn make_private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(MODE).create(path)?;
    set_mode(path, MODE)
}

/// Of a folder that is this user's, and so nobody else's to exchange.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let flags = libc::O_DIRECTORY | libc::O_NOFOLLOW | libc::O_CLOEXEC;
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(folder) => folder.set_permissions(Permissions::from_mode(mode)),
        // Its owner may not even read it, which a path needs no right for.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            std::fs::set_permissions(path, Permissions::from_mode(mode))
        }
        Err(error) => Err(error),
    }
}

fn make_folder(path: &Path) -> Result<(), NodeError> {
    match make_private_folder(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return Ok(made.at(PREPARING, path)?),
    }
    match mode_of(path)? {
        // Made under another mask, or between being made and getting its mode. What others may is as somebody wanted it.
        Some(mode) if mode & MODE != MODE => Ok(set_mode(path, mode & 0o7777 | MODE).at(PREPARING, path)?),
        Some(_) => Ok(()),
        None => Err(SystemError::at(PREPARING, path, &io::ErrorKind::NotFound.into()).into()),
    }
}

/// The mode of a folder, if it is there. Fails for anything but a folder of this user.
fn mode_of(path: &Path) -> Result<Option<u32>, NodeError> {
    match found(std::fs::symlink_metadata(path)).at(PREPARING, path)? {
        Some(meta) if meta.is_dir() && meta.uid() == shm::user() => Ok(Some(meta.mode())),
        Some(_) => Err(NodeError::NotOurFolder { path: path.to_owned() }),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
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
        assert_eq!(Root::at(&link), Err(NodeError::NotOurFolder { path: link.clone() }));
        assert_eq!(Root::existing(&link), Err(NodeError::NotOurFolder { path: link }));
    }

    #[test]
    fn a_configuration_from_code_names_an_absolute_root() {
        let config = Config { root: Some("r".into()), ..Config::default() };
        if std::env::var_os(ROOT_VARIABLE).is_none() {
            assert_eq!(Root::path_from_environment(&config), Err(NodeError::RelativeRoot { path: "r".into() }));
        }
    }
}
