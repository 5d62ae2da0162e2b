//! Clients and servers.

use super::super::HandleKind as H;
use super::super::operation::{
    ArgKind as A, ArgSpec, FieldKind as F, OpSpec, field, makes, operation, operations, opt, req,
};

const SERVICE: ArgSpec = req("service", A::Handle(&[H::Service]));
const NAME: ArgSpec = opt("name", A::Text);
const SLICE_LEN: ArgSpec = opt("initial_max_slice_len", A::Count).feature("slice");
const ALLOCATION: ArgSpec =
    opt("allocation", A::Word(&["static", "best-fit", "power-of-two"])).feature("growth").plain("static");
const BACKPRESSURE: ArgSpec = opt("backpressure", A::Word(&["retry", "discard"])).feature("backpressure");
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
                PREALLOCATE,
            ])
            .ok(&[field("port_id", F::Text)])
            .retryable()
            .examples(&[(
                r#"{"service":"service","as":"server","max_loaned_responses":3}"#,
                r#"{"ok":{"port_id":"f3a2"}}"#,
            )]),
    }
}
