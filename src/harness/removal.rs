//! Removes what a namespace or a run has in shared memory.

use std::fs;
use std::path::{Path, PathBuf};

/// Where shared memory is.
pub(super) const SHM: &str = "/dev/shm";
/// Start of the name of a run's folder; what follows is the runner's process id and a random number.
pub(super) const PREFIX: &str = "shmark-run-";

/// Objects in `/dev/shm` that have a token in their name, sorted.
pub(super) fn objects_named_after(token: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(SHM).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        entries.filter(|entry| entry.file_name().to_string_lossy().contains(token)).map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// Removes the folder of a run, and objects outside of it that are named after it.
pub(super) fn remove_run(folder: &Path) {
    let name = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if name.starts_with(PREFIX) {
        for path in objects_named_after(name) {
            remove(&path);
        }
    }
    remove(folder);
}

pub(super) fn remove(path: &Path) {
    // A process that was just killed may still be making files: a few attempts, until nothing is there.
    for _ in 0..5 {
        let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        if gone.is_ok() || !path.exists() {
            return;
        }
    }
}
