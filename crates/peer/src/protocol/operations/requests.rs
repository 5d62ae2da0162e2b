//! Requests: loaned, sent and received.

use super::super::HandleKind as H;
use super::super::operation::{
    ArgKind as A, ArgSpec, FieldKind as F, FieldSpec, OpSpec, field, makes, maybe, on, operation, operations, opt, req,
};

pub(super) const SEED: ArgSpec = req("seed", A::Count);
pub(super) const HEADER_SEED: ArgSpec = opt("header_seed", A::Count).feature("user-header");
pub(super) const LEN: ArgSpec = opt("len", A::Count);
pub(super) const INIT: ArgSpec = opt("init", A::Word(&["default", "uninit"]));
pub(super) const WAIT_MS: ArgSpec = opt("wait_ms", A::Count).feature("wait");
pub(super) const LOANED: &[FieldSpec] = &[field("addr_mod_align", F::Count)];
pub(super) const RECEIVED: &[FieldSpec] = &[
    field("received", F::Flag),
    maybe("len", F::Count),
    maybe("bytes", F::Count),
    maybe("crc32", F::Count),
    maybe("header_crc32", F::Count),
    maybe("origin", F::Text),
    maybe("align_ok", F::Flag),
    maybe("ended", F::Flag),
];
const DELIVERED: &[FieldSpec] = &[field("delivered", F::Count)];

operations! {
    /// Carries out the operations on requests.
    Requests {
        request_loan: operation("request.loan")
            .args(&[on(&[H::Client]), makes(H::Request), LEN, INIT])
            .ok(LOANED)
            .retryable()
            .text("From a client. `init` is `default` (the type's default value: zeros) or `uninit` (anything); \
                   `default` if left out.")
            .examples(&[(
                r#"{"on":"client","as":"request","len":64,"init":"default"}"#,
                r#"{"ok":{"addr_mod_align":0}}"#,
            )]),
        request_write: operation("request.write")
            .args(&[on(&[H::Request]), SEED, HEADER_SEED])
            .text("Fills a loaned request: the whole payload, and the header if `header_seed` is given.")
            .examples(&[(r#"{"on":"request","seed":7,"header_seed":8}"#, r#"{"ok":{}}"#)]),
        request_send: operation("request.send")
            .args(&[on(&[H::Request]), makes(H::Pending)])
            .ok(DELIVERED)
            .consumes()
            .text("Sends a loaned request and names its pending response. `delivered` is the number of servers that \
                   got it.")
            .examples(&[(r#"{"on":"request","as":"pending"}"#, r#"{"ok":{"delivered":1}}"#)]),
        client_send: operation("client.send")
            .args(&[on(&[H::Client]), makes(H::Pending), SEED, LEN, HEADER_SEED])
            .ok(DELIVERED)
            .text("Loan (`uninit`), write and send in one; `as` names the pending response. If one of the three is \
                   refused, its error is the answer, and nothing stays loaned.")
            .examples(&[(
                r#"{"on":"client","as":"pending2","seed":7,"len":1000000}"#,
                r#"{"err":{"class":"exceeds-max-loan-size","native":"LoanError::ExceedsMaxLoanSize"}}"#,
            )]),
        server_has_requests: operation("server.has_requests")
            .args(&[on(&[H::Server])])
            .ok(&[field("has", F::Flag)])
            .retryable()
            .text("Whether a receive would find a request.")
            .examples(&[(r#"{"on":"server"}"#, r#"{"ok":{"has":true}}"#)]),
        server_receive: operation("server.receive")
            .args(&[on(&[H::Server]), makes(H::Active), WAIT_MS])
            .ok(RECEIVED)
            .retryable()
            .text("Takes one request and names the active request. Without one, `{\"received\":false}` and no handle.")
            .examples(&[
                (
                    r#"{"on":"server","as":"active","wait_ms":100}"#,
                    r#"{"ok":{"received":true,"len":64,"bytes":64,"crc32":3657132635,"header_crc32":1562265575,"origin":"f3a1","align_ok":true}}"#,
                ),
                (r#"{"on":"server","as":"active2"}"#, r#"{"ok":{"received":false}}"#),
                (r#"{"on":"server","as":"active2","wait_ms":100}"#, r#"{"ok":{"received":false,"ended":false}}"#),
            ]),
    }
}
