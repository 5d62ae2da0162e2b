//! Arguments, exit codes, progress; nothing else.

mod args;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};

/// Runs the command.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Peer { transport: Some(transport) } => crate::subjects::serve_baseline(&transport),
        Command::Peer { transport: None } => crate::subjects::reference::serve(),
    }
}
