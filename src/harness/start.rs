//! The start of a peer: its process, what it says about itself, and whether that can be believed.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Args;
use super::error::{HELLO_ANSWER, HELLO_LINE, HarnessError};
use super::hello::{HelloReply, made_up_op};
use super::leftovers::{PEER_VARIABLE, ROOT_VARIABLE};
use super::peer::Peer;
use super::pipes::Pipes;
use super::process::Process;
use super::reply::Reply;
use super::signalling::{self, Signalling};
use super::source::set_nonblocking;
use super::subject::Subject;
use super::timeout::{ANSWER_TIME, shown};
use shmark_engine::CONFIG_VARIABLE;
use shmark_peer::protocol::{PROTOCOL_VERSION, PROTOCOL_VERSION_MIN};

impl Peer {
    /// Starts a peer and asks it who it is: `hello` has to be answered within [`Subject::start_time`] and as the manifest
    /// says, and an operation that does not exist has to be answered `unsupported`.
    ///
    /// `name` is the peer's name in messages, `root` its namespace.
    ///
    /// # Errors
    /// The program does not start, does not speak the protocol, or is not what the manifest says. No process is left.
    pub fn spawn(subject: &Subject, name: &str, root: &Path, seed: u64) -> Result<(Self, HelloReply), HarnessError> {
        let (mut peer, words) = Self::start(subject, name, root)?;
        let hello = peer.hello(subject, &words, root, seed)?;
        hello.check(subject)?;
        let op = made_up_op(seed);
        match peer.call(&op, &Args::new(), peer.timeout_multiplier.of(ANSWER_TIME)) {
            Reply::Unsupported(_) => Ok((peer, hello)),
            Reply::Interrupted => Err(HarnessError::Interrupted),
            Reply::Timeout => Err(HarnessError::StartTooSlow {
                subject: subject.name.clone(),
                command: words.join(" "),
                asked: format!(
                    "`{op}`, an operation that does not exist, within {}",
                    shown(peer.timeout_multiplier.of(ANSWER_TIME))
                ),
                transcript: peer.transcript(),
            }),
            answer => Err(HarnessError::Dishonest { subject: subject.name.clone(), op, answer: answer.to_string() }),
        }
    }

    /// Starts a peer without a word, and says by which command.
    pub(super) fn start(subject: &Subject, name: &str, root: &Path) -> Result<(Self, Vec<String>), HarnessError> {
        let id = signalling::new_id();
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
            timeout_multiplier: subject.timeout_multiplier,
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

    fn hello(
        &mut self,
        subject: &Subject,
        words: &[String],
        root: &Path,
        seed: u64,
    ) -> Result<HelloReply, HarnessError> {
        let time = subject.start_time();
        let mut greet = |protocol: u32| {
            let args = Args::from([
                ("protocol".to_owned(), json!(protocol)),
                ("root".to_owned(), json!(root.to_string_lossy())),
                ("seed".to_owned(), json!(seed)),
            ]);
            (protocol, self.call("hello", &args, time))
        };
        let mut answered = greet(PROTOCOL_VERSION);
        // Older peers lack nothing but what later versions have added.
        for older in (PROTOCOL_VERSION_MIN..PROTOCOL_VERSION).rev() {
            if !matches!(answered.1, Reply::Unsupported(_)) {
                break;
            }
            answered = greet(older);
        }
        let instead = match answered.1 {
            Reply::Ok(fields) => match serde_json::from_value::<HelloReply>(Value::Object(fields)) {
                Ok(hello) => return Ok(HelloReply { protocol: answered.0, ..hello }),
                Err(error) => format!("an `ok` that says too little: {error}"),
            },
            Reply::Interrupted => return Err(HarnessError::Interrupted),
            Reply::Timeout => {
                return Err(HarnessError::StartTooSlow {
                    subject: subject.name.clone(),
                    command: words.join(" "),
                    asked: format!("`hello` within {}", shown(time)),
                    transcript: self.transcript(),
                });
            }
            other => other.to_string(),
        };
        Err(HarnessError::NotAPeer {
            subject: subject.name.clone(),
            command: words.join(" "),
            expected: format!("{HELLO_LINE} on its stdin answered on its stdout by {HELLO_ANSWER}"),
            seen: instead,
            transcript: self.transcript(),
        })
    }
}
