//! What a process holds, by the kernel's account.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::actor::Stop;

/// Bytes in a block of `st_blocks`.
const BLOCK_BYTES: u64 = 512;
/// Bytes in a kibibyte, in which `/proc` counts.
const KIB: u64 = 1024;

/// A file that is mapped so that others see what is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct SharedFile {
    mapped_bytes: u64,
    /// Pages of it that exist: by the file itself, or where it has no name any more those that the process has touched.
    allocated_bytes: u64,
}

/// Descriptors, mappings and memory of a process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub descriptors: u64,
    pub mappings: u64,
    /// Of pages that are its own or shared, as `ps` shows it.
    pub resident_bytes: u64,
    /// By device and inode.
    shared: BTreeMap<(String, u64), SharedFile>,
}

impl Held {
    /// Asks the kernel.
    ///
    /// # Errors
    /// [`Stop::Broken`] if `/proc` does not say it.
    pub(super) fn by(pid: u32) -> Result<Self, Stop> {
        let unreadable = |path: &str, error: &std::io::Error| Stop::Broken(format!("{path} cannot be read: {error}"));
        let fd = format!("/proc/{pid}/fd");
        let descriptors = fs::read_dir(&fd).map_err(|error| unreadable(&fd, &error))?.count() as u64;
        let smaps = format!("/proc/{pid}/smaps");
        let text = fs::read_to_string(&smaps).map_err(|error| unreadable(&smaps, &error))?;
        Ok(Self { descriptors, ..Self::from_smaps(&text) })
    }

    fn from_smaps(text: &str) -> Self {
        let mut held = Self::default();
        let mut current: Option<((String, u64), Option<u64>)> = None;
        for line in text.lines() {
            if let Some(mapping) = Mapping::parse(line) {
                held.mappings += 1;
                current = None;
                if mapping.is_shared && mapping.inode != 0 {
                    let key = (mapping.device, mapping.inode);
                    let allocated = fs::metadata(mapping.path).ok().filter(|file| file.ino() == mapping.inode);
                    let allocated_bytes = allocated.map(|file| file.blocks() * BLOCK_BYTES);
                    let file = held.shared.entry(key.clone()).or_default();
                    file.mapped_bytes += mapping.bytes;
                    file.allocated_bytes = allocated_bytes.unwrap_or(file.allocated_bytes);
                    current = Some((key, allocated_bytes));
                }
            } else if let Some(rest) = line.strip_prefix("Rss:") {
                let bytes = rest.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * KIB;
                held.resident_bytes += bytes;
                if let Some((key, None)) = &current
                    && let Some(file) = held.shared.get_mut(key)
                {
                    file.allocated_bytes += bytes;
                }
            }
        }
        held
    }

    /// Bytes of all files that any of them has mapped, each file once, as large as it is mapped at most.
    pub(super) fn shared_mapped_bytes(all: &[Self]) -> u64 {
        Self::shared(all, |file| file.mapped_bytes)
    }

    /// Likewise, of pages that exist.
    pub(super) fn shared_allocated_bytes(all: &[Self]) -> u64 {
        Self::shared(all, |file| file.allocated_bytes)
    }

    fn shared(all: &[Self], bytes: impl Fn(&SharedFile) -> u64) -> u64 {
        let mut largest: BTreeMap<&(String, u64), u64> = BTreeMap::new();
        for (key, file) in all.iter().flat_map(|held| &held.shared) {
            let known = largest.entry(key).or_default();
            *known = bytes(file).max(*known);
        }
        largest.values().sum()
    }
}

/// The first line of a mapping: `7f00-7f80 rw-s 00000000 00:1a 4711   /dev/shm/file`.
struct Mapping<'a> {
    bytes: u64,
    is_shared: bool,
    device: String,
    inode: u64,
    path: &'a str,
}

impl<'a> Mapping<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let (from, to) = words.next()?.split_once('-')?;
        let bytes = u64::from_str_radix(to, 16).ok()?.checked_sub(u64::from_str_radix(from, 16).ok()?)?;
        let is_shared = words.next()?.ends_with('s');
        words.next()?;
        let device = words.next()?.to_owned();
        let inode = words.next()?.parse().ok()?;
        let path = line.find('/').map_or("", |at| &line[at..]);
        Some(Self { bytes, is_shared, device, inode, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: &str = "\
55d0-55d4 r--p 00000000 fe:00 17 /usr/bin/peer
Size:                  0 kB
Rss:                   8 kB
7f0000000000-7f0000100000 rw-s 00000000 00:1a 4711                       /gone (deleted)
Size:               1024 kB
Rss:                 512 kB
7f0000200000-7f0000201000 rw-s 00000000 00:1a 4711                       /gone (deleted)
Rss:                   4 kB
7f0000300000-7f0000302000 rw-p 00000000 00:00 0
Rss:                   4 kB
";
    const CLIENT: &str = "\
7f0000000000-7f0000100000 rw-s 00000000 00:1a 4711                       /gone (deleted)
Rss:                 100 kB
7f0000400000-7f0000402000 r--s 00000000 00:1a 12                         /other (deleted)
Rss:                   8 kB
";

    #[test]
    fn a_file_counts_once_however_many_have_mapped_it() {
        let both = [SERVER, CLIENT].map(Held::from_smaps);
        assert_eq!((both[0].mappings, both[0].resident_bytes), (4, (8 + 512 + 4 + 4) * 1024));
        assert_eq!(Held::shared_mapped_bytes(&both), (1 << 20) + 4096 + 8192);
        assert_eq!(Held::shared_allocated_bytes(&both), (512 + 4 + 8) * 1024);
    }

    #[test]
    fn this_process_holds_something() {
        let held = Held::by(std::process::id()).unwrap();
        assert!(held.descriptors >= 3 && held.mappings > 3 && held.resident_bytes > 100_000, "{held:?}");
        assert!(Held::by(u32::MAX).is_err());
    }
}
