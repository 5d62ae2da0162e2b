//! Descriptors run out under the model's eyes: in a process of its own, since the limit holds for all that a process does.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shmark::kit::{Config, Failure, ports};

use super::Engine;
use super::faults::Fault;

/// Whether this process does nothing else.
pub static MAY_RUN_OUT: AtomicBool = AtomicBool::new(false);

/// Far beyond what the process takes.
const DEADLINE: Duration = Duration::from_mins(2);

/// Lowers the number of descriptors as long as it is held.
pub struct Limit((u64, u64));

impl Limit {
    /// Leaves so many beside those in use, and those that are let go.
    pub fn lower(free: usize) -> Self {
        let before = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let files: Vec<_> = (0..=free).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        let numbers = files.iter().map(std::os::fd::AsRawFd::as_raw_fd);
        setrlimit(Resource::RLIMIT_NOFILE, numbers.max().unwrap() as u64, before.1).unwrap();
        Self(before)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(Resource::RLIMIT_NOFILE, self.0.0, self.0.1).unwrap();
    }
}

/// Everything that is refused for want of descriptors is refused for that reason, nothing is lost, and all works again.
#[test]
fn the_pattern_is_as_required_without_descriptors() {
    let test = "model::shortage::with_shortages_in_this_process";
    let mut command = Command::new(std::env::current_exe().unwrap());
    let command = command.args(["--ignored", "--exact", "--nocapture", test]).stdin(Stdio::null());
    let mut child = command.spawn().unwrap();
    let end = Instant::now() + DEADLINE;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("a process without descriptors did not end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "the model's process ended with {status}: it has written why");
}

#[test]
#[ignore = "in a process of its own: the_pattern_is_as_required_without_descriptors"]
fn with_shortages_in_this_process() -> Result<(), Failure> {
    MAY_RUN_OUT.store(true, Ordering::Relaxed);
    ports::check_operations(&Engine(Fault::None), Config::from_env()?).map(|_| ())
}
