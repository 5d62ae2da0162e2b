//! What of this run is alive: every process group and every namespace folder, so that a second Ctrl-C finds them all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

static LIVE: Mutex<Live> = Mutex::new(Live { groups: BTreeSet::new(), folders: BTreeSet::new() });

pub(super) struct Live {
    /// Process groups whose leader is not reaped yet, so that no number in here can have been given to somebody else.
    pub(super) groups: BTreeSet<i32>,
    /// Namespace folders.
    pub(super) folders: BTreeSet<PathBuf>,
}

/// The registry. Held while a process is started or reaped.
pub(super) fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn register_folder(path: &Path) {
    live().folders.insert(path.to_owned());
}

pub(super) fn forget_folder(path: &Path) {
    live().folders.remove(path);
}
