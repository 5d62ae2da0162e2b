//! Nodes.

use super::super::HandleKind as H;
use super::super::operation::{ArgKind as A, FieldKind as F, OpSpec, field, makes, operation, operations, opt};

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
    }
}
