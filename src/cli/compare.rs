//! `shmark compare`.

use std::path::{Path, PathBuf};

use super::bench::{library, named};
use super::failure::CommandError;
use super::progress::Detail;
use super::reports::read;
use super::session::Session;
use super::{again, run_args};
use crate::compare::{measured, stored};
use crate::harness::subject::Subject;
use crate::results::events::{Event, Observer};
use crate::results::model::Report;

pub(super) fn run(args: &run_args::Compare, detail: Detail) -> Result<u8, CommandError> {
    let mut session = Session::start(&args.outputs, args.common.seed, detail)?;
    let done = compare(args, &mut session);
    session.finish(done)
}

/// What is compared.
enum Inputs {
    Builds(Vec<Subject>),
    Reports(Vec<PathBuf>),
}

/// Returns whether it got to its end.
fn compare(args: &run_args::Compare, session: &mut Session<'_>) -> Result<bool, CommandError> {
    let words: Vec<&str> = std::iter::once(&args.base).chain(&args.new).map(String::as_str).collect();
    if args.label.len() > words.len() {
        let (labels, inputs) = (args.label.len(), words.len());
        return Err(CommandError::Labels(format!("there are {labels} labels for {inputs} inputs")));
    }
    match inputs(&words)? {
        Inputs::Builds(subjects) => measure(args, builds(subjects, &args.label)?, session),
        Inputs::Reports(paths) => {
            let reports: Vec<Report> = paths.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
            let named = names(&paths, &reports, &args.label)?.into_iter().zip(reports).collect::<Vec<_>>();
            session.report.subjects = named.iter().flat_map(|(_, report)| report.subjects.clone()).collect();
            for comparison in stored::compare(&named, args.fail_on.share()) {
                session.event(&Event::BuildsCompared { comparison: Box::new(comparison) });
            }
            Ok(true)
        }
    }
}

fn measure(
    args: &run_args::Compare,
    mut subjects: Vec<Subject>,
    session: &mut Session<'_>,
) -> Result<bool, CommandError> {
    let library = library(args.common.scenarios.as_deref())?;
    let mut asked: Vec<String> = Vec::new();
    for name in &args.scenario {
        if !asked.contains(name) {
            asked.push(name.clone());
        }
    }
    let (scenarios, others) = named(&library, &asked)?;
    if let Some(other) = others.first() {
        return Err(CommandError::NotALoad(other.name.clone()));
    }
    again::mark_replaced(session, &library, scenarios.iter().map(|scenario| scenario.name.as_str()));
    for subject in &mut subjects {
        subject.timeout_multiplier = args.common.timeout_multiplier;
    }
    let options = measured::Options {
        base: subjects.remove(0),
        new: subjects,
        scenarios,
        fail_on_share: args.fail_on.share(),
        rounds_max: args.rounds_max,
        pin: args.placement.pair()?,
        placement_wait: args.placement.wait(&session.report.machine, true),
        seed: args.common.seed,
    };
    let outcome = measured::compare(&options, session)?;
    session.subjects(outcome.subjects);
    for text in outcome.skipped {
        session.event(&Event::Warning { text: format!("nothing to compare: {text}") });
    }
    Ok(!outcome.interrupted)
}

/// All reports, or all builds.
fn inputs(words: &[&str]) -> Result<Inputs, CommandError> {
    let is_report = |word: &&&str| {
        let extension = Path::new(word).extension();
        extension.is_some_and(|extension| extension == "json" || extension == "jsonl")
    };
    match words.iter().filter(is_report).count() {
        0 => words.iter().map(|word| build(word)).collect::<Result<_, _>>().map(Inputs::Builds),
        reports if reports == words.len() => Ok(Inputs::Reports(words.iter().map(PathBuf::from).collect())),
        _ => Err(CommandError::MixedInputs),
    }
}

