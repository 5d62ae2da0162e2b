//! Operations on nodes.

use serde_json::json;

use super::{Answer, Args, Implementation, Started, ok};
use crate::kit::handles::Handle;
use crate::protocol::Nodes;

impl<I: Implementation> Nodes<Args<'_>, Answer> for Started<I> {
    fn node_create(&mut self, args: Args) -> Answer {
        let node = self.implementation.node_create(args.text("name"))?;
        self.handles.insert(args.needed("as")?, Handle::Node(node));
        ok([])
    }

    fn node_list(&mut self, _args: Args) -> Answer {
        let nodes = self.implementation.node_list()?;
        ok([("nodes", json!(nodes))])
    }

    fn node_cleanup(&mut self, _args: Args) -> Answer {
        let (cleaned, failed) = self.implementation.node_cleanup()?;
        ok([("cleaned", cleaned.into()), ("failed", failed.into())])
    }

    fn configure(&mut self, args: Args) -> Answer {
        self.implementation.configure(&args.typed("qos")?.unwrap_or_default())?;
        ok([])
    }
}
