//! Responses: loaned, sent and received.

use super::super::HandleKind as H;
use super::super::operation::{FieldKind as F, OpSpec, field, makes, on, operation, operations};
use super::requests::{HEADER_SEED, INIT, LEN, LOANED, RECEIVED, SEED, WAIT_MS};

operations! {
    /// Carries out the operations on responses.
    Responses {
        response_loan: operation("response.loan")
            .args(&[on(&[H::Active]), makes(H::ResponseLoan), LEN, INIT])
            .ok(LOANED)
            .retryable()
            .text("From an active request.")
            .examples(&[(r#"{"on":"active","as":"answer"}"#, r#"{"ok":{"addr_mod_align":0}}"#)]),
        response_write: operation("response.write")
            .args(&[on(&[H::ResponseLoan]), SEED, HEADER_SEED])
            .text("As `request.write`.")
            .examples(&[(r#"{"on":"answer","seed":9}"#, r#"{"ok":{}}"#)]),
        response_send: operation("response.send")
            .args(&[on(&[H::ResponseLoan])])
            .consumes()
            .text("Sends a loaned response.")
            .examples(&[(r#"{"on":"answer"}"#, r#"{"ok":{}}"#)]),
        active_send: operation("active.send")
            .args(&[on(&[H::Active]), SEED, LEN, HEADER_SEED])
            .text("Loan (`uninit`), write and send in one, as `client.send`.")
            .examples(&[(r#"{"on":"active","seed":10}"#, r#"{"ok":{}}"#)]),
        pending_has_response: operation("pending.has_response")
            .args(&[on(&[H::Pending])])
            .ok(&[field("has", F::Flag)])
            .retryable()
            .text("Whether a receive would find a response.")
            .examples(&[(r#"{"on":"pending"}"#, r#"{"ok":{"has":true}}"#)]),
        pending_receive: operation("pending.receive")
            .args(&[on(&[H::Pending]), makes(H::Response), WAIT_MS])
            .ok(RECEIVED)
            .retryable()
            .text("As `server.receive`; `as` names the received response.")
            .examples(&[(
                r#"{"on":"pending","as":"response","wait_ms":1000}"#,
                r#"{"ok":{"received":true,"len":1,"bytes":8,"crc32":2891276589,"origin":"f3a2","align_ok":true}}"#,
            )]),
    }
}
