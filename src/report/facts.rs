//! What the kernel says about the machine.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::space;

/// Where facts about the machine are read. Tests point it to folders of their own.
#[derive(Debug, Clone)]
pub struct Sources {
    /// `/proc`.
    pub proc: PathBuf,
    /// `/sys`.
    pub sys: PathBuf,
    /// Free bytes in `/dev/shm`, unless unknown.
    pub shm_bytes_free: Option<u64>,
}

impl Sources {
    /// This machine.
    pub fn here() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            sys: PathBuf::from("/sys"),
            shm_bytes_free: space::free_bytes(Path::new(space::SHM)),
        }
    }
}

/// What was read.
pub(super) struct Facts {
    pub(super) kernel: String,
    pub(super) cpu: String,
    /// Processors that the runner may use.
    pub(super) cpus: Vec<usize>,
    pub(super) memory_bytes: u64,
    pub(super) clock_source: String,
    pub(super) virtualised: bool,
}

impl Facts {
    pub(super) fn read(sources: &Sources) -> Self {
        let cpuinfo = text(&sources.proc.join("cpuinfo"));
        let meminfo = text(&sources.proc.join("meminfo"));
        let status = text(&sources.proc.join("self/status"));
        let or_unknown = |value: Option<&str>| value.filter(|v| !v.is_empty()).unwrap_or("unknown").to_owned();
        let kernel = text(&sources.proc.join("sys/kernel/osrelease"));
        let clock = text(&sources.sys.join("devices/system/clocksource/clocksource0/current_clocksource"));
        let flags = field(&cpuinfo, "flags").unwrap_or_default();
        Self {
            kernel: or_unknown(Some(kernel.trim())),
            // ARM kernels name no model, but sometimes the board.
            cpu: or_unknown(["model name", "Model", "Hardware"].iter().find_map(|name| field(&cpuinfo, name))),
            cpus: cpu_list(field(&status, "Cpus_allowed_list").unwrap_or_default()),
            memory_bytes: kibibytes(field(&meminfo, "MemTotal").unwrap_or_default()),
            clock_source: or_unknown(Some(clock.trim())),
            virtualised: flags.split_whitespace().any(|flag| flag == "hypervisor")
                || sources.sys.join("hypervisor/type").exists(),
        }
    }
}

/// Empty if the file cannot be read: the kernel or the container does not offer it.
pub(super) fn text(path: &Path) -> String {
    fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

/// The first `name: value` line.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

fn kibibytes(value: &str) -> u64 {
    value.trim_end_matches("kB").trim().parse::<u64>().unwrap_or(0).saturating_mul(1024)
}

/// `0-2,5` as numbers. What is no number is left out; a range is cut at 4096 processors.
pub(super) fn cpu_list(list: &str) -> Vec<usize> {
    const PROCESSORS_MAX: usize = 4096;
    let mut cpus = Vec::new();
    for part in list.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<usize>(), to.trim().parse::<usize>()) {
            cpus.extend(from..=to.min(from.saturating_add(PROCESSORS_MAX)));
        }
    }
    cpus
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_lists() {
        assert_eq!(cpu_list("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(cpu_list(""), Vec::<usize>::new());
        assert_eq!(cpu_list("x,3-y,4"), [4]);
        assert!(cpu_list("0-18446744073709551615").len() <= 4097);
    }
}
