//! What the runner itself does to a namespace: damage to its files.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use globset::GlobBuilder;

use crate::harness::namespace::Namespace;
use crate::scenario::model::Damage;
use shmark_peer::protocol::payload_byte;

/// Seed of the bytes that [`Damage::Garbage`] writes.
const GARBAGE_SEED: u64 = 0x6761_7262_6167_6521;

/// Damages every regular file of the namespace whose path below its root matches.
///
/// # Errors
/// A sentence: the pattern is none, nothing matches (a stimulus that never happened must not pass for one), or a file
/// cannot be written.
pub(super) fn damage(namespace: &Namespace, pattern: &str, how: Damage) -> Result<(), String> {
    let glob = GlobBuilder::new(pattern).literal_separator(true).build().map_err(|error| error.to_string())?;
    let matcher = glob.compile_matcher();
    let files = namespace.files();
    let mut damaged = 0;
    for file in files.iter().filter(|file| matcher.is_match(file)) {
        let path = namespace.path().join(file);
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            continue;
        }
        damage_one(&path, how).map_err(|error| format!("{} cannot be damaged: {error}", file.display()))?;
        damaged += 1;
    }
    if damaged > 0 {
        return Ok(());
    }
    let there: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    Err(format!(
        "no file matches `{pattern}`; there are: {}",
        if there.is_empty() { "none".to_owned() } else { there.join(", ") }
    ))
}

fn damage_one(path: &Path, how: Damage) -> io::Result<()> {
    // What its owner made read-only is no less damaged by a broken disk.
    let mode = fs::metadata(path)?.permissions().mode();
    let read_only = mode & 0o200 == 0;
    if read_only {
        fs::set_permissions(path, Permissions::from_mode(mode | 0o200))?;
    }
    let result = OpenOptions::new().write(true).open(path).and_then(|file| overwrite(&file, how));
    if read_only {
        fs::set_permissions(path, Permissions::from_mode(mode))?;
    }
    result
}

fn overwrite(mut file: &File, how: Damage) -> io::Result<()> {
    let length = file.metadata()?.len();
    match how {
        Damage::Truncate => return file.set_len(length / 2),
        Damage::Empty => return file.set_len(0),
        Damage::Zero | Damage::Garbage => {}
    }
    let mut written = 0;
    while written < length {
        let end = length.min(written + 4096);
        let byte = |i| if how == Damage::Zero { 0 } else { payload_byte(GARBAGE_SEED, i) };
        let chunk: Vec<u8> = (written..end).map(byte).collect();
        file.write_all(&chunk)?;
        written = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::run_folder::RunFolder;

    #[test]
    fn files_are_damaged_as_asked_and_only_those() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_in(parent.path()).unwrap();
        let namespace = run.namespace().unwrap();
        let (hit, other) = (namespace.path().join("s/a.toml"), namespace.path().join("s/a.bin"));
        fs::create_dir(namespace.path().join("s")).unwrap();
        for (how, check) in [
            (Damage::Truncate, (|bytes: &[u8]| bytes == b"abc") as fn(&[u8]) -> bool),
            (Damage::Empty, |bytes| bytes.is_empty()),
            (Damage::Zero, |bytes| bytes == [0; 7]),
            (Damage::Garbage, |bytes| bytes.len() == 7 && bytes != b"abcdefg"),
        ] {
            fs::write(&hit, "abcdefg").unwrap();
            fs::write(&other, "abcdefg").unwrap();
            fs::set_permissions(&hit, Permissions::from_mode(0o400)).unwrap();
            damage(&namespace, "s/*.toml", how).unwrap();
            assert!(check(&fs::read(&hit).unwrap()), "{how:?}");
            assert_eq!(fs::read(&other).unwrap(), b"abcdefg");
            assert_eq!(fs::metadata(&hit).unwrap().permissions().mode() & 0o777, 0o400);
            fs::set_permissions(&hit, Permissions::from_mode(0o600)).unwrap();
        }
    }

    #[test]
    fn damage_that_hits_nothing_is_an_error() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_in(parent.path()).unwrap();
        let namespace = run.namespace().unwrap();
        fs::write(namespace.path().join("x"), "").unwrap();
        let text = damage(&namespace, "*.toml", Damage::Zero).unwrap_err();
        assert_eq!(text, "no file matches `*.toml`; there are: x");
    }
}
