//! The reference engine as a subject: its peer, over the same public interface that users have.

mod bench;
mod classes;
mod config;
mod dynamic;
mod mapping;
mod payload;
mod typed;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use classes::refusal;
use dynamic::{AnyActive, AnyClient, AnyPending, AnyRequest, AnyResponse, AnyResponseLoan, AnyServer, AnyService};
use shmark_engine::{AttachmentId, Config, Node, Readiness, ServiceName, WaitSet, Waited};
use shmark_peer::kit::implementation::{
    Effective, Hello, Implementation, LoanView, NodeState, OpResult, Opening, OwnResources, PortSpec, Ports, Qos,
    Receipt, ServiceSpec, View, Waitable, Woken,
};
use shmark_peer::kit::serve_with_bench;

/// Features that the peer declares.
const FEATURES: &[&str] = &[
    "fixed",
    "slice",
    "user-header",
    "alignment",
    "attributes",
    "overflow",
    "backpressure",
    "backpressure-handler",
    "fire-and-forget",
    "growth",
    "hint",
    "wait",
    "wait-set",
    "preallocate",
    "nodes",
    "configuration",
    "listing",
    "resources",
    "bench",
];

/// Runs the peer until standard input ends.
pub fn serve() -> ExitCode {
    serve_with_bench::<Reference, Reference>()
}

/// The engine within one namespace.
#[derive(Debug)]
pub struct Reference {
    root: String,
    /// What nodes take their defaults from, where `configure` said so.
    config: Option<Config>,
}

impl Implementation for Reference {
    type Node = Node;
    type Service = Box<dyn AnyService>;
    type Client = Box<dyn AnyClient>;
    type Server = Box<dyn AnyServer>;
    type Request = Box<dyn AnyRequest>;
    type Pending = Box<dyn AnyPending>;
    type Active = Box<dyn AnyActive>;
    type ResponseLoan = Box<dyn AnyResponseLoan>;
    type Response = Box<dyn AnyResponse>;

    fn start(root: &str) -> OpResult<(Self, Hello)> {
        let hello = Hello {
            implementation: "shmark".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            language: "Rust".to_owned(),
            features: FEATURES.iter().map(|&feature| feature.to_owned()).collect(),
            wire: format!("shmark/{}", shmark_engine::LAYOUT_VERSION),
        };
        Ok((Self { root: root.to_owned(), config: None }, hello))
    }

    fn node_create(&mut self, name: Option<&str>) -> OpResult<Node> {
        let mut builder = Node::builder().root(&self.root).name(name.unwrap_or_default());
        if let Some(config) = &self.config {
            builder = builder.config(config.clone());
        }
        builder.create().map_err(refusal)
    }

    fn configure(&mut self, qos: &Qos) -> OpResult<()> {
        self.config = Some(config::through_a_file(Path::new(&self.root), qos)?);
        Ok(())
    }

    fn node_list(&mut self) -> OpResult<Vec<NodeState>> {
        let nodes = Node::list_in(&self.root).map_err(refusal)?.into_iter();
        let word = |state| match state {
            shmark_engine::NodeState::Alive => "alive",
            shmark_engine::NodeState::Dead => "dead",
            shmark_engine::NodeState::Unknown => "unknown",
        };
        Ok(nodes.map(|node| NodeState { state: word(node.state).to_owned() }).collect())
    }

    fn node_cleanup(&mut self) -> OpResult<(u64, u64)> {
        let (cleaned, failed) = shmark_engine::Node::clean_up(&self.root).map_err(refusal)?;
        Ok((cleaned as u64, failed as u64))
    }

    fn service(
        &mut self,
        node: &Node,
        opening: Opening,
        spec: &ServiceSpec,
    ) -> OpResult<(Box<dyn AnyService>, Effective)> {
        typed::service(node, opening, spec)
    }

    fn service_exists(&mut self, node: &Node, name: &str) -> OpResult<bool> {
        let name = ServiceName::new(name).map_err(shmark_engine::error::ServiceError::from).map_err(refusal)?;
        node.service_exists(&name).map_err(refusal)
    }

    fn service_list(&mut self, node: &Node) -> OpResult<Vec<String>> {
        Ok(node.services().map_err(refusal)?.into_iter().map(|service| service.name).collect())
    }

