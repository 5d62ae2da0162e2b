//! Operations on responses.

use super::{Answer, Args, Implementation, Started, loan_args, nothing, ok, received, write};
use crate::kit::handles::Handle;
use crate::kit::implementation::Receipt;
use crate::protocol::{HandleKind, Responses};

impl<I: Implementation> Responses<Args<'_>, Answer> for Started<I> {
    fn response_loan(&mut self, args: Args) -> Answer {
        let (len, uninit) = loan_args(args)?;
        let active = self.handles.active(args.needed("on")?)?;
        let mut response = self.implementation.response_loan(active, len, uninit)?;
        let addr_mod_align = self.implementation.response_loan_view(&mut response).addr_mod_align;
        self.handles.insert(args.needed("as")?, Handle::ResponseLoan(response));
        ok([("addr_mod_align", addr_mod_align.into())])
    }

    fn response_write(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.get_mut(name)? {
            Handle::ResponseLoan(response) => write(self.implementation.response_loan_view(response), args),
            other => Err(other.misused(name, &[HandleKind::ResponseLoan])),
        }
    }

    fn response_send(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.remove(name)? {
            Handle::ResponseLoan(response) => {
                self.implementation.response_send(response)?;
                ok([])
            }
            other => Err(other.misused(name, &[HandleKind::ResponseLoan])),
        }
    }

    fn active_send(&mut self, args: Args) -> Answer {
        let len = args.size("len")?.unwrap_or(1);
        let active = self.handles.active(args.needed("on")?)?;
        let mut response = self.implementation.response_loan(active, len, true)?;
        write(self.implementation.response_loan_view(&mut response), args)?;
        self.implementation.response_send(response)?;
        ok([])
    }

    fn pending_has_response(&mut self, args: Args) -> Answer {
        let pending = self.handles.pending(args.needed("on")?)?;
        let has = self.implementation.has_response(pending)?;
        ok([("has", has.into())])
    }

    fn pending_receive(&mut self, args: Args) -> Answer {
        let wait_ms = args.count("wait_ms");
        let pending = self.handles.pending(args.needed("on")?)?;
        let (response, arrival) = match self.implementation.pending_receive(pending, wait_ms)? {
            Receipt::Received(response, arrival) => (response, arrival),
            Receipt::Nothing => return nothing(wait_ms, false),
            Receipt::Ended => return nothing(wait_ms, true),
        };
        let answer = received(&self.implementation.response_view(&response), arrival);
        self.handles.insert(args.needed("as")?, Handle::Response(response));
        answer
    }
}
