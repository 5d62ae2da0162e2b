//! What no dead node leads to: services of nodes that are not there, half-made and damaged ones.
//!
//! Cleaning up after a dead node removes all that is its own. These are left if files were removed or damaged from
//! outside, so they are looked for on request only, not by every node that starts.

use std::io;
use std::path::{Path, PathBuf};

use super::registry::Registry;
use super::sweep::Discarded;
use super::{cleanup, files};
use crate::error::found;
use crate::id::Id;
use crate::liveness::{self, NodeInfo, NodeState};
use crate::lock;
use crate::node::NodeInner;
use crate::root::Root;
use crate::settings::Settings;

/// Cleans the whole namespace of a node; what is removed goes through that node's temporary folders, so that it is finished
/// by others if this process is killed. Says what could not be removed, and why.
pub(crate) fn clean(cleaner: &NodeInner) -> Vec<(PathBuf, String)> {
    let root = &cleaner.root;
    let mut kept = Vec::new();
    let entries = match std::fs::read_dir(root.services()) {
        Ok(entries) => entries,
        Err(error) => return vec![(root.services(), error.to_string())],
    };
    for entry in entries {
        let folder = entry.as_ref().map_or_else(|_| root.services(), std::fs::DirEntry::path);
        if let Err(error) = entry.and_then(|entry| clean_folder(cleaner, &entry.path())) {
            kept.push((folder, error.to_string()));
        }
    }
    kept
}

fn clean_folder(cleaner: &NodeInner, folder: &Path) -> io::Result<()> {
    let root = &cleaner.root;
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
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
        None if is_alone(cleaner)? => lock::open(&lock_path, true)?,
        None => return Ok(()),
    };
    cleanup::under_lock(&file, &lock_path, || match cleanup::open_undamaged(folder)? {
        Some((registry, settings)) => clean_service(cleaner, folder, (&registry, &settings)),
        None if is_alone(cleaner)? => Discarded::service(root, folder, cleaner.id),
        None => Ok(Discarded::default()),
    })
}

/// Takes out nodes that are not there. Under the service's lock, under which a node's file is there before the node is
/// entered, and stays until it has left.
fn clean_service(cleaner: &NodeInner, folder: &Path, service: (&Registry, &Settings)) -> io::Result<Discarded> {
    let mut gone = Vec::new();
    for id in service.0.node_ids() {
        if !is_there(&cleaner.root, id)? {
            gone.push(id);
        }
    }
    cleanup::forget_nodes(&cleaner.root, folder, service, &gone, cleaner.id)
}

/// Whether a node has a file, whatever its state: a dead one's is the business of its cleaner.
fn is_there(root: &Root, node: Id) -> io::Result<bool> {
    Ok(found(std::fs::symlink_metadata(root.nodes().join(node.to_string())))?.is_some())
}

/// Whether no other node can be using a service that cannot be read.
fn is_alone(cleaner: &NodeInner) -> io::Result<bool> {
    let others = |node: &NodeInfo| node.id != cleaner.id && node.state != NodeState::Dead;
    Ok(!liveness::list(&cleaner.root)?.iter().any(others))
}
