//! The catalogue of requirements, `scenarios/requirements.toml`.

use super::error::{Flaw, Parsed, ScenarioError};
use super::fields::{Fields, word};
use super::source::{Source, Span};
use super::tree;
use super::violation::Violation;
use crate::results::model::Level;

/// One requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// Permanent id, `RR-GROUP-NN`.
    pub id: String,
    /// How much depends on it.
    pub level: Level,
    /// Where it comes from: `pattern`, `dynamic`, `api` or `sense`.
    pub source: String,
    /// To whom a failure is attributed: `client`, `server`, `both` or `service`.
    pub role: String,
    /// What is required.
    pub text: String,
}

/// All requirements, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue {
    requirements: Vec<Requirement>,
}

const LEVELS: &[(&str, Level)] = &[("must", Level::Must), ("should", Level::Should), ("observed", Level::Observed)];

impl Catalogue {
    /// The catalogue that is compiled in.
    ///
    /// # Errors
    /// None: a test makes sure of it.
    pub fn builtin() -> Result<Self, ScenarioError> {
        Self::parse("scenarios/requirements.toml", include_str!("../../scenarios/requirements.toml"))
    }

    /// Reads a catalogue; `file` is its name in messages.
    ///
    /// # Errors
    /// The first rule that the text violates.
    pub fn parse(file: &str, text: &str) -> Result<Self, ScenarioError> {
        let source = Source::new(file, text);
        read(&source).map_err(|flaw| flaw.in_file(&source))
    }

    /// All requirements.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The requirement with this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.requirements.iter().find(|requirement| requirement.id == id)
    }

    /// The requirement with this id, or what is wrong with it.
    pub(super) fn need(&self, id: &str, span: &Span) -> Parsed<&Requirement> {
        self.get(id)
            .ok_or_else(|| Flaw::new(Violation::UnknownRequirement { id: id.to_owned(), known: self.ids() }, span))
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.requirements.iter().map(|requirement| requirement.id.clone()).collect()
    }
}

fn read(source: &Source) -> Parsed<Catalogue> {
    let root = tree::parse(source.text())?;
    let file = Fields::new(&root, "the catalogue", &["requirement"])?;
    let mut requirements: Vec<Requirement> = Vec::new();
    for node in file.need("requirement")?.list("requirement")? {
        let fields = Fields::new(node, "a requirement", &["id", "level", "source", "role", "text"])?;
        let words: Vec<&str> = LEVELS.iter().map(|(word, _)| *word).collect();
        let level = word(fields.need("level")?, "level", &words)?;
        let id = fields.need("id")?;
        let requirement = Requirement {
            id: id.text("id")?.to_owned(),
            level: LEVELS.iter().find(|(word, _)| *word == level).map_or(Level::Must, |(_, level)| *level),
            source: word(fields.need("source")?, "source", &["pattern", "dynamic", "api", "sense"])?.to_owned(),
            role: word(fields.need("role")?, "role", &["client", "server", "both", "service"])?.to_owned(),
            text: fields.need("text")?.text("text")?.to_owned(),
        };
        if requirements.iter().any(|earlier| earlier.id == requirement.id) {
            let violation = Violation::ListedTwice { key: "requirement".to_owned(), word: requirement.id };
            return Err(Flaw::new(violation, &id.span));
        }
        requirements.push(requirement);
    }
    Ok(Catalogue { requirements })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Catalogue, Level};

    #[test]
    fn the_builtin_catalogue_can_be_read() {
        let catalogue = Catalogue::builtin().unwrap();
        assert!(catalogue.requirements().len() > 60);
        let overflow = catalogue.get("RR-SND-05").unwrap();
        assert_eq!((overflow.level, overflow.source.as_str(), overflow.role.as_str()), (Level::Must, "api", "both"));
    }

    #[test]
    fn an_id_is_in_it_once() {
        let one = "[[requirement]]\nid = \"A\"\nlevel = \"must\"\nsource = \"api\"\nrole = \"both\"\ntext = \"t\"\n";
        let error = Catalogue::parse("c.toml", &format!("{one}{one}")).unwrap_err();
        assert_eq!((error.line(), error.column()), (8, 6));
    }
}
