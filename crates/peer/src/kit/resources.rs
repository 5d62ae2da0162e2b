//! What a process holds, as the kernel counts it.

use std::fs;
use std::io;
use std::path::Path;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// Folders below the root that are looked into, at most so deep; links are not followed.
const DEPTH_MAX: usize = 16;

/// Resources of this process and of its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ProcessResources {
    /// Open descriptors.
    pub(super) fds: u64,
    /// Resident memory, bytes.
    pub(super) rss_bytes: u64,
    /// Regular files below the root; 0 if the root is a prefix and not a folder.
    pub(super) files: u64,
    /// Processor time of all its threads so far, milliseconds.
    pub(super) cpu_ms: u64,
}

pub(super) fn of_this_process(root: &Path) -> io::Result<ProcessResources> {
    // Reading the folder takes a descriptor itself, which is not counted.
    let fds = (fs::read_dir("/proc/self/fd")?.count() as u64).saturating_sub(1);
    Ok(ProcessResources { fds, rss_bytes: rss_bytes()?, files: files_below(root, DEPTH_MAX), cpu_ms: cpu_ms()? })
}

fn cpu_ms() -> io::Result<u64> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let time = usage.user_time() + usage.system_time();
    Ok(time.num_milliseconds().max(0).unsigned_abs())
}

fn rss_bytes() -> io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|field| field.parse().ok())
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "/proc/self/statm has no second number"))?;
    let page_bytes = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE)?.unwrap_or(4096);
    Ok(pages * page_bytes.unsigned_abs())
}

/// Others create and remove files meanwhile, so what cannot be read is not there.
fn files_below(folder: &Path, depth: usize) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_file() => 1,
            Ok(kind) if kind.is_dir() && depth > 0 => files_below(&entry.path(), depth - 1),
            _ => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_regular_files_in_folders_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        fs::write(root.path().join("one"), "").unwrap();
        fs::write(root.path().join("a/b/two"), "").unwrap();
        std::os::unix::fs::symlink(root.path().join("one"), root.path().join("link")).unwrap();
        assert_eq!(files_below(root.path(), DEPTH_MAX), 2);
        assert_eq!(files_below(&root.path().join("no-such-folder"), DEPTH_MAX), 0);
    }

    #[test]
    fn a_process_has_standard_streams_and_memory() {
        let resources = of_this_process(Path::new("/nonexistent")).unwrap();
        assert!(resources.fds >= 3, "{resources:?}");
        assert!(resources.rss_bytes > 100_000, "{resources:?}");
    }
}
