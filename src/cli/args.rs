//! What can be typed.

use clap::{Parser, Subcommand};

/// Benchmark and conformance suite for request-response over shared memory.
#[derive(Debug, Parser)]
#[command(name = "shmark", version, about, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a peer of a built-in subject on standard input and output; the runner does this.
    Peer {
        /// Transport to serve instead of the reference engine
        #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(crate::subjects::BASELINES))]
        transport: Option<String>,
    },
}
