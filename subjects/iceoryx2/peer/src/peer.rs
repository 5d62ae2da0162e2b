//! The kit's trait, for iceoryx2.

use iceoryx2::node::NodeCleanupFailure;
use iceoryx2::prelude::{
    CallbackProgression, Config, LogLevel, MessagingPattern, Node, NodeBuilder, NodeName, NodeState, Service as _,
    ServiceName, SignalHandlingMode, set_log_level,
};
use shmark_peer::kit::implementation::{
    Effective, Hello, Implementation, LoanView, NodeState as ListedNode, OpResult, Opening, OwnResources, PortSpec,
    Ports, Receipt, Refusal, ServiceSpec, View,
};
use shmark_peer::protocol::ErrorClass;

use crate::errors::{refusal, refusal_as};
use crate::messages::{AnyActive, AnyPending, AnyRequest, AnyResponse, AnyResponseLoan};
use crate::payload::S;
use crate::ports::{AnyClient, AnyServer, AnyService};
use crate::{namespace, service};

/// Version of iceoryx2 that is linked in; the manifest pins it.
pub const VERSION: &str = "0.10.0";

/// What iceoryx2 has. Not `wait`: its request-response ports can only be polled; blocking needs an event service of one's
/// own beside them. Not `crash-points`.
pub const FEATURES: &[&str] = &[
    "fixed",
    "slice",
    "user-header",
    "alignment",
    "attributes",
    "overflow",
    "backpressure",
    "fire-and-forget",
    "growth",
    "hint",
    "preallocate",
    "nodes",
    "listing",
    "resources",
    "bench",
];

/// One process's view of iceoryx2.
#[derive(Debug)]
pub struct Peer {
    config: Config,
}

/// Creates a node with everything at iceoryx2's defaults but the signals: those belong to the runner, and iceoryx2's
/// handler would swallow SIGTERM.
///
/// # Errors
/// What iceoryx2 says.
pub fn node(config: &Config, name: Option<&str>) -> OpResult<Node<S>> {
    let mut builder = NodeBuilder::new().config(config).signal_handling_mode(SignalHandlingMode::Disabled);
    if let Some(name) = name {
        let name = NodeName::new(name).map_err(|e| refusal_as(ErrorClass::InvalidName, format!("NodeName: {e:?}")))?;
        builder = builder.name(&name);
    }
    builder.create().map_err(refusal)
}

impl Peer {
    fn nodes(&self) -> OpResult<Vec<NodeState<S>>> {
        let mut nodes = Vec::new();
        Node::<S>::list(&self.config, |node| {
            nodes.push(node);
            CallbackProgression::Continue
        })
        .map_err(refusal)?;
        Ok(nodes)
    }
}

fn no_waiting(wait_ms: Option<u64>) -> OpResult<()> {
    match wait_ms {
        None => Ok(()),
        Some(_) => Err(Refusal::Unsupported("iceoryx2 has no blocking receive for request-response".into())),
    }
}

impl Implementation for Peer {
    type Node = Node<S>;
    type Service = Box<dyn AnyService>;
    type Client = Box<dyn AnyClient>;
    type Server = Box<dyn AnyServer>;
    type Request = Box<dyn AnyRequest>;
    type Pending = Box<dyn AnyPending>;
    type Active = Box<dyn AnyActive>;
    type ResponseLoan = Box<dyn AnyResponseLoan>;
    type Response = Box<dyn AnyResponse>;

    fn start(root: &str) -> OpResult<(Self, Hello)> {
        // Its console logger writes to stderr only.
        set_log_level(LogLevel::Error);
        let hello = Hello {
            implementation: "iceoryx2".into(),
            version: VERSION.into(),
            language: "rust".into(),
            features: FEATURES.iter().map(|&feature| feature.into()).collect(),
            wire: format!("iceoryx2-{VERSION}"),
        };
        Ok((Self { config: namespace::config(root)? }, hello))
    }

    fn node_create(&mut self, name: Option<&str>) -> OpResult<Self::Node> {
        node(&self.config, name)
    }

    fn node_list(&mut self) -> OpResult<Vec<ListedNode>> {
        let state = |node: NodeState<S>| match node {
            NodeState::Alive(_) => "alive",
            NodeState::Dead(_) => "dead",
            NodeState::Inaccessible(_) | NodeState::Undefined(_) => "unknown",
        };
        Ok(self.nodes()?.into_iter().map(|node| ListedNode { state: state(node).into() }).collect())
    }