/// A subject by name or path, or a peer program with its arguments.
fn build(word: &str) -> Result<Subject, CommandError> {
    let path = Path::new(word);
    let is_program = path.is_file() && path.extension().is_none_or(|extension| extension != "toml");
    // A path that is there may have spaces in it.
    if !is_program && (path.exists() || !word.contains(char::is_whitespace)) {
        return Ok(Subject::find(word)?);
    }
    let words = if is_program { vec![word.to_owned()] } else { shlex::split(word).unwrap_or_default() };
    let name = words.first().and_then(|program| Path::new(program).file_stem()).map(|stem| stem.to_string_lossy());
    match name {
        Some(name) => Ok(Subject::program(&name, words.clone())),
        None => Err(CommandError::Unknown {
            what: "peer program",
            asked: word.to_owned(),
            remedy: "give the program and its arguments as a shell would take them, in one word".to_owned(),
        }),
    }
}

/// Builds with names that tell them apart: labels, or their own, with their place where two have the same.
fn builds(subjects: Vec<Subject>, labels: &[String]) -> Result<Vec<Subject>, CommandError> {
    let own: Vec<String> = subjects.iter().map(|subject| subject.name.clone()).collect();
    let names = told_apart(&own, labels)?;
    Ok(subjects.into_iter().zip(names).map(|(subject, name)| Subject { name, ..subject }).collect())
}

/// Reports by their labels: those of the command line, those in the reports, or their paths.
fn names(paths: &[PathBuf], reports: &[Report], labels: &[String]) -> Result<Vec<String>, CommandError> {
    let own = paths.iter().zip(reports);
    let own = own.map(|(path, report)| report.label.clone().unwrap_or_else(|| path.display().to_string()));
    told_apart(&own.collect::<Vec<_>>(), labels)
}

/// `own` with the labels in the place of the first ones. What is there twice gets its place.
fn told_apart(own: &[String], labels: &[String]) -> Result<Vec<String>, CommandError> {
    let names: Vec<&String> = own.iter().enumerate().map(|(index, own)| labels.get(index).unwrap_or(own)).collect();
    if let Some(twice) =
        labels.iter().enumerate().find_map(|(index, label)| labels[..index].iter().find(|other| *other == label))
    {
        return Err(CommandError::Labels(format!("the label `{twice}` is there twice")));
    }
    let place = |index: usize| match index {
        0 => "base".to_owned(),
        1 if own.len() == 2 => "new".to_owned(),
        index => format!("new-{index}"),
    };
    let is_alone = |name: &String| names.iter().filter(|other| **other == name).count() == 1;
    let told = names.iter().enumerate();
    Ok(told
        .map(|(index, name)| if is_alone(name) { (*name).clone() } else { format!("{name}-{}", place(index)) })
        .collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn told(own: &[&str], labels: &[&str]) -> Vec<String> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        told_apart(&owned(own), &owned(labels)).unwrap()
    }

    #[test]
    fn no_two_inputs_have_one_name() {
        assert_eq!(told(&["reference", "mine"], &[]), ["reference", "mine"]);
        assert_eq!(told(&["shmark", "shmark"], &[]), ["shmark-base", "shmark-new"]);
        assert_eq!(told(&["a", "b", "a"], &[]), ["a-base", "b", "a-new-2"]);
        assert_eq!(told(&["shmark", "shmark"], &["main"]), ["main", "shmark"]);
        assert_eq!(told(&["shmark", "shmark"], &["main", "pull"]), ["main", "pull"]);
        let twice = ["x".to_owned(), "x".to_owned()];
        assert!(told_apart(&twice, &twice).unwrap_err().to_string().contains("`x` is there twice"));
    }

    #[test]
    fn reports_and_builds_are_not_mixed() {
        assert!(matches!(inputs(&["a.json", "b/report.jsonl"]), Ok(Inputs::Reports(paths)) if paths.len() == 2));
        assert!(matches!(inputs(&["reference", "pipe"]), Ok(Inputs::Builds(subjects)) if subjects.len() == 2));
        assert!(matches!(inputs(&["reference", "b.json"]), Err(CommandError::MixedInputs)));
    }

    #[test]
    fn a_program_is_taken_with_its_arguments() {
        let subject = build("env 'A=b c' target/old/shmark peer").unwrap();
        assert_eq!(subject.peer, ["env", "A=b c", "target/old/shmark", "peer"]);
        assert_eq!(subject.name, "env");
        assert!(build("nobody").unwrap_err().to_string().contains("no subject `nobody`"));
        assert!(build("an 'open quote").unwrap_err().to_string().contains("as a shell would"));
    }
}
