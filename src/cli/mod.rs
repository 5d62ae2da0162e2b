//! Arguments, exit codes, progress; nothing else.

mod again;
mod args;
mod bench;
mod check;
mod clean;
mod columns;
mod conform;
mod doctor;
mod expected;
mod explain;
mod failure;
mod list;
mod memory;
mod progress;
mod reports;
mod run;
mod services;
mod session;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command, SubjectCommand};

/// Runs the command.
pub fn main() -> ExitCode {
    let done = match &Arguments::parse().command {
        Command::Run(args) => run::run(args),
        Command::Conform(args) => conform::run(args),
        Command::Bench(args) => bench::run(args),
        Command::Report(args) => reports::run(args),
        Command::List(args) => list::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Subject { command: SubjectCommand::Check { subject, seed } } => check::run(subject, *seed),
        Command::Services(args) => services::run(args),
        Command::Clean(args) => clean::run(args),
        Command::Doctor => Ok(doctor::run()),
        // A peer's exit code is its own.
        Command::Peer(args) => return peer(args),
    };
    ExitCode::from(done.unwrap_or_else(|failure| {
        failure.show();
        failure.exit_code()
    }))
}

fn peer(args: &args::Peer) -> ExitCode {
    match &args.transport {
        Some(transport) => crate::subjects::serve_baseline(transport),
        None => crate::subjects::reference::serve(),
    }
}
