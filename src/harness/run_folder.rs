//! The folder of a run, which holds the namespaces of its scenarios and trials, and those that dead runs have left.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::unistd::geteuid;

use super::error::HarnessError;
use super::leftovers;
use super::live::{forget_folder, register_folder};
use super::namespace::Namespace;
use super::removal::{PREFIX, SHM, remove_run};

/// Start of the name of a folder that is not locked yet.
const PREFIX_NEW: &str = "shmark-new-";
const LOCK: &str = ".lock";
/// A folder that is being made gets its lock within moments.
const NEW_AGE_MAX: Duration = Duration::from_mins(1);

/// Folder of a whole run. Dropping it removes everything in it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Name of the run, in the name of each of its namespaces.
    random: u32,
    count: AtomicU64,
    /// Locked as long as this runner lives; released by the kernel.
    _lock: File,
}

impl RunFolder {
    /// Makes the folder of this run in `/dev/shm`, or in the temporary folder if there is none, after removing those of
    /// runners that are dead.
    ///
    /// # Errors
    /// [`HarnessError::Namespace`].
    pub fn create() -> Result<Self, HarnessError> {
        Self::create_in(&parent())
    }

    /// As [`Self::create`], in a folder of choice.
    ///
    /// # Errors
    /// [`HarnessError::Namespace`].
    pub fn create_in(parent: &Path) -> Result<Self, HarnessError> {
        sweep_in(parent);
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|error| HarnessError::Namespace {
            path: parent.to_owned(),
            source: io::Error::other(format!("no random number: {error}")),
        })?;
        let random = u32::from_ne_bytes(random);
        let path = parent.join(format!("{PREFIX}{}-{random:08x}", std::process::id()));
        let new = parent.join(format!("{PREFIX_NEW}{}-{random:08x}", std::process::id()));
        // Locked before it has its name: under that name an unlocked folder is a dead runner's, always.
        let make = || {
            fs::DirBuilder::new().mode(0o700).create(&new)?;
            let lock = File::create(new.join(LOCK))?;
            lock.try_lock().map_err(io::Error::from)?;
            fs::rename(&new, &path)?;
            Ok(lock)
        };
        let lock = make().map_err(|source| {
            let _ = fs::remove_dir_all(&new);
            HarnessError::Namespace { path: path.clone(), source }
        })?;
        register_folder(&path);
        Ok(Self { path, random, count: AtomicU64::new(1), _lock: lock })
    }

    /// Makes a fresh namespace. Its folder's name is unique on this machine.
    ///
    /// # Errors
    /// [`HarnessError::Namespace`].
    pub fn namespace(&self) -> Result<Namespace, HarnessError> {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        // Neither another namespace's name nor the run's own contains this one: the letters see to that.
        let path = self.path.join(format!("ns{number:03}-{:08x}", self.random));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| HarnessError::Namespace { path: path.clone(), source })?;
        Ok(Namespace { path })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        remove_run(&self.path);
        forget_folder(&self.path);
    }
}

fn parent() -> PathBuf {
    let shm = Path::new(SHM);
    if shm.is_dir() {
        return shm.to_owned();
    }
    // Peers may have another working folder; without one of its own, this process cannot be here.
    let folder = std::env::temp_dir();
    std::path::absolute(&folder).unwrap_or(folder)
}

/// Removes the folders of dead runners of this user, with the processes that they have left, and says which.
pub fn sweep() -> Vec<PathBuf> {
    sweep_in(&parent())
}

/// Folders of dead runners of this user, sorted.
pub fn dead_runs() -> Vec<PathBuf> {
    dead_runs_in(&parent())
}

fn sweep_in(parent: &Path) -> Vec<PathBuf> {
    let dead = dead_runs_in(parent);
    for run in &dead {
        // A peer that was blocked when its runner was killed may not have noticed.
        leftovers::kill_all_in(run);
        remove_run(run);
    }
    dead.into_iter().filter(|run| !run.exists()).collect()
}

/// Those whose lock can be taken.
fn dead_runs_in(parent: &Path) -> Vec<PathBuf> {
    let mut runs = Vec::new();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_new = name.starts_with(PREFIX_NEW);
        let Ok(metadata) = entry.metadata() else { continue };
        if !(is_new || name.starts_with(PREFIX)) || !metadata.is_dir() || metadata.uid() != geteuid().as_raw() {
            continue;
        }
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok()).unwrap_or_default();
        if is_new && age < NEW_AGE_MAX {
            continue;
        }
        let dead = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => lock.try_lock().is_ok(),
            // A sweeper that died had already removed the lock file.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if dead {
            runs.push(entry.path());
        }
    }
    runs.sort();
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder of a run was taken for an object of one of its namespaces, and removed with it, when the digits of the
    /// process id ended as the namespace's number: the number is marked by letters now.
    #[test]
    fn no_namespace_is_named_after_its_run() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_in(parent.path()).unwrap();
        let own = run.path().file_name().unwrap().to_str().unwrap();
        let tokens: Vec<String> = (0..120).map(|_| run.namespace().unwrap().token().to_owned()).collect();
        assert!(tokens.iter().all(|token| !own.contains(token.as_str())));
        assert!(tokens.iter().all(|token| tokens.iter().filter(|other| other.contains(token.as_str())).count() == 1));
    }

    #[test]
    fn only_folders_of_dead_runners_are_swept() {
        let parent = tempfile::tempdir().unwrap();
        let alive = RunFolder::create_in(parent.path()).unwrap();
        let dead = parent.path().join(format!("{PREFIX}1-0000abcd"));
        let strange = parent.path().join("somebody-else");
        for dir in [&dead, &strange] {
            fs::create_dir(dir).unwrap();
            fs::write(dir.join(LOCK), "").unwrap();
        }
        let young = parent.path().join(format!("{PREFIX_NEW}1-0000abce"));
        fs::create_dir(&young).unwrap();
        assert_eq!(dead_runs_in(parent.path()), std::slice::from_ref(&dead));
        assert!(dead.exists(), "looking is not removing");
        assert_eq!(sweep_in(parent.path()), std::slice::from_ref(&dead));
        assert!(alive.path().exists() && strange.exists() && young.exists());
        assert!(!dead.exists());
    }
}
