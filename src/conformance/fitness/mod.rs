//! Whether a peer is fit to be judged: what every peer has to do, whatever its implementation is like.
//!
//! What is found here is attributed to the peer, so nothing is asked of the implementation beyond one request and one
//! response.

mod broken;
mod correct;
mod exam;
mod payloads;
mod undeclared;
mod walk;

use crate::harness::error::HarnessError;
use crate::harness::peer::{HelloReply, Peer};
use crate::harness::subject::Subject;

use exam::Exam;
pub use exam::Findings;

/// Sends one peer of a subject the published payloads, a whole conversation, and broken commands of every kind.
///
/// `hello` is what the peer has said of itself, `root` is its namespace.
///
/// # Errors
/// The peer cannot be started, or the run is interrupted. What the peer does wrong is found, and no error.
pub fn examine(subject: &Subject, hello: &HelloReply, root: &std::path::Path) -> Result<Findings, HarnessError> {
    let peer = Peer::spawn_silent(subject, "peer", root)?;
    let mut exam = Exam::new(peer, hello);
    broken::before_hello(&mut exam, hello.protocol)?;
    exam.ok("hello", serde_json::json!({ "protocol": hello.protocol, "root": root.to_string_lossy() }))?;
    if exam.request_type().is_some() {
        payloads::published(&mut exam)?;
        walk::through(&mut exam)?;
        broken::of_every_operation(&mut exam)?;
    } else {
        exam.findings.open.push(
            "payloads, the walk-through and broken operations: the peer declares neither `fixed` nor `slice`"
                .to_owned(),
        );
        broken::of_every_peer(&mut exam)?;
    }
    Ok(exam.findings)
}
