//! Operations on clients and servers.

use serde_json::Value;

use super::{Answer, Args, Implementation, Started, Stop, ok};
use crate::kit::handles::Handle;
use crate::kit::implementation::PortSpec;
use crate::protocol::Ports;

impl<I: Implementation> Ports<Args<'_>, Answer> for Started<I> {
    fn client_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_active_requests")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (client, port_id) = self.implementation.client_create(service, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Client(client));
        ok([("port_id", Value::String(port_id))])
    }

    fn server_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_loaned_responses")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (server, port_id) = self.implementation.server_create(service, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Server(server));
        ok([("port_id", Value::String(port_id))])
    }
}

fn port_spec(args: Args, max: &str) -> Result<PortSpec, Stop> {
    Ok(PortSpec {
        name: args.text("name").map(str::to_owned),
        max: args.size(max)?,
        initial_max_slice_len: args.size("initial_max_slice_len")?,
        allocation: args.typed("allocation")?,
        backpressure: args.typed("backpressure")?,
        preallocate: args.size("preallocate")?,
    })
}
