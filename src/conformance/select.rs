//! Which scenarios a pattern means: for `--run` and `--skip`, for `expected.toml`, for repro lines.

use globset::GlobBuilder;

use crate::scenario::model::Scenario;

/// Whether a pattern means a scenario.
///
/// A pattern is an id or a glob over ids, in which `*` does not cross a `/`, and `**` does; behind it there may be cell
/// values in brackets, all of which the scenario has to have: `liv/*[kind=slice]`. A pattern that is no valid glob means
/// nothing.
pub fn matches(pattern: &str, scenario: &Scenario) -> bool {
    let (id, cell) = match pattern.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
        // Without an equals sign it is a character class of the glob.
        Some((id, cell)) if cell.contains('=') => (id, cell),
        _ => (pattern, ""),
    };
    let has = |pair: &str| scenario.cell.iter().any(|(key, value)| pair.trim() == format!("{key}={value}"));
    let glob = GlobBuilder::new(id).literal_separator(true).build();
    (id == scenario.id || glob.is_ok_and(|glob| glob.compile_matcher().is_match(&scenario.id)))
        && cell.split(',').filter(|pair| !pair.trim().is_empty()).all(has)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::Level;

    fn scenario() -> Scenario {
        Scenario {
            id: "liv/blocked-send".to_owned(),
            cell: vec![("kind".to_owned(), "slice".to_owned()), ("len".to_owned(), "4096".to_owned())],
            title: String::new(),
            requirements: Vec::new(),
            level: Level::Must,
            features: Vec::new(),
            peers: Vec::new(),
            service: None,
            steps: Vec::new(),
            file: String::new(),
        }
    }

    #[test]
    fn ids_globs_and_cells_are_told_apart() {
        let scenario = scenario();
        for pattern in [
            "liv/blocked-send",
            "liv/*",
            "**",
            "*/blocked-*",
            "liv/blocked-send[kind=slice,len=4096]",
            "liv/blocked-send[len=4096]",
            "liv/*[kind=slice]",
            "[kl]iv/*",
            "liv/blocked-sen[cd]",
        ] {
            assert!(matches(pattern, &scenario), "{pattern}");
        }
        assert!(matches(&scenario.name(), &scenario));
        for pattern in ["liv", "*", "liv/blocked", "liv/*[kind=fixed]", "liv/*[len=409]", "svc/*", "[", "liv/*[x=1]"] {
            assert!(!matches(pattern, &scenario), "{pattern}");
        }
    }
}
