//! Subjects: implementations under test, by name or by path.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::HarnessError;
use super::manifest::{ExpectedDeviation, Manifest, parse_expected};
use super::subject_error::SubjectError;
use super::timeout::TimeoutMultiplier;

/// An implementation under test, from its manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Short name.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Home page, empty if there is none.
    pub home: String,
    /// Commands that build the peer, placeholders not yet filled in; see [`Subject::prepare`].
    pub build: Vec<Vec<String>>,
    /// Command that runs a peer, placeholders not yet filled in; see [`Subject::expand`].
    pub peer: Vec<String>,
    /// Command that sends a signal to a peer, empty if a signal to the peer's process group reaches it; see
    /// [`Manifest::signal`].
    pub signal: Vec<String>,
    /// Features that the peer has to declare.
    pub features: Vec<String>,
    /// Start of the version that the peer has to announce; any version if empty.
    pub pin: String,
    /// Time from the start of a peer to its answer to `hello`, ms.
    pub start_within_ms: u64,
    /// Multiplier of all time limits.
    pub timeout_multiplier: TimeoutMultiplier,
    /// Globs over the names of files that are no leak.
    pub keeps: Vec<String>,
    /// Known deviations.
    pub expected: Vec<ExpectedDeviation>,
    /// The manifest's absolute path; `None` for a built-in subject.
    pub manifest: Option<PathBuf>,
}

/// Name, manifest and known deviations of what is compiled in.
const BUILT_IN: &[(&str, &str, &str)] = &[
    ("reference", include_str!("../../subjects/reference/subject.toml"), ""),
    (
        "iceoryx2",
        include_str!("../../subjects/iceoryx2/subject.toml"),
        include_str!("../../subjects/iceoryx2/expected.toml"),
    ),
    ("unix-socket", include_str!("../../subjects/unix-socket/subject.toml"), ""),
    ("tcp-loopback", include_str!("../../subjects/tcp-loopback/subject.toml"), ""),
    ("pipe", include_str!("../../subjects/pipe/subject.toml"), ""),
    ("tachyon-ipc", include_str!("../../subjects/tachyon-ipc/subject.toml"), ""),
    ("aeron", include_str!("../../subjects/aeron/subject.toml"), ""),
    ("ipc-channel", include_str!("../../subjects/ipc-channel/subject.toml"), ""),
    ("posix-mq", include_str!("../../subjects/posix-mq/subject.toml"), ""),
    ("zeromq", include_str!("../../subjects/zeromq/subject.toml"), ""),
    ("tonic", include_str!("../../subjects/tonic/subject.toml"), ""),
];

