//! Namespaces: the folder that a scenario's shared memory lives in, fresh each time, and what is left in it at the end.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::unistd::geteuid;

use super::error::HarnessError;
use super::interrupt;
use super::leftovers;
use super::subject::Subject;

/// Where shared memory is.
const SHM: &str = "/dev/shm";
/// Start of the name of a run's folder; what follows is the runner's process id and a random number.
const PREFIX: &str = "shmark-run-";
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

/// Folder of one scenario or trial. Dropping it kills every process that was told of it, and removes it.
#[derive(Debug)]
pub struct Namespace {
    path: PathBuf,
}

/// Something that is left when all peers are gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leak {
    /// A process, in words.
    Process(String),
    /// A file: relative to the namespace, or absolute if it is outside of it.
    File(PathBuf),
}

impl Leak {
    /// Whether it is a file that the subject keeps on purpose.
    pub fn is_kept_by(&self, subject: &Subject) -> bool {
        match self {
            Self::Process(_) => false,
            Self::File(path) => path.file_name().is_some_and(|name| subject.keeps(&name.to_string_lossy())),
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(text) => f.write_str(text),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
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
        interrupt::register_folder(&path);
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
        interrupt::forget_folder(&self.path);
    }
}

impl Namespace {
    /// The folder, which `hello` tells as `root`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name: unique on this machine, so that objects outside the folder that belong to it can be told by it.
    pub fn token(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Files, sockets and pipes in the folder, relative to it, sorted; folders do not count.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.path, &mut found);
        for path in &mut found {
            if let Ok(short) = path.strip_prefix(&self.path) {
                *path = short.to_owned();
            }
        }
        found.sort();
        found
    }

    /// What is left when all peers are gone: files in the folder, objects in `/dev/shm` that have the token in their
    /// name, and processes. Kills the processes.
    pub fn leaks(&self) -> Vec<Leak> {
        let processes = leftovers::kill_all_in(&self.path).into_iter().map(Leak::Process);
        processes.chain(self.files().into_iter().chain(self.outside()).map(Leak::File)).collect()
    }

    /// Objects in `/dev/shm` that belong to the namespace.
    fn outside(&self) -> Vec<PathBuf> {
        objects_named_after(self.token())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        leftovers::kill_all_in(&self.path);
        for path in self.outside() {
            remove(&path);
        }
        remove(&self.path);
    }
}

/// Objects in `/dev/shm` that have a token in their name, sorted.
fn objects_named_after(token: &str) -> Vec<PathBuf> {
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

fn remove(path: &Path) {
    // A process that was just killed may still be making files: a few attempts, until nothing is there.
    for _ in 0..5 {
        let gone = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        if gone.is_ok() || !path.exists() {
            return;
        }
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), found),
            _ => found.push(entry.path()),
        }
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

    #[test]
    fn a_namespace_is_empty_and_names_what_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_in(parent.path()).unwrap();
        let (first, second) = (run.namespace().unwrap(), run.namespace().unwrap());
        assert_ne!(first.token(), second.token());
        fs::create_dir_all(first.path().join("a/b")).unwrap();
        assert_eq!(first.leaks(), []);
        fs::write(first.path().join("a/b/c"), "").unwrap();
        assert_eq!(first.leaks(), [Leak::File("a/b/c".into())]);
        assert_eq!(second.leaks(), []);
        let path = first.path().to_owned();
        let object = Path::new(SHM).join(format!("{}_object", first.token()));
        if fs::write(&object, "").is_ok() {
            assert_eq!(first.leaks(), [Leak::File("a/b/c".into()), Leak::File(object.clone())]);
        }
        drop(first);
        assert!(!object.exists());
        assert!(!path.exists());
        drop((second, run));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }

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
