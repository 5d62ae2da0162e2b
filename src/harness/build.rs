//! Builds a subject's peer, once a run.

use std::collections::BTreeSet;
use std::env;
use std::io::{self, PipeReader};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::error::HarnessError;
use super::interrupt::{NOTICE_MS, interrupted};
use super::pipes::{Item, Next, Pipes};
use super::process::Process;
use super::reply::Exit;
use super::subject::Subject;

/// Lines of a failed build's output that its error shows.
const LINES_SHOWN: usize = 30;
/// Longest build. One that waits for something for ever is ended then.
const BUILD_TIMEOUT: Duration = Duration::from_hours(1);

static DONE: Mutex<BTreeSet<Vec<Vec<String>>>> = Mutex::new(BTreeSet::new());

impl Subject {
    /// Runs the build commands, unless that has been done in this run already. `progress` gets each line of output.
    ///
    /// # Errors
    /// A command cannot be started, fails or takes more than an hour, with the last lines of its output; the run is
    /// interrupted.
    pub fn prepare(&self, progress: &mut dyn FnMut(&str)) -> Result<(), HarnessError> {
        let commands: Vec<Vec<String>> = self.build.iter().map(|words| self.expand(words)).collect::<Result<_, _>>()?;
        // Held throughout: whoever else needs the same peer waits for it.
        let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
        if commands.is_empty() || done.contains(&commands) {
            return Ok(());
        }
        for words in &commands {
            self.run(words, progress)?;
        }
        done.insert(commands);
        Ok(())
    }

    fn run(&self, words: &[String], progress: &mut dyn FnMut(&str)) -> Result<(), HarnessError> {
        let failed = |outcome: String, output: Vec<String>| HarnessError::Build {
            subject: self.name.clone(),
            command: words.join(" "),
            outcome,
            output,
        };
        let not_started = |error: io::Error| failed(format!("could not be started: {error}"), Vec::new());
        let (mut process, output) = match self.start(words) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(HarnessError::Interrupted),
            started => started.map_err(not_started)?,
        };
        let pipes = Pipes::start(output.into(), None).map_err(not_started)?;
        let deadline = Instant::now() + BUILD_TIMEOUT;
        let exit = loop {
            // Looked at before each line: there are builds that say something all the time.
            if interrupted() {
                return Err(HarnessError::Interrupted);
            }
            if Instant::now() >= deadline {
                process.end();
                return Err(failed(
                    format!("did not end within {} minutes, and was killed", BUILD_TIMEOUT.as_secs() / 60),
                    last_lines(&pipes),
                ));
            }
            match pipes.next(Duration::from_millis(NOTICE_MS)) {
                Next::Item(Item::Line(line)) => progress(&line),
                Next::Item(Item::Bad(_)) => {}
                // A helper that the build left behind may hold the pipe; the command itself decides.
                Next::Closed | Next::Nothing => {
                    if process.wait(Duration::from_millis(NOTICE_MS)).is_some() {
                        break process.end();
                    }
                }
            }
        };
        if exit == Exit::Code(0) {
            return Ok(());
        }
        Err(failed(exit.to_string(), last_lines(&pipes)))
    }

    fn start(&self, words: &[String]) -> io::Result<(Process, PipeReader)> {
        let (program, arguments) = words.split_first().ok_or_else(|| io::Error::other("the command is empty"))?;
        let (reader, writer) = io::pipe()?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        if let Some(folder) = self.working_folder() {
            command.current_dir(folder);
        }
        // Cargo would take a relative folder as relative to where it runs.
        if let Some(dir) = env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            command.env("CARGO_TARGET_DIR", std::path::absolute(dir)?);
        }
        Ok((Process::spawn(&mut command)?, reader))
    }
}

fn last_lines(pipes: &Pipes) -> Vec<String> {
    let mut output = pipes.transcript();
    let surplus = output.len().saturating_sub(LINES_SHOWN);
    output.drain(..surplus);
    output.iter().map(|line| line.strip_prefix("<- ").unwrap_or(line).to_owned()).collect()
}
