//! Waiting for a lock in the kernel's queue: first come, first served.
//!
//! Blocking in the kernel has no deadline, so a helper thread blocks there, on an open file description of its own, and
//! hands the locked file over. Whoever gives up leaves the helper in the queue. The next wait for the same file takes it
//! over, so that retrying piles up no threads; a helper that gets the lock while nobody wants it lets it go.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::file::{locked, mark, open};
use crate::shm::block_signals;

/// A helper does little: what the standard library needs, and a margin.
const STACK_BYTES: usize = 128 << 10;

/// Helpers that nobody waits for at the moment. Locked before how a helper has ended.
static LEFT: Mutex<Vec<Arc<Helper>>> = Mutex::new(Vec::new());

/// Device and inode.
type Key = (u64, u64);

#[derive(Debug)]
struct Helper {
    key: Key,
    /// How its wait has ended: `None` while it is queued.
    ended: Mutex<Option<io::Result<File>>>,
    told: Condvar,
}

/// A place in the queue. Dropping it leaves the helper behind.
#[derive(Debug)]
pub(super) struct Place(Arc<Helper>);

fn key(file: &File) -> io::Result<Key> {
    file.metadata().map(|meta| (meta.dev(), meta.ino()))
}

impl Place {
    /// Queues up for the lock of `file`, which `path` names.
    ///
    /// # Errors
    /// `NotFound` if the path names another file by now; what the system says if it gives no descriptor or thread.
    pub fn join(file: &File, path: &Path) -> io::Result<Self> {
        let key = key(file)?;
        let mut left = locked(&LEFT);
        if let Some(index) = left.iter().position(|helper| helper.key == key) {
            return Ok(Self(left.swap_remove(index)));
        }
        drop(left);
        let own = open(path, false)?;
        if self::key(&own)? != key {
            return Err(io::ErrorKind::NotFound.into());
        }
        let helper = Arc::new(Helper { key, ended: Mutex::default(), told: Condvar::new() });
        let waits = Arc::clone(&helper);
        let thread = std::thread::Builder::new().name("shmark-lock".to_owned()).stack_size(STACK_BYTES);
        thread.spawn(move || waits.wait_for_lock(own))?;
        Ok(Self(helper))
    }

    /// The locked file, if it comes within `slice`. Not to be called again after it has come, or after an error.
    pub fn wait(&self, slice: Duration) -> Option<io::Result<File>> {
        let Helper { ended, told, .. } = &*self.0;
        let waited = told.wait_timeout_while(locked(ended), slice, |ended| ended.is_none());
        let (mut ended, _) = waited.unwrap_or_else(PoisonError::into_inner);
        ended.as_mut().map(|result| std::mem::replace(result, Err(io::ErrorKind::NotFound.into())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut left = locked(&LEFT);
        match &*locked(&self.0.ended) {
            None => left.push(Arc::clone(&self.0)),
            // It came at the last moment, and is not needed.
            Some(Ok(file)) => drop(file.unlock()),
            Some(Err(_)) => {}
        }
    }
}

impl Helper {
    fn wait_for_lock(self: Arc<Self>, file: File) {
        // Signals are the business of the program's own threads.
        block_signals();
        let result = file.lock();
        if result.is_ok() {
            mark(&file);
        }
        let mut left = locked(&LEFT);
        if let Some(index) = left.iter().position(|helper| Arc::ptr_eq(helper, &self)) {
            left.swap_remove(index);
            // Released here and not by closing: a child that was forked meanwhile may have the description, too.
            let _ = file.unlock();
            return;
        }
        *locked(&self.ended) = Some(result.map(|()| file));
        self.told.notify_one();
    }
}

/// Helpers that are left behind for a file.
#[cfg(test)]
pub(super) fn left_for(file: &File) -> usize {
    let key = key(file).unwrap();
    locked(&LEFT).iter().filter(|helper| helper.key == key).count()
}
