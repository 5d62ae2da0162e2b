//! `shmark subject check`.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::columns::fitted;
use super::failure::CommandError;
use super::progress::Detail;
use crate::conformance::fitness::examine;
use crate::harness::error::HarnessError;
use crate::harness::interrupt;
use crate::harness::namespace::Leak;
use crate::harness::peer::{HelloReply, Peer};
use crate::harness::run_folder::RunFolder;
use crate::harness::subject::Subject;
use crate::harness::timeout::{ANSWER_TIME, TimeoutMultiplier};
use crate::report::streams::{print, width_out};
use crate::statistics::median;

/// Starts whose median is told.
const STARTS: usize = 5;
/// How long a stopped peer must not answer.
const SILENCE: Duration = Duration::from_millis(200);
/// Faults that are told; a peer that has more has the same one everywhere.
const COMPLAINTS_MAX: usize = 20;

/// What several starts of a subject's peer showed.
struct Starts {
    hello: HelloReply,
    milliseconds: Vec<f64>,
    /// What is wrong with how they end, one sentence each.
    complaints: Vec<String>,
}

/// Prints a line, wrapped between words on a terminal.
fn say(text: &str) {
    print(&fitted(text, width_out()));
}

/// Exit code 0 if the subject is fit to be judged, 4 if not.
pub(super) fn run(
    name: &str,
    seed: u64,
    timeout_multiplier: TimeoutMultiplier,
    detail: Detail,
) -> Result<u8, CommandError> {
    interrupt::install().map_err(CommandError::Signals)?;
    let subject = Subject::find(name)?.with_timeout_multiplier(timeout_multiplier);
    subject.prepare(&mut |line| detail.say(&format!("building {}: {line}", subject.name)))?;
    let starts = start(&subject, seed)?;
    let HelloReply { implementation, version, language, features, wire, .. } = &starts.hello;
    say(&format!(
        "{}: {implementation} {version} ({language}), wire {wire}\n\
         features: {}\n\
         protocol: says hello as its manifest says, and answers an operation that does not exist with `unsupported`\n\
         speed of start: {:.1} ms until both are answered, median of {STARTS}\n",
        subject.name,
        features.join(", "),
        median(&starts.milliseconds).unwrap_or_default(),
    ));
    for text in starts.hello.warnings(&subject) {
        say(&format!("warning: {text}\n"));
    }
    let mut complaints = starts.complaints;
    if complaints.is_empty() {
        say("end: exits with code 0 at the end of stdin and leaves nothing behind\n");
        complaints = deeper(&subject, &starts.hello, seed)?;
    }
    if complaints.is_empty() {
        say("fit to be judged\n");
        return Ok(0);
    }
    for text in complaints.iter().take(COMPLAINTS_MAX) {
        say(&format!("broken: {text}\n"));
    }
    if complaints.len() > COMPLAINTS_MAX {
        say(&format!("broken: and {} more\n", complaints.len() - COMPLAINTS_MAX));
    }
    say("not fit to be judged; docs/PEER-PROTOCOL.md says what a peer has to do\n");
    Ok(4)
}

/// Signals, and what the peer makes of commands. Says what is proved; returns what is wrong.
fn deeper(subject: &Subject, hello: &HelloReply, seed: u64) -> Result<Vec<String>, HarnessError> {
    let folder = RunFolder::create()?;
    let mut complaints = Vec::new();
    match signals(subject, &folder, seed) {
        Ok(()) => say("signals: SIGSTOP, SIGCONT and SIGKILL reach the process that answers\n"),
        Err(error @ HarnessError::Unreached { .. }) => complaints.push(error.to_string()),
        Err(error) => return Err(error),
    }
    let namespace = folder.namespace()?;
    let findings = examine(subject, hello, namespace.path())?;
    for text in &findings.proved {
        say(&format!("{text}\n"));
    }
    for text in &findings.open {
        say(&format!("not proved: {text}\n"));
    }
    complaints.extend(findings.broken);
    Ok(complaints)
}

fn signals(subject: &Subject, folder: &RunFolder, seed: u64) -> Result<(), HarnessError> {
    let unreached = |signal: &str, why: &str| HarnessError::Unreached {
        subject: subject.name.clone(),
        signal: signal.to_owned(),
        why: why.to_owned(),
    };
    let namespace = folder.namespace()?;
    let (mut peer, _) = Peer::spawn(subject, "peer", namespace.path(), seed)?;
    peer.signal(Signal::SIGSTOP)?;
    if peer.answers_within(subject.timeout_multiplier.of(SILENCE))? {
        return Err(unreached("SIGSTOP", "it goes on answering"));
    }
    peer.signal(Signal::SIGCONT)?;
    if !peer.answers_within(subject.timeout_multiplier.of(ANSWER_TIME))? {
        return Err(unreached("SIGCONT", "it does not answer any more"));
    }
    peer.kill_verified()?;
    // A process that escaped its group is killed with the namespace.
    match namespace.leaks().into_iter().find(|leak| matches!(leak, Leak::Process(_))) {
        Some(left) => Err(unreached("SIGKILL", &format!("{left} is still there"))),
        None => Ok(()),
    }
}

fn start(subject: &Subject, seed: u64) -> Result<Starts, HarnessError> {
    let folder = RunFolder::create()?;
    let mut said = None;
    let (mut milliseconds, mut complaints) = (Vec::new(), Vec::new());
    for round in 0..STARTS {
        let namespace = folder.namespace()?;
        let before = Instant::now();
        let (mut peer, hello) = Peer::spawn(subject, "peer", namespace.path(), seed.wrapping_add(round as u64))?;
        milliseconds.push(before.elapsed().as_secs_f64() * 1e3);
        let exit = peer.finish(subject.timeout_multiplier.of(ANSWER_TIME))?;
        if !exit.is_clean() {
            complaints
                .push(format!("at the end of its stdin it {exit}; it has to drop everything and exit with code 0"));
        }
        complaints.extend(peer.orphans().iter().map(|stray| format!("a process of its group outlived it: {stray}")));
        complaints.extend(namespace.leaks().iter().map(|leak| format!("it left behind: {leak}")));
        if said.as_ref().is_some_and(|other| *other != hello) {
            complaints.push("it says something else in `hello` from start to start".to_owned());
        }
        said.get_or_insert(hello);
        if !complaints.is_empty() {
            break;
        }
    }
    // There is at least one start.
    said.map(|hello| Starts { hello, milliseconds, complaints }).ok_or(HarnessError::Interrupted)
}
