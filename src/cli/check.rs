//! `shmark subject check`.

use std::time::{Duration, Instant};

use super::failure::Failure;
use super::progress::Detail;
use crate::bench::statistics::median;
use crate::harness::error::HarnessError;
use crate::harness::interrupt;
use crate::harness::namespace::RunFolder;
use crate::harness::peer::{HelloReply, Peer};
use crate::harness::subject::Subject;
use crate::report::streams::print;

/// Starts whose median is told.
const STARTS: usize = 5;
/// Time for the end after the end of stdin.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// What several starts of a subject's peer showed.
struct Starts {
    hello: HelloReply,
    milliseconds: Vec<f64>,
    /// What is wrong with how they end, one sentence each.
    complaints: Vec<String>,
}

/// Exit code 0 if the subject is fit to be judged, 4 if not.
pub(super) fn run(name: &str, seed: u64, detail: Detail) -> Result<u8, Failure> {
    interrupt::install().map_err(Failure::Signals)?;
    let subject = Subject::find(name)?;
    subject.prepare(&mut |line| detail.say(&format!("building {}: {line}", subject.name)))?;
    let starts = start(&subject, seed)?;
    let HelloReply { implementation, version, language, features, wire } = &starts.hello;
    print(&format!(
        "{}: {implementation} {version} ({language}), wire {wire}\n\
         features: {}\n\
         protocol: says hello as its manifest says, and answers an operation that does not exist with `unsupported`\n\
         speed of start: {:.1} ms until both are answered, median of {STARTS}\n",
        subject.name,
        features.join(", "),
        median(&starts.milliseconds).unwrap_or_default(),
    ));
    for text in starts.hello.warnings(&subject) {
        print(&format!("warning: {text}\n"));
    }
    if starts.complaints.is_empty() {
        print("end: exits with code 0 at the end of stdin and leaves nothing behind\nfit to be judged\n");
        return Ok(0);
    }
    for text in &starts.complaints {
        print(&format!("broken: {text}\n"));
    }
    print("not fit to be judged; docs/PEER-PROTOCOL.md says what a peer has to do\n");
    Ok(4)
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
        let exit = peer.finish(END_TIMEOUT)?;
        if !exit.is_clean() {
            complaints
                .push(format!("at the end of its stdin it {exit}; it has to drop everything and exit with code 0"));
        }
        complaints.extend(peer.strays().iter().map(|stray| format!("a process of its group outlived it: {stray}")));
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
