//! How one peer is signalled: its process group, or as its manifest says.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::error::HarnessError;
use super::interrupt::interrupted;
use super::process::Process;
use super::reply::Exit;
use super::subject::Subject;
use super::timeout::{TimeoutMultiplier, shown};

/// Time in which a signal has to have its effect on what was started, and in which the manifest's command has to end.
pub(super) const EFFECT: Duration = Duration::from_secs(5);
/// Bytes of a command's error output that are told.
const TOLD: u64 = 400;

/// A name that no other peer on this machine has.
pub(super) fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("shmark-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// How one peer is signalled.
#[derive(Debug)]
pub(super) struct Signalling {
    subject: String,
    /// Value of [`leftovers::PEER_VARIABLE`].
    pub(super) id: String,
    /// The manifest's command; the process group is signalled if it is empty.
    pub(super) command: Vec<String>,
    folder: Option<PathBuf>,
    timeout_multiplier: TimeoutMultiplier,
}

impl Signalling {
    pub(super) fn new(subject: &Subject, id: &str, command: Vec<String>) -> Self {
        let folder = subject.folder().map(std::path::Path::to_owned);
        Self {
            subject: subject.name.clone(),
            id: id.to_owned(),
            command,
            folder,
            timeout_multiplier: subject.timeout_multiplier,
        }
    }

    pub(super) fn unreached(&self, signal: Signal, why: impl Into<String>) -> HarnessError {
        HarnessError::Unreached { subject: self.subject.clone(), signal: signal.to_string(), why: why.into() }
    }

    /// Runs the manifest's command.
    pub(super) fn run(&self, signal: Signal, pid: u32) -> Result<(), HarnessError> {
        let short = signal.as_str().trim_start_matches("SIG");
        let fill = |word: &String| word.replace("{signal}", short).replace("{pid}", &pid.to_string());
        let words: Vec<String> = self.command.iter().map(fill).collect();
        let failed = |why: String| self.unreached(signal, format!("`{}` {why}", words.join(" ")));
        let (program, arguments) = words.split_first().ok_or_else(|| failed("is no command".to_owned()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let mut process =
            Process::spawn(&mut command).map_err(|error| failed(format!("could not be started: {error}")))?;
        let time = self.timeout_multiplier.of(EFFECT);
        let exit = process.wait(time);
        if exit.is_some_and(Exit::is_clean) {
            return Ok(());
        }
        if interrupted() {
            return Err(HarnessError::Interrupted);
        }
        let Some(exit) = exit else { return Err(failed(format!("has not ended within {}", shown(time)))) };
        process.end();
        let mut said = String::new();
        if let Some(errors) = process.child().stderr.take() {
            // What is no text is left out.
            let _ = errors.take(TOLD).read_to_string(&mut said);
        }
        Err(failed(format!("{exit}: {}", said.trim())))
    }
}
