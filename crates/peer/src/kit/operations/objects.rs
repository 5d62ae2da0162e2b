//! Operations on handles of several kinds, and on the process.

use serde_json::Value;

use super::{Answer, Args, Implementation, LoanView, Started, Stop, View, ok, summary};
use crate::kit::handles::Handle;
use crate::kit::resources;
use crate::protocol::{HandleKind, Objects, op};

impl<I: Implementation> Objects<Args<'_>, Answer> for Started<I> {
    fn read(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        let loaned = |view: LoanView| summary(view.len, view.payload);
        let arrived = |view: View| summary(view.len, view.payload);
        match self.handles.get_mut(name)? {
            Handle::Request(request) => loaned(self.implementation.request_loan_view(request)),
            Handle::ResponseLoan(response) => loaned(self.implementation.response_loan_view(response)),
            Handle::Active(active) => arrived(self.implementation.active_view(active)),
            Handle::Response(response) => arrived(self.implementation.response_view(response)),
            other => Err(other.misused(name, op("read").map_or(&[], |read| read.receiver()))),
        }
    }

    fn is_connected(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        let connected = match self.handles.get(name)? {
            Handle::Pending(pending) => self.implementation.pending_connected(pending)?,
            Handle::Active(active) => self.implementation.active_connected(active)?,
            other => return Err(other.misused(name, &[HandleKind::Pending, HandleKind::Active])),
        };
        ok([("connected", connected.into())])
    }

    fn pending_hint_disconnect(&mut self, args: Args) -> Answer {
        let pending = self.handles.pending(args.needed("on")?)?;
        self.implementation.hint_disconnect(pending)?;
        ok([])
    }

    fn active_has_hint(&mut self, args: Args) -> Answer {
        let active = self.handles.active(args.needed("on")?)?;
        let hint = self.implementation.has_hint(active)?;
        ok([("hint", hint.into())])
    }

    fn drop_handle(&mut self, args: Args) -> Answer {
        drop(self.handles.remove(args.needed("on")?)?);
        ok([])
    }

    fn resources(&mut self, _args: Args) -> Answer {
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
