//! Operations that wait for several handles at once.

use serde_json::Value;

use super::{Answer, Args, Implementation, Started, Stop, ok};
use crate::kit::handles::Handle;
use crate::kit::implementation::Waitable;
use crate::protocol::{HandleKind, Waiting};

impl<I: Implementation> Waiting<Args<'_>, Answer> for Started<I> {
    fn wait(&mut self, args: Args) -> Answer {
        let names: Vec<&str> = args.texts("for").collect();
        let mut waitables = Vec::with_capacity(names.len());
        for &name in &names {
            waitables.push(match self.handles.get(name)? {
                Handle::Server(server) => Waitable::Server(server),
                Handle::Pending(pending) => Waitable::Pending(pending),
                other => return Err(other.misused(name, &[HandleKind::Server, HandleKind::Pending])),
            });
        }
        let wait_ms = args.count("wait_ms").ok_or_else(|| Stop::fault("the argument wait_ms is missing"))?;
        let woken = self.implementation.wait(&waitables, wait_ms)?;
        let names_of = |indices: &[usize]| -> Value {
            indices.iter().filter_map(|&index| names.get(index)).copied().map(Value::from).collect()
        };
        ok([("ready", names_of(&woken.ready)), ("ended", names_of(&woken.ended))])
    }
}
