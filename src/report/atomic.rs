//! Files appear complete or not at all.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use super::error::ReportError;

/// Writes a file so that its name always has either the old or the new content. Missing parent folders are made.
///
/// # Errors
/// [`ReportError::Write`], with the path that could not be written; the temporary file is gone then.
pub fn write_atomically(path: &Path, content: &[u8]) -> Result<(), ReportError> {
    let failed = |source| ReportError::Write { path: path.to_owned(), source };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let name = path.file_name().ok_or_else(|| {
        failed(std::io::Error::new(std::io::ErrorKind::InvalidInput, "the path does not end in a file name"))
    })?;
    fs::create_dir_all(parent).map_err(failed)?;
    let mut temporary_name = std::ffi::OsString::from(".");
    temporary_name.push(name);
    temporary_name.push(format!(".{}.tmp", std::process::id()));
    let temporary = parent.join(temporary_name);
    let result = fs::File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_data()))
        .and_then(|()| fs::rename(&temporary, path));
    result.map_err(|source| {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
        failed(source)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaces_a_file_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/er/file.txt");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_name_that_is_a_folder_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("taken")).unwrap();
        fs::write(dir.path().join("taken/x"), "").unwrap();
        let error = write_atomically(&dir.path().join("taken"), b"new").unwrap_err();
        assert!(error.to_string().contains("taken"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_without_a_file_name_is_an_error() {
        assert!(matches!(write_atomically(Path::new(".."), b""), Err(ReportError::Write { .. })));
    }
}
