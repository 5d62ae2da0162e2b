//! The configuration file: where it is, and what may stand in it.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Config;
use crate::error::ConfigError;
use crate::settings::{RequestedSettings, Settings, from_one};

/// Environment variable that names the configuration file.
pub const CONFIG_VARIABLE: &str = "SHMARK_CONFIG";
/// Below the user's folder for configuration.
const USERS: &str = "shmark/config.toml";
/// Far more than every key with every remark.
const FILE_BYTES_MAX: u64 = 1 << 20;

impl Config {
    /// The configuration of this process: the file that `SHMARK_CONFIG` names, else `shmark/config.toml` in
    /// `$XDG_CONFIG_HOME` or `~/.config` if it is there and may be read, else the built-in values.
    ///
    /// # Errors
    /// [`ConfigError`], also if the file that `SHMARK_CONFIG` names does not exist or may not be read.
    pub fn load() -> Result<Self, ConfigError> {
        match locate(|name| std::env::var_os(name)) {
            Location::Named(path) => Self::from_file(path),
            Location::Users(path) => match Self::from_file(path) {
                // Nobody has named it, and HOME may be another user's: under sudo, or in a service.
                Err(
                    ConfigError::Missing { .. } | ConfigError::Unreadable { kind: io::ErrorKind::PermissionDenied, .. },
                ) => Ok(Self::default()),
                read => read,
            },
            Location::Nowhere => Ok(Self::default()),
        }
    }

    /// The configuration in a file.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref().to_owned();
        let mut text = String::new();
        let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text));
        match read {
            Ok(bytes) if bytes as u64 > FILE_BYTES_MAX => Err(ConfigError::TooLarge { path }),
            Ok(_) => Self::from_text(path, &text),
            // A folder on the way that is none is no file either.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Err(ConfigError::Missing { path })
            }
            Err(error) => Err(ConfigError::Unreadable { path, kind: error.kind(), text: error.to_string() }),
        }
    }

    fn from_text(path: PathBuf, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            // Up to a character's beginning: a file may have an error in the middle of one.
            let before = error.span().and_then(|span| (0..=span.start).rev().find_map(|end| text.get(..end)));
            let before = before.unwrap_or_default();
            let line_start = before.rfind('\n').map_or(0, |at| at + 1);
            ConfigError::Invalid {
                path,
                line: before.matches('\n').count() + 1,
                column: before[line_start..].chars().count() + 1,
                message: error.message().trim_end().replace('\n', "; "),
            }
        })
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Location {
    Named(PathBuf),
    Users(PathBuf),
    Nowhere,
}

fn locate(variable: impl Fn(&str) -> Option<OsString>) -> Location {
    let path = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // A relative folder is ignored, as its specification says: it would mean another file in every working folder.
    let folder = |name| path(name).filter(|folder| folder.is_absolute());
    if let Some(named) = path(CONFIG_VARIABLE) {
        return Location::Named(named);
    }
    let users = folder("XDG_CONFIG_HOME").or_else(|| Some(folder("HOME")?.join(".config")));
    users.map_or(Location::Nowhere, |folder| Location::Users(folder.join(USERS)))
}

/// `[service]`: what it leaves out is built in.
pub(super) fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Settings, D::Error> {
    RequestedSettings::deserialize(deserializer)?.for_creation(&Settings::default()).map_err(D::Error::custom)
}

pub(super) fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    from_one(deserializer, usize::try_from(i64::MAX).unwrap_or(usize::MAX))
}

pub(super) fn at_least_one_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    at_least_one(deserializer).map(Some)
}

