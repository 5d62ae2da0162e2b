//! Why a command ends without results, how that is said, and with which exit code.

use std::fmt;
use std::io;
use std::path::PathBuf;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};

use super::columns::fitted;
use crate::bench::BenchError;
use crate::harness::error::HarnessError;
use crate::harness::subject_error::SubjectError;
use crate::report::ReportError;
use crate::report::streams::{colour_err, say, width_err};
use crate::scenario::{ScenarioError, SelectionError};
use shmark_engine::error::{ConfigError, NodeError};

/// Why a command ends without results.
#[derive(Debug)]
pub(super) enum CommandError {
    /// A name that is not known.
    Unknown { what: &'static str, asked: String, remedy: String },
    /// A file that cannot be read.
    Unreadable { path: PathBuf, source: io::Error },
    /// `--run`, `--skip` or `--requirement`.
    Selection(SelectionError),
    /// A scenario file.
    Scenario(ScenarioError),
    /// A subject, a peer or the harness.
    Harness(HarnessError),
    /// A benchmark that cannot begin.
    Bench(BenchError),
    /// A report that cannot be read or written.
    Report(ReportError),
    /// The engine's configuration file.
    Config(ConfigError),
    /// The engine.
    Engine(NodeError),
    /// Signal handlers.
    Signals(io::Error),
    /// Options that all want standard output.
    SharedStdout(String),
    /// Builds and reports together.
    MixedInputs,
    /// Labels that do not fit what is compared.
    Labels(String),
    /// `--resume` of a run that was on another machine.
    OtherMachine { cpu: String, kernel: String, cpus: usize },
    /// `--pin all` where one pair is measured.
    EveryPair,
    /// Two questions of one name.
    SameQuestion(String),
    /// `--resume` of a run with other words.
    OtherCommand(String),
    /// A question that builds cannot be compared by.
    NotALoad(String),
    /// Nothing is left to do.
    Nothing(String),
}

impl CommandError {
    /// As the command line promises.
    pub fn exit_code(&self) -> u8 {
        match self {
            _ if self.is_unread_pipe() => 130,
            Self::Harness(error) => error.exit_code(),
            Self::Bench(error) => error.exit_code(),
            Self::Nothing(_) => 3,
            Self::Signals(_) | Self::Engine(NodeError::System(_)) | Self::Report(ReportError::Render { .. }) => 4,
            _ => 2,
        }
    }

    /// Whether it is Ctrl-C and no failure at all.
    pub fn is_interrupt(&self) -> bool {
        matches!(
            self,
            Self::Harness(HarnessError::Interrupted) | Self::Bench(BenchError::Harness(HarnessError::Interrupted))
        )
    }

    /// Whether Ctrl-C ended the wait for somebody to read a report's pipe.
    fn is_unread_pipe(&self) -> bool {
        matches!(self, Self::Report(ReportError::Write { source, .. }) if source.kind() == io::ErrorKind::Interrupted)
    }

    /// Says it on standard error; for a flaw of a file, with the line and the place.
    pub fn show(&self) {
        if self.is_interrupt() {
            say("interrupted");
            return;
        }
        match self.diagnostic().map(|diagnostic| Snippet { failure: self, diagnostic }) {
            Some(snippet) => {
                let colour = colour_err();
                let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
                let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
                let mut text = String::new();
                match handler.render_report(&mut text, &snippet) {
                    Ok(()) => say(&format!("error: {self}\n{}", text.lines().skip(1).collect::<Vec<_>>().join("\n"))),
                    Err(_) => say(&format!("error: {self}")),
                }
            }
            None => say(&fitted(&format!("error: {self}"), width_err())),
        }
    }

    fn diagnostic(&self) -> Option<&dyn Diagnostic> {
        match self {
            Self::Scenario(error) => Some(error),
            Self::Harness(HarnessError::Subject(error @ SubjectError::Invalid(_)))
            | Self::Bench(BenchError::Harness(HarnessError::Subject(error @ SubjectError::Invalid(_)))) => Some(error),
            _ => None,
        }
    }
}

/// The marked line alone: the text that goes with it is printed before.
struct Snippet<'a> {
    failure: &'a CommandError,
    diagnostic: &'a dyn Diagnostic,
}

impl fmt::Display for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("-")
    }
}

impl fmt::Debug for Snippet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl std::error::Error for Snippet<'_> {}

impl Diagnostic for Snippet<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.diagnostic.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.diagnostic.labels()
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { what, asked, remedy } => write!(f, "there is no {what} `{asked}`: {remedy}"),
            Self::Unreadable { path, source } => write!(f, "{} cannot be read: {source}", path.display()),
            Self::Selection(error) => error.fmt(f),
            Self::Scenario(error) => error.fmt(f),
            Self::Harness(error) => error.fmt(f),
            Self::Bench(error) => error.fmt(f),
            Self::Report(error) => error.fmt(f),
            Self::Config(error) => error.fmt(f),
            Self::Engine(error) => error.fmt(f),
            Self::Signals(error) => write!(f, "Ctrl-C cannot be handled, so peers might outlive this run: {error}"),
            Self::SharedStdout(options) => {
                write!(f, "{options} cannot share standard output: give a file to all of them but one")
            }
            Self::MixedInputs => f.write_str(
                "reports and builds cannot be compared with each other: give report.json files alone, or subjects and peer \
                 programs alone",
            ),
            Self::Labels(what) => write!(f, "{what}: give one --label for BASE and for each NEW, in their order"),
            Self::OtherMachine { cpu, kernel, cpus } => write!(
                f,
                "--resume: the earlier run was on another machine or kernel, or with other processors ({cpu}, {cpus} usable, Linux \
                 {kernel}), and figures of two machines are no report: write into another folder"
            ),
            Self::EveryPair => {
                f.write_str("--pin all is for `shmark bench`, which has a row for each pair: give one pair here, such as --pin 0,1")
            }
            Self::SameQuestion(name) => write!(
                f,
                "two different questions are called `{name}`, and results are told apart by that name: give one of the files \
                 another name"
            ),
            Self::OtherCommand(earlier) => write!(
                f,
                "--resume: the earlier run in this folder was `{earlier}`; repeat its words, with --resume beside them, or write \
                 into another folder"
            ),
            Self::NotALoad(name) => write!(
                f,
                "`{name}` is a question about the lifecycle, and builds are compared by loads, such as rtt: measure both by \
                 `shmark bench {name} --subject BASE --subject NEW`"
            ),
            Self::Nothing(text) => f.write_str(text),
        }
    }
}

impl From<SubjectError> for CommandError {
    fn from(error: SubjectError) -> Self {
        Self::Harness(error.into())
    }
}

macro_rules! failure_from {
    ($($variant:ident($error:ty)),*) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })*
    };
}

failure_from!(
    Selection(SelectionError),
    Scenario(ScenarioError),
    Harness(HarnessError),
    Bench(BenchError),
    Report(ReportError),
    Config(ConfigError),
    Engine(NodeError)
);
