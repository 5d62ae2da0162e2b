//! The catalogue of requirements that is compiled in.

use serde::Deserialize;

use crate::report::model::Level;

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Permanent id.
    pub id: String,
    /// How much depends on it.
    pub level: Level,
    /// Where it comes from.
    pub source: String,
    /// Whom a failure is laid to.
    pub role: String,
    /// What is required.
    pub text: String,
}

/// All requirements, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "requirement")]
    requirements: Vec<Requirement>,
}

impl Catalogue {
    /// The catalogue that is compiled in.
    ///
    /// # Errors
    /// None: a test makes sure of it.
    pub fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(include_str!("../../scenarios/requirements.toml"))
    }

    /// All requirements.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }
}
