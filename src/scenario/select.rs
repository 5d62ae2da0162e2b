//! Which scenarios to run.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::catalogue::Catalogue;
use super::model::Scenario;
use crate::report::model::Level;
use crate::suggest::among;

/// A choice among scenarios. Everything is chosen unless something is said.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    run: Option<GlobSet>,
    skip: Option<GlobSet>,
    level: Option<Level>,
    requirements: Vec<String>,
}

/// A choice that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what the message shows")]
pub enum SelectionError {
    /// Patterns are globs.
    BadPattern { pattern: String, reason: String },
    /// Requirements are in the catalogue.
    UnknownRequirement { id: String, known: Vec<String> },
}

impl fmt::Display for SelectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPattern { pattern, reason } => {
                write!(f, "the pattern {pattern:?} cannot be read: {reason}; `snd/*` is every scenario of a group")
            }
            Self::UnknownRequirement { id, known } => {
                write!(f, "the catalogue has no requirement {id:?}; {}", among(id, known))
            }
        }
    }
}

impl std::error::Error for SelectionError {}

impl Selection {
    /// Chooses scenarios whose id or name (`id[cell]`) matches one of `run`, if there is any, and none of `skip`.
    ///
    /// `*` and `?` match slashes too, and `{a,b}` is a choice; brackets stand for themselves, so that a name can be pasted.
    ///
    /// # Errors
    /// If a pattern cannot be read.
    pub fn new(run: &[String], skip: &[String]) -> Result<Self, SelectionError> {
        Ok(Self { run: globs(run)?, skip: globs(skip)?, ..Self::default() })
    }

    /// Keeps scenarios that are at least so strong: [`Level::Should`] keeps `must` and `should`.
    #[must_use]
    pub fn with_level(mut self, level: Option<Level>) -> Self {
        self.level = level;
        self
    }

    /// Keeps scenarios that decide one of these requirements; all if there is none.
    ///
    /// # Errors
    /// If the catalogue does not have one of them.
    pub fn with_requirements(mut self, ids: &[String], catalogue: &Catalogue) -> Result<Self, SelectionError> {
        for id in ids {
            if catalogue.get(id).is_none() {
                return Err(SelectionError::UnknownRequirement { id: id.clone(), known: catalogue.ids() });
            }
        }
        self.requirements = ids.to_vec();
        Ok(self)
    }

    /// Whether this one is chosen.
    pub fn takes(&self, scenario: &Scenario) -> bool {
        let name = scenario.name();
        let matches = |globs: &GlobSet| globs.is_match(&scenario.id) || globs.is_match(&name);
        self.run.as_ref().is_none_or(matches)
            && !self.skip.as_ref().is_some_and(matches)
            && self.level.is_none_or(|level| scenario.level <= level)
            && (self.requirements.is_empty() || scenario.requirements.iter().any(|id| self.requirements.contains(id)))
    }

    /// Those that are chosen, in order.
    pub fn of<'a>(&self, scenarios: &'a [Scenario]) -> Vec<&'a Scenario> {
        scenarios.iter().filter(|scenario| self.takes(scenario)).collect()
    }
}

fn globs(patterns: &[String]) -> Result<Option<GlobSet>, SelectionError> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let bad = |error: &globset::Error| SelectionError::BadPattern {
            pattern: pattern.clone(),
            reason: error.kind().to_string(),
        };
        let literal = pattern.replace('[', "\\[").replace(']', "\\]");
        set.add(GlobBuilder::new(&literal).backslash_escape(true).build().map_err(|error| bad(&error))?);
    }
    set.build()
        .map(Some)
        .map_err(|error| SelectionError::BadPattern { pattern: patterns.join(", "), reason: error.to_string() })
}
