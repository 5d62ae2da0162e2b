//! Operations on services.

use serde_json::json;

use super::{Answer, Args, Implementation, Started, Stop, ok};
use crate::kit::handles::Handle;
use crate::kit::implementation::{Opening, PayloadSpec, ServiceSpec};
use crate::kit::reply::ok_table;
use crate::protocol::Services;

impl<I: Implementation> Started<I> {
    fn service(&mut self, opening: Opening, args: Args) -> Answer {
        let spec = service_spec(args)?;
        let node = self.handles.node(args.needed("node")?)?;
        let (service, effective) = self.implementation.service(node, opening, &spec)?;
        self.handles.insert(args.needed("as")?, Handle::Service(service));
        ok([("qos", json!(effective.qos)), ("attributes", json!(effective.attributes))])
    }
}

impl<I: Implementation> Services<Args<'_>, Answer> for Started<I> {
    fn service_create(&mut self, args: Args) -> Answer {
        self.service(Opening::Create, args)
    }

    fn service_open(&mut self, args: Args) -> Answer {
        self.service(Opening::Open, args)
    }

    fn service_open_or_create(&mut self, args: Args) -> Answer {
        self.service(Opening::OpenOrCreate, args)
    }

    fn service_exists(&mut self, args: Args) -> Answer {
        let node = self.handles.node(args.needed("node")?)?;
        let exists = self.implementation.service_exists(node, args.needed("name")?)?;
        ok([("exists", exists.into())])
    }

    fn service_list(&mut self, args: Args) -> Answer {
        let node = self.handles.node(args.needed("node")?)?;
        let services = self.implementation.service_list(node)?;
        ok([("services", services.into())])
    }

    fn service_ports(&mut self, args: Args) -> Answer {
        let service = self.handles.service(args.needed("on")?)?;
        ok_table(&self.implementation.service_ports(service)?)
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
