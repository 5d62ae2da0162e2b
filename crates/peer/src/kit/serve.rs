//! Entry points of a peer process.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::process::ExitCode;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;

use super::implementation::{BenchSubject, Hello, Implementation};
use super::session::Session;

/// Serves an implementation without a benchmark mode until standard input ends; the `main` of a peer.
pub fn serve<I: Implementation>() -> ExitCode {
    over_stdio(Session::new::<I>())
}

/// Serves an implementation with its benchmark mode.
pub fn serve_with_bench<I: Implementation, B: BenchSubject>() -> ExitCode {
    over_stdio(Session::with_bench::<I, B>())
}

/// Serves a transport that can only be measured. `hello.features` should be `["bench"]`.
pub fn serve_bench_only<B: BenchSubject>(hello: Hello) -> ExitCode {
    over_stdio(Session::bench_only::<B>(hello))
}

fn over_stdio(session: Session) -> ExitCode {
    // A peer that is blocked in an operation, or in the middle of a trial, does not look at its input, so it would not
    // notice that its runner is gone.
    let bound = set_pdeathsig(Signal::SIGKILL).map_err(io::Error::from);
    match bound.and_then(|()| take_stdout()).and_then(|output| session.run(io::stdin().lock(), output)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The runner is gone, or its pipe is: nobody is left to be answered.
            complain(&format!("the runner cannot be reached on standard input and output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Standard output as the protocol's alone: whatever prints from now on prints to standard error.
fn take_stdout() -> io::Result<File> {
    let output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    nix::unistd::dup2_stdout(io::stderr())?;
    Ok(output)
}

/// Says on standard error why a peer cannot go on. The runner reads it; that it may be gone is no error.
pub fn complain(what: &str) {
    let _ = writeln!(io::stderr(), "shmark peer: {what}");
}
