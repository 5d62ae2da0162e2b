//! Values of the configuration file that are checked where they are read.

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::settings::{RequestedSettings, Settings, from_one};

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
