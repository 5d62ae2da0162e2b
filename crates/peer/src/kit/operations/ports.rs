//! Operations on clients and servers.

use serde_json::Value;

use super::{Answer, Args, Implementation, Started, Stop, ok};
use crate::kit::decisions::Decisions;
use crate::kit::handles::Handle;
use crate::kit::implementation::PortSpec;
use crate::protocol::Ports;

impl<I: Implementation> Ports<Args<'_>, Answer> for Started<I> {
    fn client_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_active_requests")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (client, port_id) = self.implementation.client_create(service, &spec)?;
        self.handles.insert_port(args.needed("as")?, Handle::Client(client), spec.handler);
        ok([("port_id", Value::String(port_id))])
    }

    fn server_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_loaned_responses")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (server, port_id) = self.implementation.server_create(service, &spec)?;
        self.handles.insert_port(args.needed("as")?, Handle::Server(server), spec.handler);
        ok([("port_id", Value::String(port_id))])
    }

    fn backpressure_calls(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        let Some(decisions) = self.handles.decisions(name) else {
            return Err(Stop::fault(format!("handle {name} was created without a backpressure handler")));
        };
        let (calls, retries) = decisions.calls();
        let mut fields = ok([("calls", calls.into())])?;
        if let Some(retries) = retries {
            fields.insert("retries".to_owned(), retries.into());
        }
        Ok(fields)
    }
}

fn port_spec(args: Args, max: &str) -> Result<PortSpec, Stop> {
    Ok(PortSpec {
        name: args.text("name").map(str::to_owned),
        max: args.size(max)?,
        initial_max_slice_len: args.size("initial_max_slice_len")?,
        allocation: args.typed("allocation")?,
        backpressure: args.typed("backpressure")?,
        handler: args.typed("handler")?.and_then(Decisions::new),
        preallocate: args.size("preallocate")?,
    })
}
