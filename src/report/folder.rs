//! The folder of a run's results, for one run at a time.

use std::fs::{self, File, TryLockError};
use std::path::Path;

use super::error::ReportError;

/// A results folder that no other run writes into, until this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct ResultsFolder {
    /// Locked, and the folder itself: nothing has to be left in it.
    _lock: Option<File>,
}

impl ResultsFolder {
    /// Makes the folder, with missing parents, and takes it. File systems that know no locks give none.
    ///
    /// # Errors
    /// [`ReportError::InUse`] if another run has it, [`ReportError::Write`] if it cannot be made or opened.
    pub fn take(path: &Path) -> Result<Self, ReportError> {
        let failed = |source| ReportError::Write { path: path.to_owned(), source };
        fs::create_dir_all(path).map_err(failed)?;
        let folder = File::open(path).map_err(failed)?;
        match folder.try_lock() {
            Ok(()) => Ok(Self { _lock: Some(folder) }),
            Err(TryLockError::WouldBlock) => Err(ReportError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(_)) => Ok(Self { _lock: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_by_whatever_path_and_nothing_is_left_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/results");
        let first = ResultsFolder::take(&path).unwrap();
        std::os::unix::fs::symlink(&path, dir.path().join("link")).unwrap();
        for other in [path.clone(), dir.path().join("link")] {
            let error = ResultsFolder::take(&other).unwrap_err();
            assert!(matches!(error, ReportError::InUse { .. }), "{error}");
            assert!(error.to_string().contains(&*other.to_string_lossy()), "{error}");
        }
        drop(first);
        ResultsFolder::take(&path).unwrap();
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }
}
