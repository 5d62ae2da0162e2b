//! One implementation in this process: dispatches operations to it.

use std::path::PathBuf;

use serde_json::Value;

use super::args::Args;
use super::handles::Handles;
use super::implementation::{Hello, Implementation, Opening, Outcome};
use super::reply::{Answer, Stop, ok};
use super::resources;
use crate::protocol::OpSpec;

/// What a session needs of the implementation, whatever its types are.
pub(super) trait Ops {
    /// Starts the implementation.
    fn hello(&mut self, root: &str) -> Outcome<Hello>;
    /// Carries out an operation of the table. Called after `hello` only.
    fn call(&mut self, spec: &'static OpSpec, args: Args) -> Answer;
}

/// A peer that has nothing but the benchmark mode.
pub(super) struct BenchOnly(pub(super) Hello);

impl Ops for BenchOnly {
    fn hello(&mut self, _root: &str) -> Outcome<Hello> {
        Ok(self.0.clone())
    }

    fn call(&mut self, spec: &'static OpSpec, _args: Args) -> Answer {
        Err(Stop::unsupported(format!("{}: this peer has the benchmark mode only", spec.name)))
    }
}

/// A peer around an implementation that was not started yet.
pub(super) struct Host<I: Implementation>(Option<Started<I>>);

impl<I: Implementation> Host<I> {
    pub(super) fn new() -> Self {
        Self(None)
    }
}

impl<I: Implementation> Ops for Host<I> {
    fn hello(&mut self, root: &str) -> Outcome<Hello> {
        let (implementation, hello) = I::start(root)?;
        let can_wait = hello.features.iter().any(|feature| feature == "wait");
        self.0 = Some(Started { handles: Handles::new(), implementation, root: root.into(), can_wait });
        Ok(hello)
    }

    fn call(&mut self, spec: &'static OpSpec, args: Args) -> Answer {
        match &mut self.0 {
            Some(started) => started.call(spec, args),
            None => Err(Stop::fault("say hello first")),
        }
    }
}

/// A started implementation and everything that it handed out.
pub(super) struct Started<I: Implementation> {
    /// Dropped before the implementation that they belong to.
    pub(super) handles: Handles<I>,
    pub(super) implementation: I,
    root: PathBuf,
    can_wait: bool,
}

impl<I: Implementation> Started<I> {
    fn call(&mut self, spec: &'static OpSpec, args: Args) -> Answer {
        // A new name is checked before anything happens, so that a fault changes nothing.
        if let Some(name) = args.text("as") {
            self.handles.check_free(name)?;
        }
        match spec.name {
            "node.create" => self.node_create(args),
            "node.list" => self.node_list(),
            "node.cleanup" => self.node_cleanup(),
            "service.create" => self.service(Opening::Create, args),
            "service.open" => self.service(Opening::Open, args),
            "service.open_or_create" => self.service(Opening::OpenOrCreate, args),
            "service.exists" => self.service_exists(args),
            "service.list" => self.service_list(args),
            "service.ports" => self.service_ports(args),
            "client.create" => self.client_create(args),
            "server.create" => self.server_create(args),
            "request.loan" => self.request_loan(args),
            "response.loan" => self.response_loan(args),
            "request.write" => self.request_write(args),
            "response.write" => self.response_write(args),
            "request.send" => self.request_send(args),
            "response.send" => self.response_send(args),
            "client.send" => self.client_send(args),
            "active.send" => self.active_send(args),
            "server.has_requests" => self.has_requests(args),
            "pending.has_response" => self.has_response(args),
            "server.receive" => self.server_receive(args),
            "pending.receive" => self.pending_receive(args),
            "read" => self.read(args),
            "is_connected" => self.is_connected(args),
            "pending.hint_disconnect" => self.hint_disconnect(args),
            "active.has_hint" => self.has_hint(args),
            "drop" => self.drop_handle(args),
            "resources" => self.resources(),
            other => Err(Stop::unsupported(format!("this kit does not know {other} yet"))),
        }
    }

    /// `wait_ms`, which only peers that declare `wait` have.
    pub(super) fn wait_ms(&self, args: Args) -> Result<Option<u64>, Stop> {
        match args.count("wait_ms") {
            Some(_) if !self.can_wait => Err(Stop::unsupported("wait_ms: the feature wait is not declared")),
            wait_ms => Ok(wait_ms),
        }
    }

    fn drop_handle(&mut self, args: Args) -> Answer {
        drop(self.handles.remove(args.needed("on")?)?);
        ok([])
    }

    fn resources(&mut self) -> Answer {
        let own = self.implementation.resources()?;
        let process = resources::of_this_process(&self.root)
            .map_err(|error| Stop::fault(format!("the process's own resources cannot be read: {error}")))?;
        let mut fields = ok([
            ("fds", process.fds.into()),
            ("rss_bytes", process.rss_bytes.into()),
            ("files", process.files.into()),
            ("cpu_ms", process.cpu_ms.into()),
        ])?;
        for (key, value) in [("chunks_in_use", own.chunks_in_use), ("segments", own.segments)] {
            if let Some(value) = value {
                fields.insert(key.to_owned(), Value::from(value));
            }
        }
        Ok(fields)
    }
}
