//! Locks on files: held by one open file description, released by the kernel when its holder dies.

mod file;
mod queue;

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

pub use file::{claim, is_still_at, locked, open, try_acquire};
use file::{last_marked, mark};
use queue::Place;

/// Pauses between the first tries: most holders are done within microseconds.
const PAUSES_US: [u64; 4] = [5, 10, 20, 40];

/// Time between two polls of a waiter.
const SLICE: Duration = Duration::from_millis(100);

/// Polls in a row that find neither the lock free nor another holder, until the holder counts as stopped: 3 seconds. It
/// needs microseconds of processor time, which on a machine with hundreds of busy processes may take most of a second.
/// Counted in polls and not by the clock, so that a waiter which was itself stopped reports no holder.
pub const LOOKS_MAX: u32 = 30;
/// The same for something that can as well be done later: 100 ms.
pub const LOOKS_SOON: u32 = 1;

/// A held lock; dropping it releases it.
#[derive(Debug)]
pub enum Guard<'a> {
    /// On the caller's description.
    Callers(&'a File),
    /// On one that a helper has waited with.
    Own(File),
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let file = match self {
            Self::Callers(file) => *file,
            Self::Own(file) => file,
        };
        // Unlocking a lock that is held cannot fail; were it to, closing the file releases it.
        let _ = file.unlock();
    }
}

/// Takes the lock of `file`, which `path` names, after those who came before. It takes as long as there are others who take
/// it and go on.
///
/// # Errors
/// `TimedOut` if one of them holds it for 3 seconds.
pub fn acquire<'a>(file: &'a File, path: &Path) -> io::Result<Guard<'a>> {
    acquire_within(file, path, LOOKS_MAX)
}

/// As [`acquire`], with another number of polls, after which a place in the queue is kept for the next wait.
///
/// # Errors
/// `TimedOut`, as there.
pub fn acquire_within<'a>(file: &'a File, path: &Path, looks_max: u32) -> io::Result<Guard<'a>> {
    for pause in PAUSES_US {
        if let Some(guard) = try_guard(file)? {
            return Ok(guard);
        }
        std::thread::sleep(Duration::from_micros(pause));
    }
    // Without a descriptor, a thread or a file of this name there is no place in the queue; polling takes nothing.
    let mut place = Place::join(file, path).ok();
    let mut seen = last_marked(file)?;
    let mut looks = 0;
    loop {
        match place.as_ref().map(|place| place.wait(SLICE)) {
            Some(Some(Ok(own))) => return Ok(Guard::Own(own)),
            Some(Some(Err(_))) => place = None,
            Some(None) => {}
            None => {
                if let Some(guard) = poll(file)? {
                    return Ok(guard);
                }
            }
        }
        // The kernel wakes the first of the queue and leaves the others behind it. As long as that one gets no processor, the
        // lock is free, and nobody takes it.
        if let Some(guard) = try_guard(file)? {
            return Ok(guard);
        }
        let marked = last_marked(file)?;
        looks = if marked == seen { looks + 1 } else { 0 };
        seen = marked;
        if looks >= looks_max {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "another process holds the service's lock"));
        }
    }
}

fn try_guard(file: &File) -> io::Result<Option<Guard<'_>>> {
    Ok(try_acquire(file)?.then(|| {
        mark(file);
        Guard::Callers(file)
    }))
}

fn poll(file: &File) -> io::Result<Option<Guard<'_>>> {
    let end = Instant::now() + SLICE;
    let mut pause = Duration::from_micros(50);
    while Instant::now() < end {
        if let Some(guard) = try_guard(file)? {
            return Ok(Some(guard));
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(2));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_a_deadline_for_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (a, b) = (open(&path, true).unwrap(), open(&path, true).unwrap());
        let held = acquire(&a, &path).unwrap();
        for _ in 0..3 {
            let started = Instant::now();
            let error = acquire_within(&b, &path, 2).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            assert!(started.elapsed() >= 2 * SLICE);
            assert_eq!(queue::left_for(&b), 1, "helpers that wait for the next try");
        }
        drop(held);
        assert!(acquire(&b, &path).is_ok());
        let end = Instant::now() + Duration::from_secs(20);
        while queue::left_for(&b) > 0 {
            assert!(Instant::now() < end, "a helper that nobody needs is still there although the lock is free");
            std::thread::yield_now();
        }
    }

    /// Each holder keeps the lock for less than the limit, all of them together for much longer.
    #[test]
    fn a_long_queue_that_moves_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        open(&path, true).unwrap();
        let (looks, holders) = (4, 12);
        let results: Vec<_> = std::thread::scope(|scope| {
            let wait = || {
                let file = open(&path, false)?;
                let held = acquire_within(&file, &path, looks)?;
                // The time of a holder that gets no processor.
                std::thread::sleep(2 * SLICE);
                drop(held);
                Ok::<_, io::Error>(())
            };
            let threads: Vec<_> = (0..holders).map(|_| scope.spawn(wait)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(results.iter().all(Result::is_ok), "nobody was stopped: {results:?}");
    }

    #[test]
    fn a_removed_file_is_polled_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let (a, b) = (open(&path, true).unwrap(), open(&path, true).unwrap());
        let held = acquire(&a, &path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(acquire_within(&b, &path, 1).unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(queue::left_for(&b), 0);
        drop(held);
        assert!(acquire(&b, &path).is_ok());
    }

    #[test]
    fn a_pipe_and_a_link_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [pipe, link] = ["pipe", "link"].map(|name| folder.path().join(name));
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(open(&pipe, false).unwrap_err().kind(), io::ErrorKind::InvalidData);
        std::os::unix::fs::symlink("elsewhere", &link).unwrap();
        assert!(open(&link, true).is_err());
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn a_replaced_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let old = open(&path, true).unwrap();
        assert!(is_still_at(&old, &path).unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_still_at(&old, &path).unwrap());
        open(&path, true).unwrap();
        assert!(!is_still_at(&old, &path).unwrap() || cfg!(not(target_os = "linux")));
    }
}
