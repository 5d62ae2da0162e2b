//! One iceoryx2 configuration for each namespace of the harness.

use std::path::{Component, Path as StdPath};

use iceoryx2::prelude::{Config, FileName, Path, SemanticString};
use shmark_peer::kit::implementation::{OpResult, Refusal};
use shmark_peer::kit::payload::crc32;
use shmark_peer::protocol::ErrorClass;

use crate::errors::refusal_as;

/// Longest root that iceoryx2 can use: it appends `/nodes/NODE-ID/` and names of up to 140 bytes, and stops the process
/// when a path then exceeds 255 bytes.
const ROOT_BYTES_MAX: usize = 100;
/// Longest part of a prefix that is taken from the root; the names behind it need up to 90 of 255 bytes.
const TOKEN_BYTES_MAX: usize = 80;

/// Configuration under which iceoryx2 sees and touches nothing but the namespace `root`.
///
/// Static service files and node files go into `root`. Shared memory (dynamic service state, connections, payload) goes
/// into `/dev/shm`, as iceoryx2 knows no other place, under names that begin with [`prefix`]. No configuration file is
/// read: every other value is iceoryx2's built-in default.
///
/// # Errors
/// `other` if iceoryx2 cannot use the root as a path.
pub fn config(root: &str) -> OpResult<Config> {
    if root.len() > ROOT_BYTES_MAX {
        return Err(unusable(root, &format!("it is longer than {ROOT_BYTES_MAX} bytes; use a shorter one")));
    }
    let path = Path::new(root.as_bytes()).map_err(|e| unusable(root, &format!("{e:?}; use a plain path")))?;
    let prefix = prefix(root);
    let prefix = FileName::new(prefix.as_bytes()).map_err(|e| unusable(root, &format!("{e:?} in prefix {prefix}")))?;
    let mut config = Config::default();
    config.global.set_root_path(&path);
    config.global.prefix = prefix;
    Ok(config)
}

fn unusable(root: &str, why: &str) -> Refusal {
    refusal_as(ErrorClass::Other, format!("iceoryx2 cannot use the root {root}: {why}"))
}

/// Prefix of everything that belongs to `root`: its last two folder names, so that a person and the leak check can tell
/// whose it is, and a checksum of the whole path, so that two roots never share one.
fn prefix(root: &str) -> String {
    let names: Vec<_> = StdPath::new(root)
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let token = names[names.len().saturating_sub(2)..].join("_");
    let token: String =
        token.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect();
    // Only ASCII is left, so any byte is a boundary.
    let token = &token[token.len().saturating_sub(TOKEN_BYTES_MAX)..];
    format!("{token}_{:08x}_", crc32(root.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_names_the_last_two_folders() {
        let prefix = prefix("/dev/shm/shmark-17/case-3");
        assert!(prefix.starts_with("shmark-17_case-3_"), "{prefix}");
    }

    #[test]
    fn roots_with_equal_folder_names_do_not_share_a_prefix() {
        assert_ne!(prefix("/a/x/y"), prefix("/b/x/y"));
    }

    #[test]
    fn a_prefix_stays_short_and_plain() {
        let prefix = prefix(&format!("/dev/shm/ü {}/{}", "a".repeat(90), "b".repeat(90)));
        assert!(prefix.len() < 100 && prefix.is_ascii() && !prefix.contains(['/', ' ']), "{prefix}");
    }

    #[test]
    fn a_root_that_is_too_long_is_refused_with_a_text() {
        let refused = config(&format!("/dev/shm/{}", "x".repeat(200)));
        assert!(
            matches!(refused, Err(Refusal::Error { class: ErrorClass::Other, native, .. }) if native.contains("shorter"))
        );
    }
}