    fn service_ports(&mut self, service: &Box<dyn AnyService>) -> OpResult<Ports> {
        Ok(service.ports())
    }

    fn client_create(
        &mut self,
        service: &Box<dyn AnyService>,
        spec: &PortSpec,
    ) -> OpResult<(Box<dyn AnyClient>, String)> {
        service.client(spec)
    }

    fn server_create(
        &mut self,
        service: &Box<dyn AnyService>,
        spec: &PortSpec,
    ) -> OpResult<(Box<dyn AnyServer>, String)> {
        service.server(spec)
    }

    fn request_loan(&mut self, client: &Box<dyn AnyClient>, len: usize, uninit: bool) -> OpResult<Box<dyn AnyRequest>> {
        client.loan(len, uninit)
    }

    fn request_send(&mut self, request: Box<dyn AnyRequest>) -> OpResult<(Box<dyn AnyPending>, u64)> {
        request.send()
    }

    fn has_requests(&mut self, server: &Box<dyn AnyServer>) -> OpResult<bool> {
        server.has_requests()
    }

    fn server_receive(
        &mut self,
        server: &Box<dyn AnyServer>,
        wait_ms: Option<u64>,
    ) -> OpResult<Receipt<Box<dyn AnyActive>>> {
        server.receive(wait_ms.map(Duration::from_millis))
    }

    fn response_loan(
        &mut self,
        active: &Box<dyn AnyActive>,
        len: usize,
        uninit: bool,
    ) -> OpResult<Box<dyn AnyResponseLoan>> {
        active.loan(len, uninit)
    }

    fn response_send(&mut self, response: Box<dyn AnyResponseLoan>) -> OpResult<()> {
        response.send()
    }

    fn has_response(&mut self, pending: &Box<dyn AnyPending>) -> OpResult<bool> {
        pending.has_response()
    }

    fn pending_receive(
        &mut self,
        pending: &Box<dyn AnyPending>,
        wait_ms: Option<u64>,
    ) -> OpResult<Receipt<Box<dyn AnyResponse>>> {
        pending.receive(wait_ms.map(Duration::from_millis))
    }

    fn wait(&mut self, waitables: &[Waitable<'_, Self>], wait_ms: u64) -> OpResult<Woken> {
        let mut set = WaitSet::new();
        let attached: Vec<AttachmentId> = waitables
            .iter()
            .map(|waitable| match waitable {
                Waitable::Server(server) => server.attach(&mut set),
                Waitable::Pending(pending) => pending.attach(&mut set),
            })
            .collect();
        let mut woken = Woken::default();
        if let Waited::Received(events) = set.wait(Duration::from_millis(wait_ms)) {
            for (index, id) in attached.iter().enumerate() {
                match events.iter().find(|event| event.id == *id).map(|event| event.readiness) {
                    Some(Readiness::Ready) => woken.ready.push(index),
                    Some(Readiness::Disconnected) => woken.ended.push(index),
                    None => {}
                }
            }
        }
        Ok(woken)
    }

    fn pending_connected(&mut self, pending: &Box<dyn AnyPending>) -> OpResult<bool> {
        Ok(pending.is_connected())
    }

    fn active_connected(&mut self, active: &Box<dyn AnyActive>) -> OpResult<bool> {
        Ok(active.is_connected())
    }

    fn hint_disconnect(&mut self, pending: &Box<dyn AnyPending>) -> OpResult<()> {
        pending.hint();
        Ok(())
    }

    fn has_hint(&mut self, active: &Box<dyn AnyActive>) -> OpResult<bool> {
        Ok(active.has_hint())
    }

    fn resources(&mut self) -> OpResult<OwnResources> {
        Ok(OwnResources::default())
    }

    fn request_loan_view<'a>(&self, request: &'a mut Box<dyn AnyRequest>) -> LoanView<'a> {
        request.view()
    }

    fn response_loan_view<'a>(&self, response: &'a mut Box<dyn AnyResponseLoan>) -> LoanView<'a> {
        response.view()
    }

    fn active_view<'a>(&self, active: &'a Box<dyn AnyActive>) -> View<'a> {
        active.view()
    }

    fn response_view<'a>(&self, response: &'a Box<dyn AnyResponse>) -> View<'a> {
        response.view()
    }
}
