//! Why the harness could not do its work. None of these is a verdict on an implementation.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::subject_error::SubjectError;

/// What is sent first, for messages.
pub(super) const HELLO_LINE: &str = "the line `{\"id\":1,\"op\":\"hello\",...}`";
/// What an answer to it looks like, for messages.
pub(super) const HELLO_ANSWER: &str = "a line such as `{\"id\":1,\"ok\":{\"implementation\":\"...\",\"version\":\"...\",\
                                       \"language\":\"...\",\"features\":[...],\"wire\":\"...\"}}`";

/// Why the harness could not do its work.
#[derive(Debug)]
pub enum HarnessError {
    /// The subject's manifest is missing or wrong.
    Subject(SubjectError),
    /// Two different subjects have one name, so that their results could not be told apart.
    SameName {
        /// The name.
        name: String,
    },
    /// A build command could not be started, or failed.
    Build {
        /// Subject.
        subject: String,
        /// The command, as typed.
        command: String,
        /// What became of it.
        outcome: String,
        /// The last lines of its output.
        output: Vec<String>,
    },
    /// The peer's program could not be started.
    Spawn {
        /// Subject.
        subject: String,
        /// The command, as typed.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// What was started does not speak the peer protocol.
    NotAPeer {
        /// Subject.
        subject: String,
        /// The command, as typed.
        command: String,
        /// What was sent, and what an answer to it looks like.
        expected: String,
        /// What came instead.
        seen: String,
        /// Everything that was said.
        transcript: Vec<String>,
    },
    /// The peer has not answered `hello`, or the operation behind it that does not exist, in its time.
    StartTooSlow {
        /// Subject.
        subject: String,
        /// The command, as typed.
        command: String,
        /// What it was asked, and the time that it had.
        asked: String,
        /// Everything that was said.
        transcript: Vec<String>,
    },
    /// The peer answered an operation that does not exist with something else than `unsupported`.
    Dishonest {
        /// Subject.
        subject: String,
        /// The operation that was made up.
        op: String,
        /// The answer.
        answer: String,
    },
    /// The manifest lists features that `hello` did not declare.
    MissingFeatures {
        /// Subject.
        subject: String,
        /// The features.
        features: Vec<String>,
    },
    /// `hello` declared features that the protocol does not know.
    UnknownFeatures {
        /// Subject.
        subject: String,
        /// The features.
        features: Vec<String>,
    },
    /// The version that `hello` announced is not the pinned one.
    WrongVersion {
        /// Subject.
        subject: String,
        /// The pin.
        pin: String,
        /// The version.
        version: String,
    },
    /// The catalogue that is compiled in cannot be read.
    Catalogue {
        /// What is wrong with it.
        message: String,
    },
    /// A namespace folder could not be made.
    Namespace {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A signal to a peer had no effect on the process that answers.
    Unreached {
        /// Subject.
        subject: String,
        /// The signal, such as `SIGSTOP`.
        signal: String,
        /// How that was seen.
        why: String,
    },
    /// The run was interrupted.
    Interrupted,
}

impl HarnessError {
    /// Exit code of a run that ends with this: 2 for a bad file or wrong use, 130 for an interrupt, else 4.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Subject(_) | Self::SameName { .. } => 2,
            Self::Interrupted => 130,
            _ => 4,
        }
    }
}

impl From<SubjectError> for HarnessError {
    fn from(error: SubjectError) -> Self {
        Self::Subject(error)
    }
}

impl fmt::Display for HarnessError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Subject(error) => write!(f, "{error}"),
            Self::SameName { name } => write!(
                f,
                "two different subjects are called `{name}`: give one of them another name in its subject.toml"
            ),
            Self::Build { subject, command, outcome, output } => {
                write!(f, "subject `{subject}` could not be built: `{command}` {outcome}")?;
                indented(f, "its output ended with", output)
            }
            Self::Spawn { subject, command, source } => write!(
                f,
                "the peer of subject `{subject}` could not be started: `{command}`: {source}. Check the `peer` line of its \
                 subject.toml, and that the program is built and executable"
            ),
            Self::NotAPeer { subject, command, expected, seen, transcript } => {
                write!(
                    f,
                    "subject `{subject}`: `{command}` does not speak the peer protocol.\n  expected: {expected}\n  \
                     seen: {seen}\n  docs/PEER-PROTOCOL.md says what a peer has to do"
                )?;
                indented(f, "transcript", transcript)
            }
            Self::StartTooSlow { subject, command, asked, transcript } => {
                write!(
                    f,
                    "subject `{subject}`: `{command}` has not answered {asked}. If it only \
                     needs longer, `start_within_ms` in its subject.toml gives it more, and --timeout-multiplier gives \
                     everything more\n  expected: {HELLO_LINE} on its stdin answered on its stdout by {HELLO_ANSWER}"
                )?;
                indented(f, "what was said", transcript)
            }
            Self::Dishonest { subject, op, answer } => write!(
                f,
                "subject `{subject}` is disqualified: asked for `{op}`, an operation that does not exist, its peer \
                 answered `{answer}`. An operation that a peer does not know has to be answered `unsupported`, or none \
                 of its answers means anything"
            ),
            Self::MissingFeatures { subject, features } => write!(
                f,
                "subject `{subject}`: its manifest lists features that its peer does not declare in `hello`: {}. Remove \
                 them from `features` in subject.toml, or repair the peer",
                features.join(", ")
            ),
            Self::UnknownFeatures { subject, features } => write!(
                f,
                "subject `{subject}`: its peer declares features in `hello` that the protocol does not know: {}. Known \
                 are: {}",
                features.join(", "),
                shmark_peer::protocol::FEATURES.join(", ")
            ),
            Self::WrongVersion { subject, pin, version } => write!(
                f,
                "subject `{subject}` is pinned to version {pin}, and its peer announces {version}. Rebuild the peer, or \
                 change `pin` in subject.toml"
            ),
            Self::Catalogue { message } => {
                write!(
                    f,
                    "scenarios/requirements.toml, as compiled in, cannot be read: {message}. This is a fault of shmark"
                )
            }
            Self::Namespace { path, source } => write!(
                f,
                "the namespace folder {} could not be made: {source}. Check that the place is writable and not full",
                path.display()
            ),
            Self::Unreached { subject, signal, why } => write!(
                f,
                "subject `{subject}`: {signal} did not reach the process that answers: {why}. Let `peer` in its \
                 subject.toml start that process itself (in a shell: `exec`), or say in `signal` how it is signalled; \
                 docs/PEER-PROTOCOL.md has an example under \"The manifest\""
            ),
            Self::Interrupted => f.write_str("the run was interrupted"),
        }
    }
}

fn indented(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {title}:")?;
    lines.iter().try_for_each(|line| write!(f, "\n    {line}"))
}

impl std::error::Error for HarnessError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Subject(error) => Some(error),
            Self::Spawn { source, .. } | Self::Namespace { source, .. } => Some(source),
            _ => None,
        }
    }
}