pub(super) fn absolute<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    if path.is_absolute() {
        return Ok(Some(path));
    }
    // Relative to what? Processes would meet or not depending on where they were started.
    let path = path.display();
    Err(D::Error::custom(format!("`{path}` is no absolute path: write one that begins with a slash")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_looked_for_where_the_documentation_says() {
        let users = |path: &str| Location::Users(path.into());
        for (variables, expected) in [
            (&[][..], Location::Nowhere),
            (&[("HOME", "/h")], users("/h/.config/shmark/config.toml")),
            (&[("HOME", "/h"), ("XDG_CONFIG_HOME", "")], users("/h/.config/shmark/config.toml")),
            (&[("HOME", "/h"), ("XDG_CONFIG_HOME", "x")], users("/h/.config/shmark/config.toml")),
            (&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")], users("/x/shmark/config.toml")),
            (&[("HOME", "/h"), ("SHMARK_CONFIG", "")], users("/h/.config/shmark/config.toml")),
            (&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x"), ("SHMARK_CONFIG", "c")], Location::Named("c".into())),
        ] {
            let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
            assert_eq!(locate(variable), expected, "{variables:?}");
        }
    }

    #[test]
    fn every_flaw_is_told_with_its_place_and_a_remedy() {
        let long = "x".repeat(80);
        for (text, line, column, parts) in [
            ("[service]\nmax_client = 3\n", 2, 1, &["unknown field `max_client`", "`max_clients`"][..]),
            ("[services]\n", 1, 2, &["unknown field `services`", "`service`"]),
            ("profil = \"desktop\"\n", 1, 1, &["`profil`", "`profile`"]),
            ("profile = \"fast\"\n", 1, 11, &["`fast`", "`desktop`", "`safety-critical`"]),
            ("[service]\nmax_clients = 0\n", 2, 15, &["0 is out of range", "from 1 to 65536"]),
            ("[service]\nmax_clients = 65537\n", 2, 15, &["65537 is out of range"]),
            ("[service]\nmax_clients = -1\n", 2, 15, &["-1 is out of range"]),
            ("[service]\nmax_clients = \"ä\"\n", 2, 15, &["string", "expected"]),
            ("[service]\nfire_and_forget = 1\n", 2, 19, &["integer `1`", "boolean"]),
            ("[client]\ninitial_max_slice_len = 0\n", 2, 25, &["write a number from 1"]),
            ("[client]\nmax_loaned_responses = 1\n", 2, 1, &["unknown field `max_loaned_responses`"]),
            ("[server]\npreallocate = 0\n", 2, 15, &["write a number from 1"]),
            ("[server]\nbackpressure_strategy = \"wait\"\n", 2, 25, &["`retry-until-delivered`", "`discard-data`"]),
            ("[server]\nallocation_strategy = \"dynamic\"\n", 2, 23, &["`dynamic`", "`static`"]),
            ("root = \"run/shmark\"\n", 1, 8, &["no absolute path", "begins with a slash"]),
            ("# ä\nroot = \"/ä\" root = 1\n", 2, 13, &[]),
            ("[service]\nmax_clients = 1\nmax_clients = 2\n", 3, 1, &["duplicate"]),
            (long.as_str(), 1, 81, &[]),
        ] {
            let error = Config::from_text("dir/c.toml".into(), text).unwrap_err();
            let place = format!("dir/c.toml:{line}:{column}: ");
            let said = error.to_string();
            assert!(said.starts_with(&place), "{text:?}: expected at {place:?}: {said}");
            assert!(said.ends_with("docs/CONFIGURATION.md has every key") && !said.contains('\n'), "{said:?}");
            for part in parts {
                assert!(said.contains(part), "{text:?}: expected {part:?}: {said}");
            }
        }
    }

    #[test]
    fn what_a_file_leaves_out_is_built_in() {
        let read = |text| Config::from_text("c.toml".into(), text).unwrap();
        assert_eq!(read(""), Config::default());
        assert_eq!(read("[service]\n[client]\n[server]\n"), Config::default());
        let mut expected = Config { root: Some("/r".into()), ..Config::default() };
        expected.service.max_clients = 3;
        expected.server.preallocate = Some(7);
        assert_eq!(read("root = \"/r\"\nservice.max_clients = 3\nserver.preallocate = 7\n"), expected);
    }

    #[test]
    fn what_cannot_be_read_is_told_from_what_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert_eq!(Config::from_file(at("no")), Err(ConfigError::Missing { path: at("no") }));
        assert!(matches!(Config::from_file(folder.path()), Err(ConfigError::Unreadable { .. })));
        std::fs::write(at("binary"), [0xff, 0xfe]).unwrap();
        assert!(matches!(Config::from_file(at("binary")), Err(ConfigError::Unreadable { .. })));
        std::fs::write(at("large"), "#".repeat(1 << 21)).unwrap();
        assert_eq!(Config::from_file(at("large")), Err(ConfigError::TooLarge { path: at("large") }));
        assert_eq!(Config::from_file("/dev/null"), Ok(Config::default()));
        assert_eq!(Config::from_file("/dev/zero"), Err(ConfigError::TooLarge { path: "/dev/zero".into() }));
    }
}