impl Subject {
    /// Names of the built-in subjects.
    pub fn built_in() -> Vec<&'static str> {
        BUILT_IN.iter().map(|(name, ..)| *name).collect()
    }

    /// The built-in subject of this name, or the one whose `subject.toml`, or whose folder, is at this path.
    ///
    /// # Errors
    /// No such subject, or a file that is not what it should be, with line and column.
    pub fn find(name_or_path: &str) -> Result<Self, SubjectError> {
        if let Some((name, manifest, expected)) = BUILT_IN.iter().find(|(name, ..)| *name == name_or_path) {
            let manifest = Manifest::parse(&format!("subjects/{name}/subject.toml"), manifest)?;
            let expected = parse_expected(&format!("subjects/{name}/expected.toml"), expected)?;
            return Ok(Self::new(manifest, expected, None));
        }
        let mut path = PathBuf::from(name_or_path);
        if path.is_dir() {
            path.push("subject.toml");
        }
        if !path.exists() {
            let known = Self::built_in().into_iter().map(str::to_owned).collect();
            return Err(SubjectError::Unknown { asked: name_or_path.to_owned(), known });
        }
        Self::load(&path)
    }

    fn load(path: &Path) -> Result<Self, SubjectError> {
        let unreadable = |path: &Path| {
            let path = path.to_owned();
            move |source| SubjectError::Unreadable { path, source }
        };
        let path = fs::canonicalize(path).map_err(unreadable(path))?;
        let text = fs::read_to_string(&path).map_err(unreadable(&path))?;
        let manifest = Manifest::parse(&path.to_string_lossy(), &text)?;
        let list = path.with_file_name("expected.toml");
        let expected = match fs::read_to_string(&list) {
            Ok(text) => parse_expected(&list.to_string_lossy(), &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(unreadable(&list)(error)),
        };
        Ok(Self::new(manifest, expected, Some(path)))
    }

    fn new(content: Manifest, expected: Vec<ExpectedDeviation>, manifest: Option<PathBuf>) -> Self {
        let Manifest { name, description, home, build, peer, signal, features, pin, start_within_ms, keeps } = content;
        let timeout_multiplier = TimeoutMultiplier::default();
        Self {
            name,
            description,
            home,
            build,
            peer,
            signal,
            features,
            pin,
            start_within_ms,
            timeout_multiplier,
            keeps,
            expected,
            manifest,
        }
    }

    /// A peer program that has no manifest; `words` are the program and its arguments.
    pub fn program(name: &str, words: Vec<String>) -> Self {
        let content = Manifest::of_program(name, words);
        Self::new(content, Vec::new(), None)
    }

    /// The same with other time limits.
    #[must_use]
    pub fn with_timeout_multiplier(self, timeout_multiplier: TimeoutMultiplier) -> Self {
        Self { timeout_multiplier, ..self }
    }

    /// Time that a peer has from its start to its answer to `hello`.
    pub fn start_time(&self) -> Duration {
        self.timeout_multiplier.of(Duration::from_millis(self.start_within_ms))
    }

    /// Whether results of these subjects, and of no others, can be told apart by their names. One may be there twice.
    ///
    /// # Errors
    /// [`HarnessError::SameName`] if two different ones share a name.
    pub fn check_names_differ<'a>(subjects: impl Iterator<Item = &'a Self> + Clone) -> Result<(), HarnessError> {
        let mut others = subjects.clone();
        for subject in subjects {
            others.next();
            if others.clone().any(|other| other.name == subject.name && other != subject) {
                return Err(HarnessError::SameName { name: subject.name.clone() });
            }
        }
        Ok(())
    }

    /// What [`Self::find`] finds it by: the name of a built-in subject, or a path.
    pub fn handle(&self) -> String {
        self.manifest.as_ref().map_or_else(|| self.name.clone(), |path| path.to_string_lossy().into_owned())
    }

    /// Folder of the manifest; `None` for a built-in subject.
    pub fn folder(&self) -> Option<&Path> {
        self.manifest.as_deref().and_then(Path::parent)
    }

    /// Whether a file is one that the implementation keeps on purpose.
    pub fn keeps(&self, file_name: &str) -> bool {
        // A pattern that cannot be read was refused with its file.
        let is =
            |pattern: &String| globset::Glob::new(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(file_name));
        self.keeps.iter().any(is)
    }

    /// Fills in the placeholders of a command: `{shmark}` is the running executable, `{here}` the manifest's folder,
    /// `{root}` the source checkout, `{target}` the folder in which cargo builds there (`CARGO_TARGET_DIR`).
    ///
    /// # Errors
    /// [`SubjectError::NoCheckout`] if a word needs a checkout and there is none.
    pub fn expand(&self, command: &[String]) -> Result<Vec<String>, SubjectError> {
        let root = self.root();
        command
            .iter()
            .map(|word| {
                let mut filled = word.clone();
                for (placeholder, value) in [
                    ("{shmark}", env::current_exe().ok()),
                    (
                        "{here}",
                        self.folder()
                            .map(Path::to_owned)
                            .or_else(|| Some(root.as_ref()?.join("subjects").join(&self.name))),
                    ),
                    ("{target}", root.as_deref().map(target)),
                    ("{root}", root.clone()),
                ] {
                    if filled.contains(placeholder) {
                        let value = value.ok_or_else(|| SubjectError::NoCheckout {
                            subject: self.name.clone(),
                            word: placeholder.to_owned(),
                        })?;
                        filled = filled.replace(placeholder, &value.to_string_lossy());
                    }
                }
                Ok(filled)
            })
            .collect()
    }

    /// Folder in which the subject's commands run: the manifest's own, else the checkout, else the current one.
    pub(super) fn working_folder(&self) -> Option<PathBuf> {
        self.folder().map(Path::to_owned).or_else(|| self.root())
    }

    /// The source checkout: the nearest folder at or above the manifest, or else the current folder, that has
    /// `Cargo.lock` and `subjects/`.
    fn root(&self) -> Option<PathBuf> {
        let current = env::current_dir().ok();
        [self.folder(), current.as_deref()]
            .into_iter()
            .flatten()
            .find_map(|start| {
                start.ancestors().find(|dir| dir.join("Cargo.lock").is_file() && dir.join("subjects").is_dir())
            })
            .map(Path::to_owned)
    }
}

/// Where cargo builds.
pub(super) fn target(root: &Path) -> PathBuf {
    match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
        Some(dir) => std::path::absolute(&dir).unwrap_or_else(|_| dir.into()),
        None => root.join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_subject_is_read() {
        for name in Subject::built_in() {
            let subject = Subject::find(name).unwrap();
            assert_eq!(subject.name, name);
            assert!(!subject.features.is_empty() && !subject.pin.is_empty(), "{name}");
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let text = Subject::find("nobody").unwrap_err().to_string();
        assert!(text.contains("reference, iceoryx2") && text.contains("subject.toml"), "{text}");
    }

    #[test]
    fn a_folder_or_a_file_names_a_subject_outside_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("subject.toml"), "name = \"mine\"\ndescription = \"d\"\npeer = [\"{here}/p\"]")
            .unwrap();
        let file = dir.path().join("subject.toml");
        for path in [dir.path(), file.as_path()] {
            let subject = Subject::find(path.to_str().unwrap()).unwrap();
            let here = fs::canonicalize(dir.path()).unwrap();
            assert_eq!(subject.expand(&subject.peer).unwrap(), [here.join("p").to_str().unwrap()]);
        }
        fs::write(dir.path().join("expected.toml"), "[[deviation]]\nscenario = 3\n").unwrap();
        let text = Subject::find(file.to_str().unwrap()).unwrap_err().to_string();
        assert!(text.contains("expected.toml:2:12: "), "{text}");
    }
}
