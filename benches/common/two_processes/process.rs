//! The server's process: its start, and its end in time.

use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};

use super::question::Question;
use super::{PATIENCE, Res, SERVE, interrupt};

/// The server's process, which is [`interrupt::Live`]'s: an end takes it away as well.
pub struct Serving;

impl Serving {
    /// Returns when the server can be connected to.
    pub fn start(question: Question, root: &Path, processor: usize) -> Res<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(SERVE).arg(question.to_string()).arg(root).arg(processor.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let stdout = {
            let mut live = interrupt::live();
            live.server.insert(command.spawn()?).stdout.take().ok_or("no pipe")?
        };
        let server = Self;
        if poll(&mut [PollFd::new(stdout.as_fd(), PollFlags::POLLIN)], PATIENCE.as_millis() as u16)? == 0 {
            return Err("the server does not start".into());
        }
        let mut said = String::new();
        BufReader::new(stdout).read_line(&mut said)?;
        if said == "ready\n" { Ok(server) } else { Err("the server did not start".into()) }
    }

    /// Lets it end, which it has to do with success.
    pub fn stop(self) -> Res<()> {
        let since = Instant::now();
        let status = loop {
            if let Some(server) = &mut interrupt::live().server {
                drop(server.stdin.take());
                if let Some(status) = server.try_wait()? {
                    break status;
                }
            }
            if since.elapsed() > PATIENCE {
                return Err("the server does not end".into());
            }
            thread::sleep(Duration::from_millis(1));
        };
        // It has ended, so there is nothing to take away any more.
        drop(self);
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(mut server) = interrupt::live().server.take() {
            // Nothing is left to do where it is gone already.
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
