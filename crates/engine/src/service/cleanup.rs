//! What dead nodes left is undone here, by whoever notices first; and on request, what no dead node leads to.
//!
//! Death is one thing only: the node's lock can be taken. Its taker is the only cleaner of that node, and works under each
//! service's lock. Every step can be repeated, so a cleaner may itself be killed anywhere.
//!
//! Services of nodes that are not there, half-made and damaged ones are left if files were removed or damaged from outside, so
//! they are looked for on request only, not by every node that starts.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use super::registry::Registry;
use super::sweep::{Discarded, Leaver, sweep};
use crate::error::{ServiceError, found};
use crate::id::Id;
use crate::liveness::{self, NodeInfo, NodeState};
use crate::lock;
use crate::root::Root;

/// Cleans up every dead node of a namespace: `(cleaned, failed)`.
pub(crate) fn clean_dead_nodes(root: &Root) -> io::Result<(usize, usize)> {
    let (mut cleaned, mut failed) = (0, 0);
    for entry in std::fs::read_dir(root.nodes())? {
        match clean_if_dead(root, &entry?.path()) {
            Ok(true) => cleaned += 1,
            Ok(false) => {}
            Err(_) => failed += 1,
        }
    }
    Ok((cleaned, failed))
}

/// Cleans up one node if it is dead.
pub(crate) fn clean_node_if_dead(root: &Root, id: Id) -> io::Result<()> {
    clean_if_dead(root, &root.node(id)).map(drop)
}

/// Cleans up behind a node's file, if its holder is gone.
fn clean_if_dead(root: &Root, path: &Path) -> io::Result<bool> {
    let Some(_lock) = lock::claim(path)? else { return Ok(false) };
    // A `new-` file was never anybody's node.
    if let Ok(id) = files::name_of(path).parse() {
        let services = std::fs::read_dir(root.services())?.map(|entry| Ok(entry?.path()));
        let mut cleaned = Ok(());
        for folder in services.collect::<io::Result<Vec<_>>>()? {
            // One that cannot be cleaned now keeps none of the others from it.
            cleaned = cleaned.and(clean_behind(root, &folder, id));
        }
        cleaned?;
    }
    // Last, and while the lock is held: as long as the file is there, somebody will do all of the above again.
    std::fs::remove_file(path)?;
    Ok(true)
}

/// Cleans a folder of a service, or what is left of a half-made or half-removed one, behind a dead node.
fn clean_behind(root: &Root, folder: &Path, dead: Id) -> io::Result<()> {
    if let Some(owner) = files::temporary_owner(files::name_of(folder)) {
        return if owner == dead { files::remove_folder(folder) } else { Ok(()) };
    }
    if files::is_link(folder) {
        return Ok(());
    }
    let lock_path = folder.join(files::LOCK);
    let file = match lock::open(&lock_path, false) {
        Err(_) if files::is_no_file(&lock_path) => return Ok(()),
        opened => opened?,
    };
    under_lock(folder, &file, |registry| match registry {
        // It takes part, or nobody does.
        Some(registry) if registry.is_abandoned() || registry.node_ids().contains(&dead) => {
            forget_nodes(root, &registry, &[dead], dead)
        }
        // A damaged service is reported to whoever opens it; it must not keep the others from being cleaned.
        _ => Ok(Discarded::default()),
    })
}

/// Does something to a service, or with nothing if it is damaged, under its lock, unless another service or none is there by
/// now; and removes what that discards without.
fn under_lock<F>(folder: &Path, lock_file: &File, change: F) -> io::Result<()>
where
    F: FnOnce(Option<Registry>) -> io::Result<Discarded>,
{
    let path = folder.join(files::LOCK);
    let guard = lock::acquire(lock_file, &path)?;
    if !lock::is_still_at(lock_file, &path)? {
        return Ok(());
    }
    let opened = Registry::open_undamaged(folder).map_err(ServiceError::into_io)?;
    let discarded = change(opened.map(|(_, registry)| registry))?;
    drop(guard);
    discarded.remove()
}

/// Takes nodes and all their ports out of a service, and the service away if nobody is left. Under the service's lock.
///
/// `by` owns the temporary name under which the folder disappears.
pub(crate) fn forget_nodes(root: &Root, registry: &Registry, nodes: &[Id], by: Id) -> io::Result<Discarded> {
    for node in nodes {
        registry.leave_ports(|entry| entry.node == *node);
        registry.leave_node(*node);
    }
    if registry.is_abandoned() {
        registry.remove();
        return Discarded::service(root, &registry.folder, by);
    }
    sweep(registry, Leaver::Nobody)
}

/// Cleans the services of a whole namespace for a node; what is removed goes through that node's temporary folders, so that it
/// is finished by others if this process is killed. Says what could not be removed, and why.
pub(crate) fn clean_orphans(root: &Root, cleaner: Id) -> Vec<(PathBuf, String)> {
    let mut kept = Vec::new();
    let entries = match std::fs::read_dir(root.services()) {
        Ok(entries) => entries,
        Err(error) => return vec![(root.services(), error.to_string())],
    };
    for entry in entries {
        let folder = entry.as_ref().map_or_else(|_| root.services(), std::fs::DirEntry::path);
        if let Err(error) = entry.and_then(|entry| clean_orphan(root, &entry.path(), cleaner)) {
            kept.push((folder, error.to_string()));
        }
    }
    kept
}

fn clean_orphan(root: &Root, folder: &Path, cleaner: Id) -> io::Result<()> {
    let name = files::name_of(folder);
    if let Some(owner) = files::temporary_owner(name) {
        return if is_there(root, owner)? { Ok(()) } else { files::remove_folder(folder) };
    }
    if name.parse::<Id>().is_err() || !std::fs::symlink_metadata(folder)?.is_dir() {
        return Ok(());
    }
    let lock_path = folder.join(files::LOCK);
    let file = match found(lock::open(&lock_path, false))? {
        Some(file) => file,
        // A damaged one. Nobody else makes this file in a folder that exists.
        None if is_alone(root, cleaner)? => lock::open(&lock_path, true)?,
        None => return Ok(()),
    };
    under_lock(folder, &file, |registry| match registry {
        Some(registry) => {
            // A node's file is there before the node is entered under this lock, and stays until it has left.
            let mut gone = Vec::new();
            for id in registry.node_ids() {
                if !is_there(root, id)? {
                    gone.push(id);
                }
            }
            forget_nodes(root, &registry, &gone, cleaner)
        }
        None if is_alone(root, cleaner)? => Discarded::service(root, folder, cleaner),
        None => Ok(Discarded::default()),
    })
}

/// Whether a node has a file, whatever its state: a dead one's is the business of its cleaner.
fn is_there(root: &Root, node: Id) -> io::Result<bool> {
    Ok(found(std::fs::symlink_metadata(root.node(node)))?.is_some())
}

/// Whether no other node can be using a service that cannot be read.
fn is_alone(root: &Root, cleaner: Id) -> io::Result<bool> {
    let others = |node: &NodeInfo| node.id != cleaner && node.state != NodeState::Dead;
    Ok(!liveness::list(root)?.iter().any(others))
}
