//! What dead nodes left is undone here, by whoever notices first.
//!
//! Death is one thing only: the node's lock can be taken. Its taker is the only cleaner of that node, and works under each
//! service's lock. Every step can be repeated, so a cleaner may itself be killed anywhere.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use super::registry::Registry;
use super::static_config::StaticConfig;
use super::sweep::{Discarded, Leaver, sweep};
use crate::id::Id;
use crate::liveness::{DeadNode, claim_dead};
use crate::lock;
use crate::root::Root;
use crate::settings::Settings;

/// Cleans up every dead node of a namespace: `(cleaned, failed)`.
pub(crate) fn clean_dead_nodes(root: &Root) -> io::Result<(usize, usize)> {
    let (mut cleaned, mut failed) = (0, 0);
    for entry in std::fs::read_dir(root.nodes())? {
        match claim_dead(entry?.path()) {
            Ok(Some(dead)) => match clean(root, &dead) {
                Ok(()) => cleaned += 1,
                Err(_) => failed += 1,
            },
            Ok(None) => {}
            Err(_) => failed += 1,
        }
    }
    Ok((cleaned, failed))
}

/// Cleans up one node if it is dead.
pub(crate) fn clean_node_if_dead(root: &Root, id: Id) -> io::Result<()> {
    match claim_dead(root.nodes().join(id.to_string()))? {
        Some(dead) => clean(root, &dead),
        None => Ok(()),
    }
}

fn clean(root: &Root, dead: &DeadNode) -> io::Result<()> {
    let name = dead.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // A `new-` file was never anybody's node.
    if let Ok(id) = name.parse::<Id>() {
        let mut cleaned = Ok(());
        for folder in service_folders(root)? {
            // One that cannot be cleaned now keeps none of the others from it.
            cleaned = cleaned.and(clean_service(root, &folder, id));
        }
        cleaned?;
    }
    // Last, and while the lock is held: as long as the file is there, somebody will do all of the above again.
    std::fs::remove_file(&dead.path)
}

/// Service folders, and what is left of half-made and half-removed ones.
fn service_folders(root: &Root) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(root.services())?.map(|entry| Ok(entry?.path())).collect()
}

fn clean_service(root: &Root, folder: &Path, dead: Id) -> io::Result<()> {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(owner) = files::temporary_owner(name) {
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
    under_lock(&file, &lock_path, || match open_undamaged(folder)? {
        Some((registry, settings)) if is_business_of(&registry, dead) => {
            forget_nodes(root, folder, (&registry, &settings), &[dead], dead)
        }
        // A damaged service is reported to whoever opens it; it must not keep the others from being cleaned.
        _ => Ok(Discarded::default()),
    })
}

/// Whether a dead node's cleaner has something to do in a service: it takes part, or nobody does.
fn is_business_of(registry: &Registry, dead: Id) -> bool {
    let nodes = registry.node_ids();
    registry.is_removed() || nodes.contains(&dead) || nodes.is_empty()
}

/// Does something under a service's lock, unless another service or none is there by now, and removes what that discards
/// without.
pub(super) fn under_lock(file: &File, path: &Path, change: impl FnOnce() -> io::Result<Discarded>) -> io::Result<()> {
    let guard = lock::acquire(file, path)?;
    if !lock::is_still_at(file, path)? {
        return Ok(());
    }
    let discarded = change()?;
    drop(guard);
    discarded.remove()
}

/// A service's registry and settings, or nothing if the service is damaged: only that is final. If it cannot be told,
/// for instance for lack of descriptors, that is an error, so that whoever cleans tries it again.
pub(super) fn open_undamaged(folder: &Path) -> io::Result<Option<(Registry, Settings)>> {
    let opened =
        StaticConfig::read(folder).and_then(|config| Ok((Registry::open(folder, &config.settings)?, config.settings)));
    match opened {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.is_damage() => Ok(None),
        Err(error) => Err(error.into_io()),
    }
}

/// Takes nodes and all their ports out of a service, and the service away if nobody is left. Under the service's lock.
///
/// `by` owns the temporary name under which the folder disappears.
pub(crate) fn forget_nodes(
    root: &Root,
    folder: &Path,
    (registry, settings): (&Registry, &Settings),
    nodes: &[Id],
    by: Id,
) -> io::Result<Discarded> {
    for node in nodes {
        registry.leave_ports(|entry| entry.node == *node);
        registry.leave_node(*node);
    }
    if registry.is_removed() || registry.node_ids().is_empty() {
        registry.remove();
        return Discarded::service(root, folder, by);
    }
    sweep(folder, registry, settings, Leaver::Nobody)
}
