//! Nodes, and where their defaults come from.

use super::super::HandleKind as H;
use super::super::operation::{ArgKind as A, FieldKind as F, OpSpec, field, makes, operation, operations, opt, req};

operations! {
    /// Carries out the operations on nodes.
    Nodes {
        node_create: operation("node.create")
            .args(&[makes(H::Node), opt("name", A::Text)])
            .retryable()
            .examples(&[(r#"{"as":"node","name":"left"}"#, r#"{"ok":{}}"#)]),
        node_list: operation("node.list")
            .ok(&[field("nodes", F::List)])
            .retryable()
            .feature("nodes")
            .text("A list of `{\"state\"}`: `alive`, `dead` or `unknown`.")
            .examples(&[("{}", r#"{"ok":{"nodes":[{"state":"alive"},{"state":"dead"}]}}"#)]),
        node_cleanup: operation("node.cleanup")
            .ok(&[field("cleaned", F::Count), field("failed", F::Count)])
            .retryable()
            .feature("nodes")
            .text("Cleans up after all dead nodes; how many could be cleaned, and how many not.")
            .examples(&[("{}", r#"{"ok":{"cleaned":1,"failed":0}}"#)]),
        configure: operation("configure")
            .args(&[req("qos", A::Qos)])
            .retryable()
            .feature("configuration")
            .text("Writes a configuration file of the implementation, with these settings as the defaults of services. \
                   Nodes that this peer creates from now on take theirs from it.")
            .examples(&[(r#"{"qos":{"max_clients":3,"fire_and_forget":false}}"#, r#"{"ok":{}}"#)]),
    }
}