    /// Goes through the listed nodes, as the operation names no node of this process that could be asked. A node that
    /// somebody else has cleaned or is cleaning counts neither way.
    fn node_cleanup(&mut self) -> OpResult<(u64, u64)> {
        let (mut cleaned, mut failed) = (0, 0);
        for node in self.nodes()? {
            let NodeState::Dead(dead) = node else { continue };
            match dead.try_remove_stale_resources() {
                Ok(()) => cleaned += 1,
                Err(
                    NodeCleanupFailure::ResourcesAlreadyCleanedUp
                    | NodeCleanupFailure::AnotherInstanceIsCleaningUpTheNode,
                ) => {}
                Err(_) => failed += 1,
            }
        }
        Ok((cleaned, failed))
    }

    fn service(
        &mut self,
        node: &Self::Node,
        opening: Opening,
        spec: &ServiceSpec,
    ) -> OpResult<(Self::Service, Effective)> {
        service::open(node, opening, spec)
    }

    fn service_exists(&mut self, node: &Self::Node, name: &str) -> OpResult<bool> {
        let name = ServiceName::new(name).map_err(refusal)?;
        S::does_exist(&name, node.config(), MessagingPattern::RequestResponse).map_err(refusal)
    }

    fn service_list(&mut self, node: &Self::Node) -> OpResult<Vec<String>> {
        let mut names = Vec::new();
        S::list(node.config(), |service| {
            // Not `Display`, which escapes.
            names.push(service.static_details.name().as_str().to_owned());
            CallbackProgression::Continue
        })
        .map_err(refusal)?;
        Ok(names)
    }

    fn service_ports(&mut self, service: &Self::Service) -> OpResult<Ports> {
        service.ports()
    }

    fn client_create(&mut self, service: &Self::Service, spec: &PortSpec) -> OpResult<(Self::Client, String)> {
        service.client(spec)
    }

    fn server_create(&mut self, service: &Self::Service, spec: &PortSpec) -> OpResult<(Self::Server, String)> {
        service.server(spec)
    }

    fn request_loan(&mut self, client: &Self::Client, len: usize, uninit: bool) -> OpResult<Self::Request> {
        client.loan(len, uninit)
    }

    fn request_send(&mut self, request: Self::Request) -> OpResult<(Self::Pending, u64)> {
        request.send()
    }

    fn has_requests(&mut self, server: &Self::Server) -> OpResult<bool> {
        server.has_requests()
    }

    fn server_receive(&mut self, server: &Self::Server, wait_ms: Option<u64>) -> OpResult<Receipt<Self::Active>> {
        no_waiting(wait_ms)?;
        Ok(server.receive()?.into())
    }

    fn response_loan(&mut self, active: &Self::Active, len: usize, uninit: bool) -> OpResult<Self::ResponseLoan> {
        active.loan(len, uninit)
    }

    fn response_send(&mut self, response: Self::ResponseLoan) -> OpResult<()> {
        response.send()
    }

    fn has_response(&mut self, pending: &Self::Pending) -> OpResult<bool> {
        Ok(pending.has_response())
    }

    fn pending_receive(&mut self, pending: &Self::Pending, wait_ms: Option<u64>) -> OpResult<Receipt<Self::Response>> {
        no_waiting(wait_ms)?;
        Ok(pending.receive()?.into())
    }

    fn pending_connected(&mut self, pending: &Self::Pending) -> OpResult<bool> {
        Ok(pending.is_connected())
    }

    fn active_connected(&mut self, active: &Self::Active) -> OpResult<bool> {
        Ok(active.is_connected())
    }

    fn hint_disconnect(&mut self, pending: &Self::Pending) -> OpResult<()> {
        pending.hint_disconnect();
        Ok(())
    }

    fn has_hint(&mut self, active: &Self::Active) -> OpResult<bool> {
        Ok(active.has_hint())
    }

    /// iceoryx2 has no public counters; the kit adds what the system knows of the process.
    fn resources(&mut self) -> OpResult<OwnResources> {
        Ok(OwnResources::default())
    }

    fn request_loan_view<'a>(&self, request: &'a mut Self::Request) -> LoanView<'a> {
        request.view()
    }

    fn response_loan_view<'a>(&self, response: &'a mut Self::ResponseLoan) -> LoanView<'a> {
        response.view()
    }

    fn active_view<'a>(&self, active: &'a Self::Active) -> View<'a> {
        active.view()
    }

    fn response_view<'a>(&self, response: &'a Self::Response) -> View<'a> {
        response.view()
    }
}
