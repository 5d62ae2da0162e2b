//! An end before the last benchmark: SIGINT, SIGTERM and SIGHUP remove the folders, kill the server, and end the program with
//! 130. A panic, as of a `println!` that nobody reads, does the first two.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::Child;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};
use std::{fs, mem, panic, process, thread};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// How long a removal is tried again, because somebody has made a file meanwhile.
const PATIENCE: Duration = Duration::from_secs(1);

/// What an end takes away.
pub struct Live {
    folders: Vec<PathBuf>,
    /// The other process, while there is one.
    pub server: Option<Child>,
}

static LIVE: Mutex<Live> = Mutex::new(Live { folders: Vec::new(), server: None });

/// An end that has begun keeps it, so that nothing new begins and nothing is reported.
pub fn live() -> MutexGuard<'static, Live> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Called once, before there is anything to be taken away.
pub fn install() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            take_away(&mut mem::ManuallyDrop::new(live()));
            process::exit(130);
        }
    });
    let say = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The released profile aborts after a panic, and drops nothing.
        match LIVE.try_lock() {
            Ok(mut live) => take_away(&mut live),
            Err(TryLockError::Poisoned(live)) => take_away(&mut live.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        say(info);
    }));
    Ok(())
}

/// A folder that is removed, however the program ends.
pub fn scratch() -> io::Result<tempfile::TempDir> {
    let mut live = live();
    let folder = super::common::scratch()?;
    live.folders.push(folder.path().to_owned());
    Ok(folder)
}

/// Panics, as criterion has no other way to say that a benchmark went wrong. Never returns where the end has begun, which
/// takes folder and server away from a benchmark.
pub fn done<T>(result: Result<T, Box<dyn Error>>) -> T {
    result.unwrap_or_else(|error| {
        drop(live());
        panic!("{error}")
    })
}

fn take_away(live: &mut Live) {
    if let Some(server) = &mut live.server {
        // Both fail if it has ended, which is what is wanted.
        let _ = server.kill();
        let _ = server.wait();
    }
    let begin = Instant::now();
    for folder in &live.folders {
        while folder.exists() && fs::remove_dir_all(folder).is_err() && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
        }
    }
}
