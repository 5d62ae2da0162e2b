//! Gets a subject ready: builds it and asks one peer who it is.

use crate::harness::error::HarnessError;
use crate::harness::peer::{HelloReply, Peer};
use crate::harness::run_folder::RunFolder;
use crate::harness::subject::Subject;
use crate::harness::timeout::ANSWER_TIME;
use crate::results::events::{Event, Observer};
use crate::results::model::SubjectInfo;

/// Builds a subject, starts one peer of it, and tells the observer what it is.
///
/// # Errors
/// The build fails, or the peer is not what the manifest says.
pub(super) fn ready(
    subject: &Subject,
    folder: &RunFolder,
    seed: u64,
    observer: &mut dyn Observer,
) -> Result<HelloReply, HarnessError> {
    subject.prepare(&mut |line| {
        observer.event(&Event::Building { subject: subject.name.clone(), line: line.to_owned() });
    })?;
    let namespace = folder.namespace()?;
    let (mut peer, hello) = Peer::spawn(subject, "probe", namespace.path(), seed)?;
    // Whether it also leaves in order is judged by the scenarios.
    peer.finish(subject.timeout_multiplier.of(ANSWER_TIME))?;
    for text in hello.warnings(subject) {
        observer.event(&Event::Warning { text });
    }
    observer.event(&Event::SubjectReady { subject: info(subject, &hello) });
    Ok(hello)
}

/// What a report says about a subject.
pub(super) fn info(subject: &Subject, hello: &HelloReply) -> SubjectInfo {
    SubjectInfo {
        name: subject.name.clone(),
        implementation: hello.implementation.clone(),
        version: hello.version.clone(),
        language: hello.language.clone(),
        features: hello.features.clone(),
        wire: hello.wire.clone(),
    }
}
