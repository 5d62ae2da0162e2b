//! Operations on nodes, services and ports.

use serde_json::{Value, json};

use super::args::Args;
use super::handles::Handle;
use super::host::Started;
use super::implementation::{Implementation, Opening, PayloadSpec, PortSpec, ServiceSpec};
use super::reply::{Answer, Stop, ok, ok_table};

impl<I: Implementation> Started<I> {
    pub(super) fn node_create(&mut self, args: Args) -> Answer {
        let node = self.implementation.node_create(args.text("name"))?;
        self.handles.insert(args.needed("as")?, Handle::Node(node));
        ok([])
    }

    pub(super) fn node_list(&mut self) -> Answer {
        let nodes = self.implementation.node_list()?;
        ok([("nodes", json!(nodes))])
    }

    pub(super) fn node_cleanup(&mut self) -> Answer {
        let (cleaned, failed) = self.implementation.node_cleanup()?;
        ok([("cleaned", cleaned.into()), ("failed", failed.into())])
    }

    pub(super) fn service(&mut self, opening: Opening, args: Args) -> Answer {
        let spec = service_spec(args)?;
        let node = self.handles.node(args.needed("node")?)?;
        let (service, effective) = self.implementation.service(node, opening, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Service(service));
        ok([("qos", json!(effective.qos)), ("attributes", json!(effective.attributes))])
    }

    pub(super) fn service_exists(&mut self, args: Args) -> Answer {
        let node = self.handles.node(args.needed("node")?)?;
        let exists = self.implementation.service_exists(node, args.needed("name")?)?;
        ok([("exists", exists.into())])
    }

    pub(super) fn service_list(&mut self, args: Args) -> Answer {
        let node = self.handles.node(args.needed("node")?)?;
        let services = self.implementation.service_list(node)?;
        ok([("services", services.into())])
    }

    pub(super) fn service_ports(&mut self, args: Args) -> Answer {
        let service = self.handles.service(args.needed("on")?)?;
        ok_table(&self.implementation.service_ports(service)?)
    }

    pub(super) fn client_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_active_requests")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (client, port_id) = self.implementation.client_create(service, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Client(client));
        ok([("port_id", Value::String(port_id))])
    }

    pub(super) fn server_create(&mut self, args: Args) -> Answer {
        let spec = port_spec(args, "max_loaned_responses")?;
        let service = self.handles.service(args.needed("service")?)?;
        let (server, port_id) = self.implementation.server_create(service, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Server(server));
        ok([("port_id", Value::String(port_id))])
    }
}

fn service_spec(args: Args) -> Result<ServiceSpec, Stop> {
    let payload = |name: &str| -> Result<PayloadSpec, Stop> {
        args.typed(name)?.ok_or_else(|| Stop::fault(format!("the argument {name} is missing")))
    };
    Ok(ServiceSpec {
        name: args.needed("name")?.to_owned(),
        request: payload("request")?,
        response: payload("response")?,
        request_header: args.typed("request_header")?,
        response_header: args.typed("response_header")?,
        qos: args.typed("qos")?.unwrap_or_default(),
        attributes: args.typed("attributes")?.unwrap_or_default(),
    })
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
