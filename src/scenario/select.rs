//! Which scenarios to run.

use std::fmt;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use super::catalogue::Catalogue;
use super::model::Scenario;
use crate::results::model::Level;
use crate::suggest::{among, nearest};

/// A choice among scenarios. Everything is chosen unless something is said.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    run: Option<GlobSet>,
    skip: Option<GlobSet>,
    level: Option<Level>,
    requirements: Vec<String>,
    /// Every pattern with its option, on its own.
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone)]
struct Pattern {
    option: &'static str,
    text: String,
    globs: GlobSet,
}

/// A choice that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are what the message shows")]
pub enum SelectionError {
    /// Patterns are globs.
    BadPattern { pattern: String, reason: String },
    /// Requirements are in the catalogue.
    UnknownRequirement { id: String, known: Vec<String> },
    /// A pattern is there to match something.
    MatchesNothing { option: &'static str, pattern: String, near: Option<String> },
    /// A requirement that is asked for needs a scenario that decides it.
    Undecided { id: String },
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
            Self::MatchesNothing { option, pattern, near } => {
                write!(f, "{option} {pattern:?} matches no scenario: ")?;
                match near {
                    Some(near) => write!(f, "did you mean {near:?}? ")?,
                    None => f.write_str("correct or remove it. ")?,
                }
                f.write_str("`shmark list scenarios` has all of them")
            }
            Self::Undecided { id } => write!(
                f,
                "no scenario decides the requirement {id}: remove it from --requirement, or add a scenario for it with \
                 --scenarios"
            ),
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
        let mut patterns = Vec::new();
        for (option, texts) in [("--run", run), ("--skip", skip)] {
            for text in texts {
                if let Some(globs) = globs(std::slice::from_ref(text))? {
                    patterns.push(Pattern { option, text: text.clone(), globs });
                }
            }
        }
        Ok(Self { run: globs(run)?, skip: globs(skip)?, patterns, ..Self::default() })
    }

    /// The pattern that matches this name and no other one.
    pub fn literal(name: &str) -> String {
        let mut pattern = String::with_capacity(name.len());
        for c in name.chars() {
            if matches!(c, '*' | '?' | '{' | '}' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern
    }

    /// Makes sure that each pattern matches one of all `scenarios`, and each requirement is decided by one, whatever else
    /// was chosen: a word that was mistyped beside others would never be missed.
    ///
    /// # Errors
    /// The first one that does not.
    pub fn check(&self, scenarios: &[Scenario]) -> Result<(), SelectionError> {
        let is_hit = |globs: &GlobSet, one: &Scenario| globs.is_match(&one.id) || globs.is_match(one.name());
        for pattern in &self.patterns {
            if !scenarios.iter().any(|scenario| is_hit(&pattern.globs, scenario)) {
                let near = near(&pattern.text, scenarios);
                return Err(SelectionError::MatchesNothing {
                    option: pattern.option,
                    pattern: pattern.text.clone(),
                    near,
                });
            }
        }
        match self.requirements.iter().find(|id| !scenarios.iter().any(|one| one.requirements.contains(id))) {
            Some(id) => Err(SelectionError::Undecided { id: id.clone() }),
            None => Ok(()),
        }
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

/// What a pattern without a match may have been meant to be: a scenario, or a group of them.
fn near(pattern: &str, scenarios: &[Scenario]) -> Option<String> {
    let group = |id: &str| id.split_once('/').map(|(group, _)| format!("{group}/*"));
    let mut known: Vec<String> =
        scenarios.iter().flat_map(|one| [Some(one.id.clone()), group(&one.id)]).flatten().collect();
    known.sort();
    known.dedup();
    nearest(pattern, &known).map(str::to_owned)
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
