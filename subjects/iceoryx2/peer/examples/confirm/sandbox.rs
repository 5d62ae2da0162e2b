//! A namespace of its own for each program, processes that can be lost, and deadlines.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::prelude::{
    Config, FileName, LogLevel, Path, SemanticString, Service, SignalHandlingMode, ipc, set_log_level,
};

use crate::Res;

/// Everything here takes moments. What takes this long is taken to last for ever.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// "Soon", for what one side is to learn of the other.
const SOON: Duration = Duration::from_secs(1);
const ROOT: &str = "CONFIRM_ROOT";
/// What `fatal_panic!` and every other panic end a process with.
const PANICKED: i32 = 101;

/// How a program ended.
pub enum Ending {
    /// By itself.
    Said { deviates: bool, text: String },
    /// By a panic, with its first words.
    Panicked(String),
    /// It had to be killed.
    Hung,
}

/// A namespace of iceoryx2.
pub struct Sandbox {
    root: PathBuf,
}

impl Sandbox {
    /// The one that [`run`] has made for this process.
    pub fn from_environment() -> Res<Self> {
        set_log_level(LogLevel::Fatal);
        Ok(Self { root: std::env::var_os(ROOT).ok_or("this is for confirm itself")?.into() })
    }

    /// A node that sees this namespace alone.
    pub fn node(&self) -> Res<Node<ipc::Service>> {
        self.node_of()
    }

    /// As [`Self::node`], of any kind of service.
    pub fn node_of<S: Service>(&self) -> Res<Node<S>> {
        let config = self.config()?;
        Ok(NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled).create()?)
    }

    /// Names of all files.
    pub fn files(&self) -> Res<Vec<String>> {
        let mut files = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        Ok(files)
    }

    /// Names of all shared memory.
    pub fn shared_memory(&self) -> Res<Vec<String>> {
        let names = fs::read_dir("/dev/shm")?.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        Ok(names.filter(|name| name.starts_with(&self.token())).collect())
    }

    /// A configuration that sees this namespace alone.
    pub fn config(&self) -> Res<Config> {
        let mut config = Config::default();
        config.global.set_root_path(&Path::new(self.root.as_os_str().as_encoded_bytes())?);
        config.global.prefix = FileName::new(self.token().as_bytes())?;
        Ok(config)
    }

    /// Name of the folder, unique on this machine, and start of the names of all shared memory.
    fn token(&self) -> String {
        self.root.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Starts the process that a program kills, and waits until it has done its part.
    pub fn victim(&self, role: &str) -> Res<Victim> {
        let mut child = again(&["--victim", role])?.env(ROOT, &self.root).spawn()?;
        let mut said = String::new();
        BufReader::new(child.stdout.take().ok_or("no pipe")?).read_line(&mut said)?;
        let victim = Victim(child);
        if said == "ready\n" { Ok(victim) } else { Err(format!("the {role} has failed").into()) }
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that is there to be killed.
pub struct Victim(Child);

impl Victim {
    /// Ends it with SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In a victim: tells that its part is done, and waits to be killed, or for the end of whoever would.
pub fn ready_to_die() -> Res<()> {
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Whether a condition comes true soon.
pub fn soon(mut condition: impl FnMut() -> bool) -> bool {
    within(SOON, || condition().then_some(())).is_some()
}

/// What `attempt` returns in the end, asked again and again, at most for so long.
pub fn within<T>(time: Duration, mut attempt: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(value) = attempt() {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Runs one program in a fresh namespace and a process of its own, and removes what it leaves.
pub fn run(name: &str) -> Res<Ending> {
    let folder = tempfile::Builder::new().prefix("shmark-confirm-").tempdir()?;
    let sandbox = Sandbox { root: folder.path().to_owned() };
    let ending = run_in(&sandbox, name);
    for entry in fs::read_dir("/dev/shm")?.flatten() {
        if entry.file_name().to_string_lossy().starts_with(&sandbox.token()) {
            let _ = fs::remove_file(entry.path());
        }
    }
    ending
}

fn run_in(sandbox: &Sandbox, name: &str) -> Res<Ending> {
    let mut child = again(&["--program", name])?.env(ROOT, &sandbox.root).stderr(Stdio::piped()).spawn()?;
    // Read all the while: what iceoryx2 says in a panic is longer than a pipe.
    let (stdout, stderr) = (child.stdout.take().ok_or("no pipe")?, child.stderr.take().ok_or("no pipe")?);
    let (stdout, stderr) = (thread::spawn(|| read(stdout)), thread::spawn(|| read(stderr)));
    let ended = within(PATIENCE, || child.try_wait().transpose());
    // A victim goes when its stdin ends, and with it the last holder of these pipes.
    let _ = child.kill();
    let status = child.wait()?;
    let text = stdout.join().map_err(|_| "reading has panicked")??;
    let errors = stderr.join().map_err(|_| "reading has panicked")??;
    match (ended.transpose()?, status.code()) {
        (None, _) => Ok(Ending::Hung),
        (Some(_), Some(code @ (0 | 1))) => Ok(Ending::Said { deviates: code == 1, text: text.trim().to_owned() }),
        (Some(_), Some(PANICKED)) => Ok(Ending::Panicked(why(&errors))),
        (Some(status), _) => Err(format!("{name} could not find out, {status}: {errors}").into()),
    }
}

fn read(mut pipe: impl Read) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The words of iceoryx2's `fatal_panic!`, or else the line that a panic begins with.
fn why(errors: &str) -> String {
    let line = errors.lines().find(|line| line.contains("panicked at")).unwrap_or_default();
    let words = errors.lines().filter_map(|line| line.rsplit_once("::: ")).map(|(_, words)| words).next_back();
    format!("{line} {}", words.unwrap_or_default()).trim().to_owned()
}

/// This program, once more.
fn again(arguments: &[&str]) -> Res<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    Ok(command)
}
