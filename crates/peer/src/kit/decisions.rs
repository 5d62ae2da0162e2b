//! What a backpressure handler decides, told beforehand, because the runner cannot be asked while a peer is sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// What a handler decides for one receiver whose buffer is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Try again.
    Retry,
    /// Leave this receiver out.
    Discard,
    /// Leave this receiver out, serve the others, and fail.
    Fail,
    /// Do what the port's strategy says.
    Strategy,
}

/// The decisions of one port's handler, and what it was told. Clones are the same handler.
///
/// The implementation's own handler calls [`Decisions::decide`] and does what that says.
#[derive(Debug, Clone)]
pub struct Decisions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// By the number of retries that the handler is told; the last one stands for all further ones. At least one.
    script: Vec<Decision>,
    /// Calls so far.
    calls: AtomicU64,
    /// Number of retries that the latest call was told.
    retries: AtomicU64,
}

impl Decisions {
    /// `None` for an empty script.
    pub(super) fn new(script: Vec<Decision>) -> Option<Self> {
        let (calls, retries) = (AtomicU64::new(0), AtomicU64::new(0));
        (!script.is_empty()).then(|| Self(Arc::new(Shared { script, calls, retries })))
    }

    /// What the handler decides when it is told that a message was tried again so often.
    #[must_use]
    pub fn decide(&self, retries: u64) -> Decision {
        // Relaxed: two counters that nothing else is ordered by. Whoever reads them does so after the send has returned.
        self.0.calls.fetch_add(1, Ordering::Relaxed);
        self.0.retries.store(retries, Ordering::Relaxed);
        let last = self.0.script.len() - 1;
        self.0.script[usize::try_from(retries).map_or(last, |retries| retries.min(last))]
    }

    /// Calls so far, and what the latest of them was told.
    pub(super) fn calls(&self) -> (u64, Option<u64>) {
        // Relaxed: as above.
        let calls = self.0.calls.load(Ordering::Relaxed);
        (calls, (calls > 0).then(|| self.0.retries.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_retries_chooses_and_the_last_decision_stands_for_the_rest() {
        let decisions = Decisions::new(vec![Decision::Retry, Decision::Fail]).unwrap();
        assert_eq!(decisions.calls(), (0, None));
        let asked = [0, 1, 2, u64::MAX].map(|retries| decisions.decide(retries));
        assert_eq!(asked, [Decision::Retry, Decision::Fail, Decision::Fail, Decision::Fail]);
        assert_eq!(decisions.clone().calls(), (4, Some(u64::MAX)));
        assert!(Decisions::new(Vec::new()).is_none());
    }
}
