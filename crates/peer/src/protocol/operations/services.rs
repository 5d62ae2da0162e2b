//! Services.

use super::super::HandleKind as H;
use super::super::operation::{
    ArgKind as A, ArgSpec, FieldKind as F, FieldSpec, OpSpec, field, makes, on, operation, operations, opt, req,
};

const OPEN: &[ArgSpec] = &[
    req("node", A::Handle(&[H::Node])),
    makes(H::Service),
    req("name", A::Text),
    req("request", A::Payload),
    req("response", A::Payload),
    opt("request_header", A::Header).feature("user-header"),
    opt("response_header", A::Header).feature("user-header"),
    opt("qos", A::Qos),
    opt("attributes", A::Attributes).feature("attributes"),
];
const EFFECTIVE: &[FieldSpec] = &[field("qos", F::Qos), field("attributes", F::Attributes)];

operations! {
    /// Carries out the operations on services.
    Services {
        service_create: operation("service.create")
            .args(OPEN)
            .ok(EFFECTIVE)
            .retryable()
            .text("Refused if it exists.")
            .examples(&[(
                r#"{"node":"node","as":"service","name":"greeting","request":{"type":"bytes","kind":"slice","align":64},"response":{"type":"u64","kind":"fixed"},"request_header":{"type":"u64"},"qos":{"max_active_requests":1,"overflow_requests":false},"attributes":{"room":"kitchen"}}"#,
                r#"{"ok":{"qos":{"overflow_requests":false,"overflow_responses":true,"fire_and_forget":true,"max_active_requests":1,"max_loaned_requests":2,"max_borrowed_responses":2,"response_buffer":2,"max_servers":2,"max_clients":8,"max_nodes":20},"attributes":{"room":"kitchen"}}}"#,
            )]),
        service_open: operation("service.open")
            .args(OPEN)
            .ok(EFFECTIVE)
            .retryable()
            .text("Refused if it does not exist, or is not as asked for.")
            .examples(&[(
                r#"{"node":"node","as":"other","name":"greeting","request":{"type":"bytes","kind":"slice"},"response":{"type":"u64","kind":"fixed"},"qos":{"max_clients":100}}"#,
                r#"{"err":{"class":"does-not-support","native":"OpenError::TooFewClients","setting":"max_clients"}}"#,
            )]),
        service_open_or_create: operation("service.open_or_create")
            .args(OPEN)
            .ok(EFFECTIVE)
            .retryable()
            .examples(&[(
                r#"{"node":"node","as":"third","name":"farewell","request":{"type":"u64","kind":"fixed"},"response":{"type":"u64","kind":"fixed"}}"#,
                r#"{"err":{"class":"out-of-memory","native":"CreateError::NoSpace"}}"#,
            )]),
        service_exists: operation("service.exists")
            .args(&[req("node", A::Handle(&[H::Node])), req("name", A::Text)])
            .ok(&[field("exists", F::Flag)])
            .retryable()
            .feature("listing")
            .examples(&[(r#"{"node":"node","name":"greeting"}"#, r#"{"ok":{"exists":true}}"#)]),
        service_list: operation("service.list")
            .args(&[req("node", A::Handle(&[H::Node]))])
            .ok(&[field("services", F::List)])
            .retryable()
            .feature("listing")
            .text("Names of all services.")
            .examples(&[(r#"{"node":"node"}"#, r#"{"ok":{"services":["greeting"]}}"#)]),
        service_ports: operation("service.ports")
            .args(&[on(&[H::Service])])
            .ok(&[field("clients", F::Count), field("servers", F::Count), field("nodes", F::Count)])
            .retryable()
            .feature("listing")
            .text("Numbers of ports and nodes that the service has now. `on` is a service.")
            .examples(&[(r#"{"on":"service"}"#, r#"{"ok":{"clients":1,"servers":1,"nodes":1}}"#)]),
    }
}
