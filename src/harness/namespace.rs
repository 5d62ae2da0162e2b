//! Namespaces: the folder that a scenario's shared memory lives in, fresh each time, and what is left in it at the end.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::leftovers;
use super::removal::{objects_named_after, remove};
use super::subject::Subject;

/// Folder of one scenario or trial. Dropping it kills every process that was told of it, and removes it.
#[derive(Debug)]
pub struct Namespace {
    pub(super) path: PathBuf,
}

/// Something that is left when all peers are gone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leak {
    /// A process, in words.
    Process(String),
    /// A file: relative to the namespace, or absolute if it is outside of it.
    File(PathBuf),
}

impl Leak {
    /// Whether it is a file that the subject keeps on purpose.
    pub fn is_kept_by(&self, subject: &Subject) -> bool {
        match self {
            Self::Process(_) => false,
            Self::File(path) => path.file_name().is_some_and(|name| subject.keeps(&name.to_string_lossy())),
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(text) => f.write_str(text),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

impl Namespace {
    /// The folder, which `hello` tells as `root`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The folder's name: unique on this machine, so that objects outside the folder that belong to it can be told by it.
    pub fn token(&self) -> &str {
        self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Files, sockets and pipes in the folder, relative to it, sorted; folders do not count.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        collect(&self.path, &mut found);
        for path in &mut found {
            if let Ok(short) = path.strip_prefix(&self.path) {
                *path = short.to_owned();
            }
        }
        found.sort();
        found
    }

    /// What is left when all peers are gone: files in the folder, objects in `/dev/shm` that have the token in their
    /// name, and processes. Kills the processes.
    pub fn leaks(&self) -> Vec<Leak> {
        let processes = leftovers::kill_all_in(&self.path).into_iter().map(Leak::Process);
        processes.chain(self.files().into_iter().chain(self.outside()).map(Leak::File)).collect()
    }

    /// Objects in `/dev/shm` that belong to the namespace.
    fn outside(&self) -> Vec<PathBuf> {
        objects_named_after(self.token())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        leftovers::kill_all_in(&self.path);
        for path in self.outside() {
            remove(&path);
        }
        remove(&self.path);
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), found),
            _ => found.push(entry.path()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::removal::SHM;
    use super::super::run_folder::RunFolder;
    use super::*;

    #[test]
    fn a_namespace_is_empty_and_names_what_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let run = RunFolder::create_in(parent.path()).unwrap();
        let (first, second) = (run.namespace().unwrap(), run.namespace().unwrap());
        assert_ne!(first.token(), second.token());
        fs::create_dir_all(first.path().join("a/b")).unwrap();
        assert_eq!(first.leaks(), []);
        fs::write(first.path().join("a/b/c"), "").unwrap();
        assert_eq!(first.leaks(), [Leak::File("a/b/c".into())]);
        assert_eq!(second.leaks(), []);
        let path = first.path().to_owned();
        let object = Path::new(SHM).join(format!("{}_object", first.token()));
        if fs::write(&object, "").is_ok() {
            assert_eq!(first.leaks(), [Leak::File("a/b/c".into()), Leak::File(object.clone())]);
        }
        drop(first);
        assert!(!object.exists());
        assert!(!path.exists());
        drop((second, run));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
