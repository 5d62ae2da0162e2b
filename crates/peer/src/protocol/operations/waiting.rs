//! Waiting for several handles at once.

use super::super::HandleKind as H;
use super::super::operation::{ArgKind as A, FieldKind as F, OpSpec, field, operation, operations, req};

operations! {
    /// Carries out the operations that wait for several handles.
    Waiting {
        wait: operation("wait")
            .args(&[req("for", A::Handles(&[H::Server, H::Pending])), req("wait_ms", A::Count)])
            .ok(&[field("ready", F::List), field("ended", F::List)])
            .retryable()
            .feature("wait-set")
            .text("Waits for several servers and pending responses at once.")
            .examples(&[
                (
                    r#"{"for":["server","pending"],"wait_ms":1000}"#,
                    r#"{"ok":{"ready":["pending"],"ended":[]}}"#,
                ),
                (r#"{"for":["server"],"wait_ms":100}"#, r#"{"ok":{"ready":[],"ended":[]}}"#),
            ]),
    }
}
