//! How much is tried, and which of it.

use std::fmt::Write as _;
use std::str::FromStr;

use super::failure::{Rule, RuleViolation};

/// Environment variable of [`Config::cases`].
pub const CASES_VARIABLE: &str = "SHMARK_KIT_CASES";
/// Environment variable of [`Config::seed`].
pub const SEED_VARIABLE: &str = "SHMARK_KIT_SEED";
/// Environment variable of [`Config::pushes`].
pub const PUSHES_VARIABLE: &str = "SHMARK_KIT_PUSHES";

/// Environment variable that leaves operations of [`ports`](super::ports) out, by their names in the source, separated by
/// commas (`DropServer,Leave`): to find one fault behind another.
pub const WITHOUT_VARIABLE: &str = "SHMARK_KIT_WITHOUT";

/// How much is tried, and which of it. The same configuration tries the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Random sequences of operations for each shape.
    pub cases: u32,
    /// What the sequences follow from.
    pub seed: u64,
    /// Entries that go through a channel between two threads, for each shape.
    pub pushes: u32,
}

impl Default for Config {
    /// A few seconds' worth in a debug build.
    fn default() -> Self {
        Self { cases: 200, seed: 1, pushes: 20_000 }
    }
}

impl Config {
    /// The default, and what the environment variables [`CASES_VARIABLE`], [`SEED_VARIABLE`] and [`PUSHES_VARIABLE`]
    /// change in it. Every failure names the variables that repeat it.
    ///
    /// # Errors
    /// [`Rule::Configuration`] if a variable is no number of its range.
    pub fn from_env() -> Result<Self, RuleViolation> {
        let default = Self::default();
        Ok(Self {
            cases: number(CASES_VARIABLE, default.cases)?,
            seed: number(SEED_VARIABLE, default.seed)?,
            pushes: number(PUSHES_VARIABLE, default.pushes)?,
        })
    }

    /// The variables that make this configuration.
    pub(super) fn variables(self) -> String {
        let default = Self::default();
        let mut text = format!("{SEED_VARIABLE}={} {CASES_VARIABLE}={}", self.seed, self.cases);
        if self.pushes != default.pushes {
            // Writing to a string cannot fail.
            let _ = write!(text, " {PUSHES_VARIABLE}={}", self.pushes);
        }
        if let Ok(without) = std::env::var(WITHOUT_VARIABLE) {
            let _ = write!(text, " {WITHOUT_VARIABLE}={without}");
        }
        text
    }
}

fn number<T: FromStr>(variable: &str, default: T) -> Result<T, RuleViolation> {
    let Some(text) = std::env::var_os(variable) else { return Ok(default) };
    let number = text.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| RuleViolation {
        rule: Rule::Configuration,
        tested: "the configuration".to_owned(),
        happened: format!("{variable} is {}", text.display()),
        operations: Vec::new(),
        repeat: format!("unset {variable}, or set it to a number"),
    })
}
