//! One running peer: commands in, answers out, and what to do when there is none.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::Args;
use super::error::HarnessError;
use super::interrupt::{NOTICE_MS, interrupted};
use super::leftovers::{PEER_VARIABLE, ROOT_VARIABLE};
use super::patience::{ANSWER_TIME, Patience, shown};
use super::pipes::{Item, Next, Pipes, set_nonblocking};
use super::process::Process;
use super::reply::{Exit, Reply};
use super::signals::{self, Signalling};
use super::subject::Subject;
use shmark_engine::CONFIG_VARIABLE;

pub use super::hello::HelloReply;

/// Time in which a peer has to take a command from its stdin, which holds many of them.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
const NOTICE: Duration = Duration::from_millis(NOTICE_MS);
/// A process whose stdout is closed has this long to end before it is said to go on running without one.
const CLOSED_GRACE: Duration = Duration::from_secs(1);
/// How long the last words of a process that has ended are waited for. They are there at once, unless another process
/// holds its pipes.
const SETTLE: Duration = Duration::from_millis(100);

/// A running peer. Dropping it kills its whole process group and reaps it.
#[derive(Debug)]
pub struct Peer {
    name: String,
    pub(super) signalling: Signalling,
    pub(super) patience: Patience,
    stdin: Option<File>,
    pub(super) process: Process,
    pub(super) pipes: Pipes,
    id_next: u64,
    /// Commands without an answer, oldest first; `true` if somebody still waits for it.
    outstanding: VecDeque<(u64, bool)>,
    /// Answers that nobody has waited for yet.
    pub(super) answers: BTreeMap<u64, Reply>,
    /// Set when nothing more can come.
    pub(super) over: Option<Reply>,
}

impl Peer {
    /// Starts a peer and asks it who it is: `hello` has to be answered within [`Subject::start_time`] and as the manifest
    /// says,
    /// and an operation that does not exist has to be answered `unsupported`.
    ///
    /// `name` is the peer's name in messages, `root` its namespace.
    ///
    /// # Errors
    /// The program does not start, does not speak the protocol, or is not what the manifest says. No process is left.
    pub fn spawn(subject: &Subject, name: &str, root: &Path, seed: u64) -> Result<(Self, HelloReply), HarnessError> {
        let (mut peer, words) = Self::start(subject, name, root)?;
        let hello = peer.hello(subject, &words, root, seed)?;
        hello.check(subject)?;
        let op = super::hello::made_up_op(seed);
        match peer.call(&op, &Args::new(), peer.patience.of(ANSWER_TIME)) {
            Reply::Unsupported(_) => Ok((peer, hello)),
            Reply::Interrupted => Err(HarnessError::Interrupted),
            Reply::Timeout => Err(HarnessError::StartTooSlow {
                subject: subject.name.clone(),
                command: words.join(" "),
                asked: format!(
                    "`{op}`, an operation that does not exist, within {}",
                    shown(peer.patience.of(ANSWER_TIME))
                ),
                transcript: peer.transcript(),
            }),
            answer => Err(HarnessError::Dishonest { subject: subject.name.clone(), op, answer: answer.to_string() }),
        }
    }

