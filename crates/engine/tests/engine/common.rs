//! What every test here needs: a namespace of its own, deadlines, numbers that can be repeated.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use shmark_engine::{Config, Node, RequestResponseBuilder, ServiceName};

/// Far beyond what anything here takes: machines are shared. Where a requirement sets a time, the test says so.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A namespace that nobody else has, below shared memory where there is some.
///
/// It is within a folder as the suite makes one for each run, so that what a killed test leaves is swept by the next run of
/// the suite, or by `shmark clean`.
pub struct Scratch {
    folder: PathBuf,
    path: PathBuf,
    /// Locked as long as the process lives: an unlocked folder is swept.
    _lock: File,
}

impl Scratch {
    pub fn new() -> Self {
        let shm = Path::new("/dev/shm");
        let parent = if shm.is_dir() { shm.to_owned() } else { std::path::absolute(std::env::temp_dir()).unwrap() };
        let prefix = format!("shmark-new-{}-", std::process::id());
        let new = tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent).unwrap().keep();
        let lock = File::create(new.join(".lock")).unwrap();
        lock.lock().unwrap();
        // Locked before it has its name.
        let name = new.file_name().unwrap().to_str().unwrap().replacen("new", "run", 1);
        let folder = parent.join(name);
        std::fs::rename(new, &folder).unwrap();
        let path = folder.join("test");
        std::fs::create_dir(&path).unwrap();
        Self { folder, path, _lock: lock }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn node(&self) -> Node {
        Node::builder().config(Config::default()).root(self.path()).create().unwrap()
    }

    /// Everything below the namespace that is not one of its two folders.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut folders = vec![self.path().join("nodes"), self.path().join("services")];
        while let Some(folder) = folders.pop() {
            // A folder that is gone meanwhile has no files.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                }
                found.push(entry.path().strip_prefix(self.path()).unwrap().to_owned());
            }
        }
        found.sort();
        found
    }

    /// Fails if anything is left.
    #[track_caller]
    pub fn assert_empty(&self) {
        assert_eq!(self.files(), Vec::<PathBuf>::new(), "left in the namespace after everything was dropped");
    }

    /// Files whose name starts so.
    pub fn files_like(&self, prefix: &str) -> Vec<PathBuf> {
        let mut files = self.files();
        files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(prefix)));
        files
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Processes that a test has just killed may still be making files.
        for _ in 0..5 {
            if std::fs::remove_dir_all(&self.folder).is_ok() || !self.folder.exists() {
                return;
            }
        }
    }
}

pub fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// A service of numbers.
pub fn numbers(node: &Node) -> RequestResponseBuilder<u64, u64> {
    node.service_builder(&name("numbers")).request_response::<u64, u64>()
}

/// A service of numbers that are too widely aligned for a slot: each message takes a chunk.
pub fn numbers_in_chunks(node: &Node) -> RequestResponseBuilder<u64, u64> {
    numbers(node).request_payload_alignment(64).response_payload_alignment(64)
}

/// A service of slices of numbers.
pub fn slices(node: &Node) -> RequestResponseBuilder<[u64], [u64]> {
    node.service_builder(&name("slices")).request_response::<[u64], [u64]>()
}

/// Fails a test that hangs, which is what one that waits for room does when it is broken.
#[track_caller]
pub fn no_hang(test: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _done = done;
        test();
    });
    // Nothing is ever sent: the end of the thread, good or bad, closes the channel.
    let hangs = is_done.recv_timeout(3 * DEADLINE) == Err(RecvTimeoutError::Timeout);
    assert!(!hangs, "hangs");
    if let Err(reason) = thread.join() {
        std::panic::resume_unwind(reason);
    }
}

/// Polls until there is something.
#[track_caller]
pub fn eventually<T>(what: &str, mut poll: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(found) = poll() {
            return found;
        }
        assert!(Instant::now() < end, "not within {DEADLINE:?}: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Polls until it holds.
#[track_caller]
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    eventually(what, || holds().then_some(()));
}

/// Choices that follow from a seed. The generator is named: the standard one of `rand` may change with its version.
pub type Random = rand::rngs::Xoshiro256PlusPlus;
