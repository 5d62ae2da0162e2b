//! What works on handles of several kinds, and on the process.

use super::super::HandleKind as H;
use super::super::operation::{FieldKind as F, OpSpec, field, maybe, on, operation, operations};

operations! {
    /// Carries out everything else.
    Objects {
        read: operation("read")
            .args(&[on(&[H::Active, H::Response, H::Request, H::ResponseLoan])])
            .ok(&[field("len", F::Count), field("bytes", F::Count), field("crc32", F::Count)])
            .retryable()
            .text("The payload as it is now: of an active request, a received response, or a loan.")
            .examples(&[(r#"{"on":"response"}"#, r#"{"ok":{"len":1,"bytes":8,"crc32":2891276589}}"#)]),
        is_connected: operation("is_connected")
            .args(&[on(&[H::Pending, H::Active])])
            .ok(&[field("connected", F::Flag)])
            .retryable()
            .text("Of a pending response: whether a response may still be sent; one that was sent before may still have \
                   to be received. Of an active request: whether somebody still wants one.")
            .examples(&[(r#"{"on":"pending"}"#, r#"{"ok":{"connected":true}}"#)]),
        pending_hint_disconnect: operation("pending.hint_disconnect")
            .args(&[on(&[H::Pending])])
            .feature("hint")
            .text("Tells the servers that no more responses are wanted.")
            .examples(&[(r#"{"on":"pending"}"#, r#"{"ok":{}}"#)]),
        active_has_hint: operation("active.has_hint")
            .args(&[on(&[H::Active])])
            .ok(&[field("hint", F::Flag)])
            .retryable()
            .feature("hint")
            .text("Whether that was said.")
            .examples(&[(r#"{"on":"active"}"#, r#"{"ok":{"hint":true}}"#)]),
        drop_handle: operation("drop")
            .args(&[on(H::ALL)])
            .consumes()
            .text("Any handle.")
            .examples(&[(r#"{"on":"active"}"#, r#"{"ok":{}}"#)]),
        resources: operation("resources")
            .ok(&[
                maybe("chunks_in_use", F::Count),
                maybe("segments", F::Count),
                field("fds", F::Count),
                field("rss_bytes", F::Count),
                field("files", F::Count),
                field("cpu_ms", F::Count),
            ])
            .retryable()
            .feature("resources")
            .text("What this process holds: payload chunks that are not free, payload segments, open file descriptors, \
                   resident memory in bytes; the number of regular files below `root`; and the processor time of the \
                   process so far.")
            .examples(&[(
                "{}",
                r#"{"ok":{"chunks_in_use":2,"segments":2,"fds":14,"rss_bytes":7340032,"files":9,"cpu_ms":12}}"#,
            )]),
    }
}
