//! One implementation in this process: checks commands against the table of operations and carries them out.

use std::path::PathBuf;

use super::args::Args;
use super::handles::Handles;
use super::implementation::{Hello, Implementation, OpResult};
use super::reply::{Answer, Stop};
use crate::protocol::{ArgKind, Nodes, Objects, OpSpec, Ports, Requests, Responses, Services, Waiting, has_feature};

/// What a session needs of the implementation, whatever its types are.
pub(super) trait Ops {
    /// Starts the implementation for a version of the protocol.
    fn hello(&mut self, root: &str, protocol: u32) -> OpResult<Hello>;
    /// Carries out an operation of the table. Called after `hello` only.
    fn call(&mut self, spec: &'static OpSpec, args: Args) -> Answer;
}

/// A peer that has nothing but the benchmark mode.
pub(super) struct BenchOnly(pub(super) Hello);

impl Ops for BenchOnly {
    fn hello(&mut self, _root: &str, _protocol: u32) -> OpResult<Hello> {
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
    fn hello(&mut self, root: &str, protocol: u32) -> OpResult<Hello> {
        let (implementation, mut hello) = I::start(root)?;
        // A runner of an earlier version does not know them.
        hello.features.retain(|feature| has_feature(protocol, feature));
        let features = hello.features.clone();
        self.0 = Some(Started { handles: Handles::new(), implementation, root: root.into(), features });
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
    pub(super) root: PathBuf,
    /// Those that `hello` has declared.
    features: Vec<String>,
}

impl<I: Implementation> Started<I> {
    fn call(&mut self, spec: &'static OpSpec, args: Args) -> Answer {
        // Everything is checked before anything happens, so that a fault changes nothing.
        self.check_features(spec, args)?;
        self.check_handles(spec, args)?;
        let name = spec.name;
        let answer = Nodes::dispatch(self, name, args)
            .or_else(|| Services::dispatch(self, name, args))
            .or_else(|| Ports::dispatch(self, name, args))
            .or_else(|| Requests::dispatch(self, name, args))
            .or_else(|| Responses::dispatch(self, name, args))
            .or_else(|| Waiting::dispatch(self, name, args))
            .or_else(|| Objects::dispatch(self, name, args));
        answer.unwrap_or_else(|| Err(Stop::unsupported(format!("this kit does not know {name} yet"))))
    }

    /// What belongs to a feature that the peer does not declare is unsupported, whatever the implementation can do.
    fn check_features(&self, spec: &OpSpec, args: Args) -> Result<(), Stop> {
        let of_args = spec.args.iter().filter_map(|arg| Some((arg.name, arg.features(args.value(arg.name)?))));
        let of_args = of_args.flat_map(|(name, features)| features.into_iter().map(move |feature| (name, feature)));
        let needed = spec.feature.map(|feature| (spec.name, feature)).into_iter().chain(of_args);
        for (what, feature) in needed {
            if !self.features.iter().any(|declared| declared == feature) {
                return Err(Stop::unsupported(format!("{what}: the feature {feature} is not declared")));
            }
        }
        Ok(())
    }

    fn check_handles(&self, spec: &OpSpec, args: Args) -> Result<(), Stop> {
        for arg in spec.args {
            match arg.kind {
                ArgKind::NewHandle(_) => args.text(arg.name).map_or(Ok(()), |name| self.handles.check_free(name))?,
                ArgKind::Handle(kinds) => {
                    args.text(arg.name).map_or(Ok(()), |name| self.handles.check_kind(name, kinds))?;
                }
                ArgKind::Handles(kinds) => {
                    args.texts(arg.name).try_for_each(|name| self.handles.check_kind(name, kinds))?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
