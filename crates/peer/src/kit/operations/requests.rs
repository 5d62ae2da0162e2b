//! Operations on requests.

use super::{Answer, Args, Implementation, Started, loan_args, nothing, ok, received, write};
use crate::kit::handles::Handle;
use crate::kit::implementation::Receipt;
use crate::protocol::{HandleKind, Requests};

impl<I: Implementation> Started<I> {
    fn send_request(&mut self, request: I::Request, args: Args) -> Answer {
        let (pending, delivered) = self.implementation.request_send(request)?;
        self.handles.insert(args.needed("as")?, Handle::Pending(pending));
        ok([("delivered", delivered.into())])
    }
}

impl<I: Implementation> Requests<Args<'_>, Answer> for Started<I> {
    fn request_loan(&mut self, args: Args) -> Answer {
        let (len, uninit) = loan_args(args)?;
        let client = self.handles.client(args.needed("on")?)?;
        let mut request = self.implementation.request_loan(client, len, uninit)?;
        let addr_mod_align = self.implementation.request_loan_view(&mut request).addr_mod_align;
        self.handles.insert(args.needed("as")?, Handle::Request(request));
        ok([("addr_mod_align", addr_mod_align.into())])
    }

    fn request_write(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.get_mut(name)? {
            Handle::Request(request) => write(self.implementation.request_loan_view(request), args),
            other => Err(other.misused(name, &[HandleKind::Request])),
        }
    }

    fn request_send(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.remove(name)? {
            Handle::Request(request) => self.send_request(request, args),
            other => Err(other.misused(name, &[HandleKind::Request])),
        }
    }

    fn client_send(&mut self, args: Args) -> Answer {
        let len = args.size("len")?.unwrap_or(1);
        let client = self.handles.client(args.needed("on")?)?;
        let mut request = self.implementation.request_loan(client, len, true)?;
        write(self.implementation.request_loan_view(&mut request), args)?;
        self.send_request(request, args)
    }

    fn server_has_requests(&mut self, args: Args) -> Answer {
        let server = self.handles.server(args.needed("on")?)?;
        let has = self.implementation.has_requests(server)?;
        ok([("has", has.into())])
    }

    fn server_receive(&mut self, args: Args) -> Answer {
        let wait_ms = args.count("wait_ms");
        let server = self.handles.server(args.needed("on")?)?;
        let (active, arrival) = match self.implementation.server_receive(server, wait_ms)? {
            Receipt::Received(active, arrival) => (active, arrival),
            Receipt::Nothing => return nothing(wait_ms, false),
            Receipt::Ended => return nothing(wait_ms, true),
        };
        let answer = received(&self.implementation.active_view(&active), arrival);
        self.handles.insert(args.needed("as")?, Handle::Active(active));
        answer
    }
}
