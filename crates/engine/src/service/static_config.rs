//! `static.toml`: what never changes about a service, readable by people, protected by a checksum.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::files;
use crate::error::{ServiceError, SystemContext};
use crate::lock;
use crate::name::hash;
use crate::payload::TypeDetail;
use crate::settings::Settings;
use crate::shm;

/// Version of everything in a service's folder.
pub const LAYOUT_VERSION: u64 = 2;
/// Largest file that is written or read: attributes are for labels, not for data.
const FILE_BYTES_MAX: usize = 1 << 20;
/// The four types, as errors call them.
pub(crate) const PARTS: [&str; 4] = ["request type", "response type", "request user header", "response user header"];
const FILE: &str = "static.toml";
const BYTE_ORDER: &str = if cfg!(target_endian = "little") { "little" } else { "big" };
/// In front of the file's hash, on the last line.
const CHECKSUM: &str = "# checksum: ";

/// The immutable side of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaticConfig {
    version: u64,
    byte_order: String,
    /// The service's name.
    pub name: String,
    /// All settings.
    pub settings: Settings,
    /// Request payload.
    pub request: TypeDetail,
    /// Response payload.
    pub response: TypeDetail,
    /// Request user header.
    pub request_header: TypeDetail,
    /// Response user header.
    pub response_header: TypeDetail,
    /// Attributes that the creator defined.
    pub attributes: BTreeMap<String, String>,
}

/// Only the version, to tell another version from damage.
#[derive(Deserialize)]
struct Version {
    version: u64,
}

impl StaticConfig {
    /// For a new service.
    pub(crate) fn new(
        name: String,
        settings: Settings,
        [request, response, request_header, response_header]: [TypeDetail; 4],
        attributes: BTreeMap<String, String>,
    ) -> Self {
        let (version, byte_order) = (LAYOUT_VERSION, BYTE_ORDER.to_owned());
        Self { version, byte_order, name, settings, request, response, request_header, response_header, attributes }
    }

    /// The four types, in the order of [`PARTS`].
    pub(crate) fn types(&self) -> [&TypeDetail; 4] {
        [&self.request, &self.response, &self.request_header, &self.response_header]
    }

    /// The text of the file.
    pub(crate) fn text(&self) -> Result<String, ServiceError> {
        let text = toml::to_string(self).map_err(|error| corrupted(error.to_string()))?;
        let text = format!("{text}{CHECKSUM}{}\n", hash(&text));
        check_length(text.len())?;
        Ok(text)
    }

    /// Writes the file into a service's folder that nobody else sees yet.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), ServiceError> {
        let text = self.text()?;
        let path = folder.join(FILE);
        let written = lock::open(&path, true).and_then(|mut file| shm::fill(&mut file, text.as_bytes()));
        Ok(written.at("writing the service's static settings", &path)?)
    }

    /// Reads and checks the file (RR-BAD-01). [`ServiceError::System`] is a shortage or a lack of rights, and no
    /// damage.
    pub(crate) fn read(folder: &Path) -> Result<Self, ServiceError> {
        let mut text = String::new();
        let path = folder.join(FILE);
        let file = match lock::open(&path, false) {
            // The folder is there, or the caller has looked: it appears complete, so the file was taken away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(corrupted("it is missing")),
            Err(error) if files::is_no_file(&path) => return Err(corrupted(error.to_string())),
            opened => opened.at("opening the service's static settings", &path)?,
        };
        let bytes = match file.take(FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(corrupted("it is not text")),
            read => read.at("reading the service's static settings", &path)?,
        };
        check_length(bytes).map_err(|error| corrupted(error.to_string()))?;
        let (body, sum) = text.rsplit_once(CHECKSUM).ok_or_else(|| corrupted("its checksum is missing"))?;
        if sum.trim_end() != hash(body) {
            return Err(corrupted("its checksum does not match"));
        }
        let version: Version = toml::from_str(body).map_err(|error| corrupted(error.message()))?;
        if version.version != LAYOUT_VERSION {
            return Err(ServiceError::VersionMismatch { has: version.version, speaks: LAYOUT_VERSION });
        }
        let config: Self = toml::from_str(body).map_err(|error| corrupted(error.message()))?;
        if config.byte_order != BYTE_ORDER {
            return Err(corrupted(format!("it has {}-endian byte order", config.byte_order)));
        }
        if !config.settings.is_valid() {
            return Err(corrupted("a setting is out of range"));
        }
        check_types(config.types()).map_err(|error| corrupted(error.to_string()))?;
        Ok(config)
    }
}

/// Whether there can be a service with these types; decides when it is created and when it is opened.
pub(super) fn check_types(types: [&TypeDetail; 4]) -> Result<(), ServiceError> {
    PARTS.into_iter().zip(types).try_for_each(|(part, detail)| detail.check(part))
}

fn check_length(bytes: usize) -> Result<(), ServiceError> {
    if bytes <= FILE_BYTES_MAX { Ok(()) } else { Err(ServiceError::AttributesTooLarge { bytes, max: FILE_BYTES_MAX }) }
}

fn corrupted(reason: impl Into<String>) -> ServiceError {
    ServiceError::Corrupted { file: FILE, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> StaticConfig {
        let [a, b] = [TypeDetail::of::<u64>(1), TypeDetail::of::<[u8]>(64)];
        let none = TypeDetail::of::<()>(1);
        let attributes = [("camera \"left\"".to_owned(), "a\nb".to_owned())].into();
        StaticConfig::new("x/y z".to_owned(), Settings::default(), [a, b, none.clone(), none], attributes)
    }

    #[test]
    fn what_was_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        example().write(folder.path()).unwrap();
        assert_eq!(StaticConfig::read(folder.path()), Ok(example()));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        example().write(folder.path()).unwrap();
        let path = folder.path().join(FILE);
        let good = std::fs::read(&path).unwrap();
        for i in 0..good.len() {
            let mut bad = good.clone();
            bad[i] ^= 0x04;
            std::fs::write(&path, &bad).unwrap();
            let result = StaticConfig::read(folder.path());
            // White space behind the checksum is no part of the file's meaning.
            assert!(result.is_err() || i == good.len() - 1, "byte {i} changed: {result:?}");
            std::fs::write(&path, &good[..i]).unwrap();
            let result = StaticConfig::read(folder.path());
            assert!(result.is_err() || i == good.len() - 1, "cut at {i}: {result:?}");
        }
    }

    #[test]
    fn another_version_is_told_from_damage() {
        let folder = tempfile::tempdir().unwrap();
        let text = "version = 99\nfuture = true\n";
        std::fs::write(folder.path().join(FILE), format!("{text}{CHECKSUM}{}\n", hash(text))).unwrap();
        let error = ServiceError::VersionMismatch { has: 99, speaks: LAYOUT_VERSION };
        assert_eq!(StaticConfig::read(folder.path()), Err(error));
    }
}
