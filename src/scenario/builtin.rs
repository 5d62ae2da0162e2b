//! The scenarios that are compiled in, so that an installed `shmark` works in any folder.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$((concat!("scenarios/", $path), include_str!(concat!("../../scenarios/", $path)))),*]
    };
}

/// Files of conformance scenarios, each its name and its text.
pub(super) const CONFORMANCE: &[(&str, &str)] = files!["conformance/liv/blocked-send-outlives-a-killed-server.toml",];

/// Files of benchmark scenarios, likewise.
pub(super) const BENCH: &[(&str, &str)] = files!["bench/rtt.toml"];
