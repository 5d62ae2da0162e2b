//! Arguments, exit codes, progress; nothing else.

mod again;
mod args;
mod bench;
mod check;
mod clean;
mod columns;
mod compare;
mod conform;
mod doctor;
mod expected;
mod explain;
mod failure;
mod list;
mod manual;
mod memory;
mod outputs;
mod progress;
mod reports;
mod resume;
mod run;
mod run_args;
mod services;
mod session;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command, SubjectCommand};
use progress::Detail;

use crate::report::streams;

/// Runs the command.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return ended(usage(&error)),
    };
    let detail = Detail::of(arguments.verbosity);
    let done = match &arguments.command {
        Command::Run(args) => run::run(args, detail),
        Command::Conform(args) => conform::run(args, detail),
        Command::Bench(args) => bench::run(args, detail),
        Command::Compare(args) => compare::run(args, detail),
        Command::Report(args) => reports::run(args),
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Subject { command: SubjectCommand::Check { subject, seed, timeout_multiplier } } => {
            check::run(subject, *seed, *timeout_multiplier, detail)
        }
        Command::Services(args) => services::run(args),
        Command::Clean(args) => clean::run(args),
        Command::Doctor => Ok(doctor::run()),
        Command::Completions { shell } => Ok(manual::completions(*shell)),
        Command::Man { command } => manual::page(command),
        // A peer's exit code is its own.
        Command::Peer(args) => return peer(args),
    };
    ended(done.unwrap_or_else(|failure| {
        failure.show();
        failure.exit_code()
    }))
}

/// Help, or what is wrong with the arguments.
fn usage(error: &clap::Error) -> u8 {
    let styled = error.render();
    if error.use_stderr() {
        let text = if streams::colour_err() { styled.ansi().to_string() } else { styled.to_string() };
        streams::say(text.trim_end());
        2
    } else {
        let text = if streams::colour_out() { styled.ansi().to_string() } else { styled.to_string() };
        streams::print(&text);
        0
    }
}

/// The exit code, which is 2 if all went well except that what was printed is lost.
fn ended(code: u8) -> ExitCode {
    let Some(error) = streams::lost() else { return ExitCode::from(code) };
    streams::say(&format!("error: standard output cannot be written: {error}; write to a file on a disk with room"));
    ExitCode::from(if code == 0 { 2 } else { code })
}

fn peer(args: &args::Peer) -> ExitCode {
    match &args.transport {
        Some(transport) => crate::subjects::serve_baseline(transport),
        None => crate::subjects::reference::serve(),
    }
}
