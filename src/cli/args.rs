//! What can be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::outputs::Outputs;
use super::run_args::{Bench, Compare, Conform, Run, SEED};
use crate::harness::timeout::TimeoutMultiplier;

/// Benchmark and conformance suite for request-response over shared memory.
#[derive(Debug, Parser)]
#[command(
    name = "shmark",
    version,
    about,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 as expected, 1 an unexpected result, 2 wrong use, a bad file or an output that cannot be \
                  written, 3 nothing was selected or executed, 4 a peer or the harness is broken, 130 interrupted."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub verbosity: Verbosity,
}

#[derive(Debug, Clone, Copy, Args)]
pub(super) struct Verbosity {
    /// No progress and no warnings on standard error while a run goes on; results and errors are shown
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Everything that happens, one line each, on standard error: builds, starts, each result
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Judge and measure the reference engine, next to sockets and pipes, and write a report
    Run(Run),
    /// Judge subjects against the requirements
    Conform(Conform),
    /// Measure subjects
    Bench(Bench),
    /// Say whether a build is faster, slower or the same as another one
    Compare(Compare),
    /// Render reports anew, several side by side
    Report(Report),
    /// List what there is
    List(List),
    /// Say what a requirement, a scenario or a subject is about
    Explain(Explain),
    /// Look at one subject
    Subject {
        #[command(subcommand)]
        command: SubjectCommand,
    },
    /// Say what on this machine disturbs measurements, and what to do about it
    Doctor,
    /// Show what lives in shared memory now: services, nodes, clients and servers
    Services(Services),
    /// Remove what dead processes have left in shared memory
    Clean(Clean),
    /// Run a peer of a built-in subject on standard input and output; the runner does this
    Peer(Peer),
    /// Print completions for a shell
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Print the manual page of shmark, or of one of its commands, for `man -l -`
    Man {
        /// The command, such as `conform` or `subject check`
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// report.json or events.jsonl of earlier runs
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub outputs: Outputs,
}

#[derive(Debug, Args)]
pub(super) struct List {
    pub what: Listed,
    /// Text for people, or JSON
    #[arg(long, value_enum, default_value = "text")]
    pub format: ListFormat,
    /// Folder with scenarios that add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ListFormat {
    /// An entry a line, the id first; on a terminal, wrapped to its width
    Text,
    /// An array of objects
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Listed {
    /// Implementations that are built in
    Subjects,
    /// Conformance and benchmark scenarios
    Scenarios,
    /// The catalogue
    Requirements,
}

#[derive(Debug, Args)]
pub(super) struct Explain {
    /// Requirement, scenario or subject
    #[arg(value_name = "ID")]
    pub id: String,
    /// Folder with scenarios that add to the built-in ones
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum SubjectCommand {
    /// Is this peer fit to be judged: protocol, honesty, speed of start, a clean end
    Check {
        /// Built-in name or path of a subject.toml
        #[arg(value_name = "S")]
        subject: String,
        /// Seed of the operation that does not exist
        #[arg(long, value_name = "N", default_value = SEED)]
        seed: u64,
        /// Multiply the time limits of peers, for slow ones and slow machines: 1 to 1000
        #[arg(long, value_name = "X", default_value = "1")]
        timeout_multiplier: TimeoutMultiplier,
    },
}

#[derive(Debug, Args)]
pub(super) struct Services {
    /// Namespace to look at [default: `SHMARK_ROOT`, else that of the configuration file, else this user's]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Show types, settings, attributes and ports of each service, too
    #[arg(long)]
    pub settings: bool,
    /// Write everything as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "What a living process may use is never touched. Folders of test and benchmark runs that were killed are \
                        removed as well, unless --root names one namespace. Exits with 1 if something could not be removed."
)]
pub(super) struct Clean {
    /// The only namespace to clean [default: `SHMARK_ROOT`, else that of the configuration file, else this user's]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write what was done as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Peer {
    /// Transport to serve instead of the reference engine
    #[arg(long, value_name = "T", value_parser = clap::builder::PossibleValuesParser::new(crate::subjects::BASELINES))]
    pub transport: Option<String>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn no_two_arguments_collide() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn several_subjects_are_a_list_in_either_form() {
        let forms = [vec!["a,b"], vec!["a", "--subject", "b"]];
        for form in forms {
            for words in [[&["rtt", "--subject"][..], &form].concat(), [&["--subject"][..], &form, &["rtt"]].concat()] {
                let words = ["shmark", "bench"].into_iter().chain(words);
                let Command::Bench(bench) = Arguments::try_parse_from(words).unwrap().command else { unreachable!() };
                assert_eq!(
                    (bench.asked, bench.subject),
                    (vec!["rtt".to_owned()], vec!["a".to_owned(), "b".to_owned()])
                );
            }
        }
    }
}
