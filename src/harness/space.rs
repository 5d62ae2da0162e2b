//! What is free where shared memory lives, and what to do where it is too little.

use std::path::Path;

use nix::sys::statvfs::statvfs;

/// Where shared memory is.
pub const SHM: &str = "/dev/shm";

const MIB: u64 = 1 << 20;
/// Less than this is as good as nothing: no port fits into it.
const NEARLY_NOTHING: u64 = MIB;

/// Bytes that are free in the file system of a path, unless they cannot be told: a tmpfs without a limit (`size=0`) says
/// that it has no blocks at all.
pub fn free_bytes(path: &Path) -> Option<u64> {
    let space = statvfs(path).ok().filter(|space| space.blocks() > 0)?;
    #[allow(clippy::useless_conversion, reason = "the widths of these fields differ between targets")]
    Some(u64::from(space.blocks_available()).saturating_mul(u64::from(space.fragment_size())))
}

/// Whether lack of memory may be the cause of what went wrong, from what was free at that moment. A refusal names
/// memory as its cause; as the reservation that was refused is given back before anybody looks, it counts while less
/// than twice the stated `need` is free.
pub fn may_lack(free: u64, need: u64, refused: bool) -> bool {
    free < NEARLY_NOTHING || refused && free < need.saturating_mul(2)
}

/// `63.9 MiB`.
pub fn mebibytes(bytes: u64) -> String {
    if bytes.is_multiple_of(MIB) {
        return format!("{} MiB", bytes / MIB);
    }
    format!("{:.1} MiB", bytes as f64 / MIB as f64)
}

/// What to do where too little is free.
pub fn remedy(path: &Path) -> String {
    if path.starts_with(SHM) {
        "enlarge it: `docker run --shm-size=1g` for a container, `mount -o remount,size=1g /dev/shm` as root elsewhere"
            .to_owned()
    } else {
        format!("make room in {}; there is no {SHM} here, which `docker run --shm-size=1g` sizes", path.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_lacking_where_next_to_nothing_is_free_or_a_refusal_names_it() {
        for (free, need, refused, lacking) in [
            (0, 16, false, true),
            (NEARLY_NOTHING - 1, 16 * MIB, false, true),
            (NEARLY_NOTHING, 16 * MIB, false, false),
            (31 * MIB, 16 * MIB, true, true),
            (32 * MIB, 16 * MIB, true, false),
            (31 * MIB, 16 * MIB, false, false),
        ] {
            assert_eq!(may_lack(free, need, refused), lacking, "{free} {need} {refused}");
        }
    }

    #[test]
    fn figures_and_remedies_are_for_people() {
        assert_eq!((mebibytes(64 << 20), mebibytes(67_000_000)), ("64 MiB".to_owned(), "63.9 MiB".to_owned()));
        assert!(remedy(Path::new("/dev/shm/a")).contains("--shm-size"));
        assert!(remedy(Path::new("/tmp/a")).contains("/tmp/a"));
        assert!(free_bytes(Path::new("/")).is_some());
        assert_eq!(free_bytes(Path::new("/no/such/place")), None);
    }
}
