//! Clients and servers.

use super::super::operation::{
    ArgKind as A, ArgSpec, FieldKind as F, OpSpec, field, makes, maybe, on, operation, operations, opt, req,
};
use super::super::{Allocation, Backpressure, HandleKind as H};

const SERVICE: ArgSpec = req("service", A::Handle(&[H::Service]));
const NAME: ArgSpec = opt("name", A::Text);
const SLICE_LEN: ArgSpec = opt("initial_max_slice_len", A::Count).feature("slice");
const ALLOCATION: ArgSpec = opt("allocation", A::Word(Allocation::WORDS)).feature("growth").plain("static");
const BACKPRESSURE: ArgSpec = opt("backpressure", A::Word(Backpressure::WORDS)).feature("backpressure");
const HANDLER: ArgSpec =
    opt("handler", A::Words(&["retry", "discard", "fail", "strategy"])).feature("backpressure-handler");
const PREALLOCATE: ArgSpec = opt("preallocate", A::Count).feature("preallocate");

operations! {
    /// Carries out the operations on clients and servers.
    Ports {
        client_create: operation("client.create")
            .args(&[
                SERVICE,
                makes(H::Client),
                NAME,
                opt("max_active_requests", A::Count),
                SLICE_LEN,
                ALLOCATION,
                BACKPRESSURE,
                HANDLER,
                PREALLOCATE,
            ])
            .ok(&[field("port_id", F::Text)])
            .retryable()
            .examples(&[(
                r#"{"service":"service","as":"client","allocation":"power-of-two","initial_max_slice_len":64,"backpressure":"discard"}"#,
                r#"{"ok":{"port_id":"f3a1"}}"#,
            )]),
        server_create: operation("server.create")
            .args(&[
                SERVICE,
                makes(H::Server),
                NAME,
                opt("max_loaned_responses", A::Count),
                SLICE_LEN,
                ALLOCATION,
                BACKPRESSURE,
                HANDLER,
                PREALLOCATE,
            ])
            .ok(&[field("port_id", F::Text)])
            .retryable()
            .examples(&[(
                r#"{"service":"service","as":"server","max_loaned_responses":3,"handler":["retry","retry","fail"]}"#,
                r#"{"ok":{"port_id":"f3a2"}}"#,
            )]),
        backpressure_calls: operation("backpressure_calls")
            .args(&[on(&[H::Client, H::Server])])
            .ok(&[field("calls", F::Count), maybe("retries", F::Count)])
            .retryable()
            .feature("backpressure-handler")
            .text("How often the `handler` of a client or server was called so far, and the number of retries that the \
                   latest call was told. A port without one is a `fault`.")
            .examples(&[(r#"{"on":"server"}"#, r#"{"ok":{"calls":3,"retries":2}}"#)]),
    }
}
