//! Who is alive: a node lives as long as the lock on its file is held. Making such a file, and looking at those that are there.

use std::fs::File;
use std::io::{self, Read};

use super::error::found;
use super::id::Id;
use super::lock;
use super::root::Root;
use super::shm;

/// Longest name of a node, bytes.
pub(crate) const NAME_BYTES_MAX: usize = 255;

/// State of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeState {
    /// Its process lives, however slow or stopped it is.
    Alive,
    /// Its process has ended without leaving.
    Dead,
    /// It cannot be told, for instance for lack of permission.
    Unknown,
}

/// A node of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeInfo {
    /// Identity.
    pub id: Id,
    /// Name, empty unless one was given.
    pub name: String,
    /// State when it was looked at.
    pub state: NodeState,
}

/// Makes the node's file under a name that is no node's, locks it, and only then gives it its name: a node is never
/// visible without its lock.
pub(crate) fn create(root: &Root, id: Id, name: &str) -> io::Result<File> {
    let hidden = root.nodes().join(format!("new-{id}"));
    loop {
        let mut file = lock::open(&hidden, true)?;
        // A cleaner that looks at this very moment holds the lock only to remove the file.
        if !lock::try_acquire(&file)? || !lock::is_still_at(&file, &hidden)? {
            continue;
        }
        let made = shm::fill(&mut file, name.as_bytes());
        let made = made.and_then(|()| std::fs::rename(&hidden, root.node(id)));
        return made.map(|()| file).inspect_err(|_| {
            // The first error is the one worth telling.
            let _ = std::fs::remove_file(&hidden);
        });
    }
}

/// All nodes of a namespace, by id.
pub(crate) fn list(root: &Root) -> io::Result<Vec<NodeInfo>> {
    let mut nodes = Vec::new();
    for entry in std::fs::read_dir(root.nodes())? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let mut name = String::new();
        let state = match found(lock::open(&entry.path(), false)) {
            Ok(Some(mut file)) => {
                let read = (&mut file).take(NAME_BYTES_MAX as u64).read_to_string(&mut name);
                match (read, lock::try_acquire(&file)) {
                    (_, Ok(true)) if lock::is_still_at(&file, &entry.path())? => NodeState::Dead,
                    (_, Ok(true)) => continue,
                    (_, Ok(false)) => NodeState::Alive,
                    (_, Err(_)) => NodeState::Unknown,
                }
            }
            Ok(None) => continue,
            Err(_) => NodeState::Unknown,
        };
        nodes.push(NodeInfo { id, name, state });
    }
    nodes.sort_by_key(|node| node.id);
    Ok(nodes)
}