    /// Starts a peer without a word, and says by which command.
    pub(super) fn start(subject: &Subject, name: &str, root: &Path) -> Result<(Self, Vec<String>), HarnessError> {
        let id = signals::new_id();
        let filled = |command: &[String]| -> Result<Vec<String>, HarnessError> {
            Ok(subject.expand(command)?.into_iter().map(|word| word.replace("{id}", &id)).collect())
        };
        let words = filled(&subject.peer)?;
        let signalling = Signalling::new(subject, &id, filled(&subject.signal)?);
        let failed = |source| HarnessError::Spawn { subject: subject.name.clone(), command: words.join(" "), source };
        let (program, arguments) =
            words.split_first().ok_or_else(|| failed(io::Error::other("the command is empty")))?;
        let mut command = Command::new(program);
        // Verdicts and figures are the same on every machine: a subject that wants a configuration sets it in its command.
        command.args(arguments).env(ROOT_VARIABLE, root).env(PEER_VARIABLE, &id).env(CONFIG_VARIABLE, "/dev/null");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = subject.folder() {
            command.current_dir(folder);
        }
        let mut process = Process::spawn(&mut command).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => HarnessError::Interrupted,
            _ => failed(error),
        })?;
        let child = process.child();
        let (Some(stdin), Some(stdout), Some(stderr)) = (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(failed(io::Error::other("its pipes are missing")));
        };
        let stdin = File::from(OwnedFd::from(stdin));
        set_nonblocking(&stdin).map_err(failed)?;
        let pipes = Pipes::start(stdout.into(), Some(stderr.into())).map_err(failed)?;
        let peer = Self {
            name: name.to_owned(),
            signalling,
            patience: subject.patience,
            stdin: Some(stdin),
            process,
            pipes,
            id_next: 1,
            outstanding: VecDeque::new(),
            answers: BTreeMap::new(),
            over: None,
        };
        Ok((peer, words))
    }

    /// Name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Multiplier of its time limits.
    pub fn patience(&self) -> Patience {
        self.patience
    }

    /// Process id, and id of the peer's process group.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Sends a command; the answer is collected by [`Self::wait`]. If the peer is gone, `wait` says so.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn begin(&mut self, op: &str, args: &Args) -> Result<u64, HarnessError> {
        // Answers that come at once would leave no other moment to notice it.
        if interrupted() {
            return Err(HarnessError::Interrupted);
        }
        let id = self.id_next;
        self.id_next += 1;
        let mut line = json!({ "id": id, "op": op });
        if let Value::Object(object) = &mut line {
            object.extend(
                args.iter()
                    .filter(|(key, _)| !["id", "op"].contains(&key.as_str()))
                    .map(|(k, v)| (k.clone(), v.clone())),
            );
        }
        let mut text = line.to_string();
        self.pipes.note("->", &text);
        text.push('\n');
        self.outstanding.push_back((id, true));
        match self.write(text.as_bytes()) {
            Ok(()) => Ok(id),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(HarnessError::Interrupted),
            // A broken pipe shows in `wait`, as the end of the process or of its stdout.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(id),
            Err(error) => {
                self.over.get_or_insert(Reply::Protocol(format!("it does not take commands from its stdin: {error}")));
                Ok(id)
            }
        }
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let deadline = Instant::now() + self.patience.of(WRITE_TIMEOUT);
        let Some(stdin) = &mut self.stdin else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        while !bytes.is_empty() {
            match stdin.write(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if interrupted() {
                        return Err(io::ErrorKind::Interrupted.into());
                    }
                    if Instant::now() >= deadline {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                    let _ = poll(&mut [PollFd::new(stdin.as_fd(), PollFlags::POLLOUT)], NOTICE_MS as u16);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits for the answer to a command. Answers to other commands that come before it are kept for their own `wait`.
    ///
    /// After [`Reply::Timeout`] the command is given up: its late answer only shows in the transcript.
    pub fn wait(&mut self, id: u64, timeout: Duration) -> Reply {
        let deadline = Instant::now() + timeout;
        loop {
            if let Some(reply) = self.answers.remove(&id) {
                return reply;
            }
            let under_way = self.outstanding.iter().any(|(other, wanted)| *other == id && *wanted);
            if !under_way {
                return Reply::Protocol(format!(
                    "the runner waits for an answer to command {id}, which is not under way"
                ));
            }
            if let Some(over) = &self.over {
                return over.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.pipes.next(left.min(NOTICE)) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(text)) => self.over = Some(Reply::Protocol(text)),
                Next::Closed => self.over = Some(self.end_of_stdout()),
                Next::Nothing => {
                    if interrupted() {
                        return Reply::Interrupted;
                    }
                    if let Some(exit) = self.process.ended() {
                        // A process that got away may hold stdout open; what the peer itself said is all here by now.
                        if self.pipes.next(NOTICE) == Next::Nothing {
                            self.over = Some(after(exit));
                        }
                    } else if left.is_zero() {
                        self.give_up(id);
                        return Reply::Timeout;
                    }
                }
            }
        }
    }

    /// Sends a command and waits for its answer.
    pub fn call(&mut self, op: &str, args: &Args, timeout: Duration) -> Reply {
        match self.begin(op, args) {
            Ok(id) => self.wait(id, timeout),
            Err(_) => Reply::Interrupted,
        }
    }

    pub(super) fn take(&mut self, line: &str) {
        let (id, reply) = match Reply::parse(line) {
            Ok(answer) => answer,
            Err(wrong) => {
                let echoed = if serde_json::from_str::<Value>(line).is_ok_and(|value| value.get("op").is_some()) {
                    "; it looks like the command itself, echoed"
                } else {
                    ""
                };
                self.over = Some(Reply::Protocol(format!("a line with {wrong}{echoed}: `{}`", shortened(line))));
                return;
            }
        };
        // One command at a time: answers come in the order of the commands.
        match self.outstanding.front().copied() {
            Some((expected, wanted)) if expected == id => {
                self.outstanding.pop_front();
                if wanted {
                    self.answers.insert(id, reply);
                }
            }
            Some((expected, _)) => {
                self.over =
                    Some(Reply::Protocol(format!("an answer to command {id}, and command {expected} was next")));
            }
            None => self.over = Some(Reply::Protocol(format!("an answer to command {id}, and none was under way"))),
        }
    }

    pub(super) fn give_up(&mut self, id: u64) {
        if let Some(entry) = self.outstanding.iter_mut().find(|(other, _)| *other == id) {
            entry.1 = false;
        }
        self.pipes.note("..", &format!("no answer to command {id} in time"));
    }

    fn end_of_stdout(&self) -> Reply {
        match self.process.wait(self.patience.of(CLOSED_GRACE)) {
            Some(exit) => after(exit),
            None if interrupted() => Reply::Interrupted,
            None => Reply::Protocol("it closed its stdout and went on running".to_owned()),
        }
    }

    /// Kills the peer's process group and waits until the peer is gone.
    pub fn kill(&mut self) {
        if self.process.is_reaped() {
            return;
        }
        if self.process.ended().is_none() {
            self.pipes.note("..", "the runner kills it");
        }
        self.end();
    }

    /// Ends the process whatever its state, and takes in its last words.
    pub(super) fn end(&mut self) -> Exit {
        // Its stdin stays open until it is gone: a peer that reads the end of it may leave in order before the signal.
        self.kill_what_the_group_does_not_hold();
        let exit = self.process.end();
        self.stdin.take();
        self.pipes.settle(SETTLE);
        self.pipes.note("..", &format!("it {exit}"));
        exit
    }

    /// How the peer's process ended, if it has.
    pub fn ended(&self) -> Option<Exit> {
        self.process.ended()
    }

    /// Waits until the peer has ended by itself; `None` if it is still there at the deadline.
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`].
    pub fn wait_exit(&mut self, timeout: Duration) -> Result<Option<Exit>, HarnessError> {
        match self.process.wait(timeout) {
            None if interrupted() => Err(HarnessError::Interrupted),
            None => Ok(None),
            Some(_) => Ok(Some(self.end())),
        }
    }

    /// Closes the peer's stdin, which tells it to drop everything and exit with code 0, and waits for that. What is still
    /// there at the deadline is killed, and so is everything else in its group (see [`Self::strays`]).
    ///
    /// # Errors
    /// [`HarnessError::Interrupted`]; the peer is killed then.
    pub fn finish(&mut self, timeout: Duration) -> Result<Exit, HarnessError> {
        if self.stdin.take().is_some() {
            self.pipes.note("..", "the runner closes its stdin");
        }
        // A stopped process cannot notice the end of its stdin.
        self.wake();
        let in_time = self.process.wait(timeout).is_some();
        let exit = self.end();
        match in_time {
            true => Ok(exit),
            false if interrupted() => Err(HarnessError::Interrupted),
            false => Ok(Exit::Killed),
        }
    }

    /// After the end: the first line that was no answer to a command, if there is one, in a sentence.
    pub fn unasked(&mut self) -> Option<String> {
        loop {
            if let Some(Reply::Protocol(text)) = &self.over {
                return Some(text.clone());
            }
            match self.pipes.next(Duration::ZERO) {
                Next::Item(Item::Line(line)) => self.take(&line),
                Next::Item(Item::Bad(text)) => return Some(text),
                Next::Closed | Next::Nothing => return None,
            }
        }
    }

    /// After the end: processes of the peer's group that had outlived it, as text. They are killed.
    pub fn strays(&self) -> &[String] {
        self.process.strays()
    }

    /// What was said, in order: `-> ` to the peer, `<- ` from it, `!! ` a line of its stderr, `.. ` a note of the
    /// runner's. Long messages are cut, a long conversation loses its middle.
    pub fn transcript(&self) -> Vec<String> {
        self.pipes.transcript()
    }
}

fn after(exit: Exit) -> Reply {
    match exit {
        Exit::Code(code) => Reply::Exited(code),
        Exit::Signal(signal) => Reply::Signalled(signal),
        Exit::Killed => Reply::Signalled(Signal::SIGKILL as i32),
    }
}

fn shortened(line: &str) -> String {
    let end = line.floor_char_boundary(200);
    if end == line.len() { line.to_owned() } else { format!("{}...", &line[..end]) }
}
