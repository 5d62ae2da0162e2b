//! The engine's configuration file, as a user writes it.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::classes::refusal;
use shmark_engine::Config;
use shmark_engine::error::NodeError;
use shmark_peer::kit::implementation::{OpResult, Qos, Refusal};
use shmark_peer::protocol::ErrorClass;

/// The configuration in a file with these defaults of services. The file is gone afterwards: nodes are given what the
/// engine has read from it.
///
/// # Errors
/// What the engine says of the file; `other` if it cannot be written.
pub fn through_a_file(root: &Path, qos: &Qos) -> OpResult<Config> {
    let path = root.join(format!("configuration-of-{}.toml", std::process::id()));
    std::fs::write(&path, text(qos)).map_err(|error| Refusal::Error {
        class: ErrorClass::Other,
        native: format!("writing {}: {error}", path.display()),
        setting: None,
    })?;
    let config = Config::from_file(&path);
    // What is left of it is found by the check for leftovers.
    let _ = std::fs::remove_file(&path);
    config.map_err(|error| refusal(NodeError::from(error)))
}

/// The settings are called in the file as they are in the protocol, and their values are written alike in JSON and TOML.
fn text(qos: &Qos) -> String {
    let mut text = "[service]\n".to_owned();
    if let Ok(Value::Object(settings)) = serde_json::to_value(qos) {
        for (key, value) in settings {
            let _ = writeln!(text, "{key} = {value}");
        }
    }
    text
}
