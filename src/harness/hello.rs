//! What a peer says about itself, and whether it can be believed.

use serde::Deserialize;

use super::error::HarnessError;
use super::subject::Subject;
use shmark_peer::protocol::{FEATURES, OPS};

/// Answer of `hello`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HelloReply {
    /// Name of the implementation.
    pub implementation: String,
    /// Its version.
    pub version: String,
    /// Language of the binding under test.
    pub language: String,
    /// What the peer has, of [`FEATURES`].
    pub features: Vec<String>,
    /// Peers with the same value can talk to each other.
    pub wire: String,
    /// Version of the protocol in which runner and peer speak.
    #[serde(skip)]
    pub protocol: u32,
}

impl HelloReply {
    /// Features that the peer declares and the manifest does not list, one sentence each.
    pub fn warnings(&self, subject: &Subject) -> Vec<String> {
        let unlisted: Vec<&str> =
            self.features.iter().filter(|name| !subject.features.contains(name)).map(String::as_str).collect();
        // A peer program without a manifest has no place for a list.
        let is_program = subject.manifest.is_none() && subject.features.is_empty();
        if unlisted.is_empty() || is_program {
            return Vec::new();
        }
        vec![format!(
            "subject `{}`: its peer declares features that its manifest does not list: {}. Add them to `features` in \
             subject.toml, so that losing them is noticed",
            subject.name,
            unlisted.join(", ")
        )]
    }

    /// Holds the answer against the manifest.
    pub(super) fn check(&self, subject: &Subject) -> Result<(), HarnessError> {
        let name = || subject.name.clone();
        let unknown: Vec<String> =
            self.features.iter().filter(|feature| !FEATURES.contains(&feature.as_str())).cloned().collect();
        if !unknown.is_empty() {
            return Err(HarnessError::UnknownFeatures { subject: name(), features: unknown });
        }
        let missing: Vec<String> =
            subject.features.iter().filter(|feature| !self.features.contains(feature)).cloned().collect();
        if !missing.is_empty() {
            return Err(HarnessError::MissingFeatures { subject: name(), features: missing });
        }
        if !is_version(&self.version, &subject.pin) {
            let (pin, version) = (subject.pin.clone(), self.version.clone());
            return Err(HarnessError::WrongVersion { subject: name(), pin, version });
        }
        Ok(())
    }
}

/// Whether `version` starts with `pin`, whole numbers only: `0.10` is not `0.1`.
fn is_version(version: &str, pin: &str) -> bool {
    version.strip_prefix(pin).is_some_and(|rest| {
        pin.is_empty()
            || !rest.starts_with(|c: char| c.is_ascii_digit())
            || !pin.ends_with(|c: char| c.is_ascii_digit())
    })
}

/// An operation that does not exist, made from the seed, so that a peer cannot know it; it looks like one of the others.
pub(super) fn made_up_op(seed: u64) -> String {
    let word: String = (0..6).map(|i| char::from(b'a' + shmark_peer::protocol::payload_byte(seed, i) % 26)).collect();
    let model = OPS[(seed % OPS.len() as u64) as usize].name;
    let group = model.split('.').next().unwrap_or(model);
    format!("{group}.x{word}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_start_of_whole_numbers() {
        assert!(is_version("0.10.0", "0.10.0") && is_version("0.10.0-dev", "0.10.0") && is_version("0.1.7", "0.1"));
        assert!(is_version("anything", "") && is_version("1.2", "1."));
        assert!(!is_version("0.10.0", "0.1") && !is_version("0.10.01", "0.10.0") && !is_version("0.9", "0.10"));
    }

    #[test]
    fn the_made_up_operation_does_not_exist() {
        for seed in 0..200 {
            let op = made_up_op(seed);
            assert!(shmark_peer::protocol::op(&op).is_none(), "{op}");
        }
        assert_ne!(made_up_op(1), made_up_op(2));
    }
}
