//! Descriptors and memory run out while the model watches: in a process of its own, since the limit holds for all that
//! a process does.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use shmark_models::ports::Shortage;
use shmark_models::{Config, RuleViolation, ports};

use super::Engine;
use super::faults::Fault;

/// Whether this process does nothing else.
pub static MAY_RUN_OUT: AtomicBool = AtomicBool::new(false);

/// Far beyond what the process takes.
const DEADLINE: Duration = Duration::from_secs(120);

/// Lowers a limit as long as it is held.
pub struct Limit {
    resource: Resource,
    before: (u64, u64),
}

impl Limit {
    /// Leaves descriptors beside those in use and those that are let go, or files as long as they are.
    pub fn lower(shortage: Shortage) -> Self {
        let (resource, limit) = match shortage {
            Shortage::Descriptors { free } => {
                let files: Vec<_> = (0..=free).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
                let numbers = files.iter().map(std::os::fd::AsRawFd::as_raw_fd);
                (Resource::RLIMIT_NOFILE, numbers.max().unwrap() as u64)
            }
            Shortage::Memory { file_kib_max } => (Resource::RLIMIT_FSIZE, 1024 * file_kib_max as u64),
        };
        let before = getrlimit(resource).unwrap();
        setrlimit(resource, limit, before.1).unwrap();
        Self { resource, before }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        setrlimit(self.resource, self.before.0, self.before.1).unwrap();
    }
}

/// Everything that is refused for lack of descriptors or memory is refused for that reason, nothing is lost, and all
/// works again.
#[test]
fn the_pattern_is_as_required_in_a_shortage() {
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
            panic!("a process in a shortage did not end within {DEADLINE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(status.success(), "the model's process ended with {status}: it has written why");
}

#[test]
#[ignore = "in a process of its own: the_pattern_is_as_required_in_a_shortage"]
fn with_shortages_in_this_process() -> Result<(), RuleViolation> {
    MAY_RUN_OUT.store(true, Ordering::Relaxed);
    ports::check_operations(&Engine(Fault::None), Config::from_env()?).map(|_| ())
}
