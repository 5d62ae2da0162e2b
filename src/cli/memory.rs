//! Which namespace `shmark services` and `shmark clean` look at, and who is in it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{major, minor};

use super::failure::CommandError;
use shmark_engine::{Config, NodeInfo, NodeState, Root};

/// A namespace that was asked for, and the one that is there, if there is one.
pub(super) struct Place {
    pub path: PathBuf,
    pub root: Option<Root>,
}

impl Place {
    /// The folder that was given, else that of the environment, of the configuration file, or of the user.
    pub fn find(given: Option<&Path>) -> Result<Self, CommandError> {
        let path = match given {
            // As a shell's user means it. The engine takes absolute ones only.
            Some(path) => std::path::absolute(path)
                .map_err(|source| CommandError::Unreadable { path: path.to_owned(), source })?,
            None => Root::path_from_environment(&Config::load()?)?,
        };
        let root = Root::existing(&path)?;
        if root.is_none() && given.is_some() {
            let text = "there is no such folder: services of this user are shown without --root";
            let source = io::Error::new(io::ErrorKind::NotFound, text);
            return Err(CommandError::Unreadable { path, source });
        }
        Ok(Self { path, root })
    }
}

/// Locks of this machine's processes, to tell which process a node belongs to. Only a hint for people: a process id may be
/// another's by now.
pub(super) struct Holders {
    locks: String,
}

impl Holders {
    pub fn now() -> Self {
        // Without it, no process is named.
        Self { locks: fs::read_to_string("/proc/locks").unwrap_or_default() }
    }

    /// Process id and name of who holds a node's lock, if that can be told.
    pub fn of(&self, root: &Root, node: &NodeInfo) -> Option<(u32, String)> {
        if node.state != NodeState::Alive {
            return None;
        }
        let meta = fs::symlink_metadata(root.path().join("nodes").join(node.id.to_string())).ok()?;
        let file = format!("{:02x}:{:02x}:{}", major(meta.dev()), minor(meta.dev()), meta.ino());
        // `1: FLOCK  ADVISORY  WRITE 4242 00:1a:77 0 EOF`
        let fields = |line: &'_ str| line.split_ascii_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let lock = self.locks.lines().map(fields).find(|fields| fields.get(5) == Some(&file))?;
        let pid = lock.get(4)?.parse().ok()?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        Some((pid, name.trim().to_owned()))
    }
}
