//! Operations on messages: loan, write, send, receive, read.

use serde_json::Value;

use super::args::Args;
use super::handles::Handle;
use super::host::Started;
use super::implementation::{Arrival, Implementation, LoanView, Receipt, View};
use super::payload;
use super::reply::{Answer, Stop, ok};

impl<I: Implementation> Started<I> {
    pub(super) fn request_loan(&mut self, args: Args) -> Answer {
        let (len, uninit) = loan_args(args)?;
        let client = self.handles.client(args.needed("on")?)?;
        let mut request = self.implementation.request_loan(client, len, uninit)?;
        let addr_mod_align = self.implementation.request_loan_view(&mut request).addr_mod_align;
        self.handles.insert(args.needed("as")?, Handle::Request(request));
        ok([("addr_mod_align", addr_mod_align.into())])
    }

    pub(super) fn response_loan(&mut self, args: Args) -> Answer {
        let (len, uninit) = loan_args(args)?;
        let active = self.handles.active(args.needed("on")?)?;
        let mut response = self.implementation.response_loan(active, len, uninit)?;
        let addr_mod_align = self.implementation.response_loan_view(&mut response).addr_mod_align;
        self.handles.insert(args.needed("as")?, Handle::ResponseLoan(response));
        ok([("addr_mod_align", addr_mod_align.into())])
    }

    pub(super) fn request_write(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.get_mut(name)? {
            Handle::Request(request) => write(self.implementation.request_loan_view(request), args),
            other => Err(other.misused(name, "a loaned request")),
        }
    }

    pub(super) fn response_write(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.get_mut(name)? {
            Handle::ResponseLoan(response) => write(self.implementation.response_loan_view(response), args),
            other => Err(other.misused(name, "a loaned response")),
        }
    }

    pub(super) fn request_send(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.remove(name)? {
            Handle::Request(request) => self.send_request(request, args),
            other => {
                let fault = other.misused(name, "a loaned request");
                self.handles.insert(name, other);
                Err(fault)
            }
        }
    }

    pub(super) fn response_send(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        match self.handles.remove(name)? {
            Handle::ResponseLoan(response) => {
                self.implementation.response_send(response)?;
                ok([])
            }
            other => {
                let fault = other.misused(name, "a loaned response");
                self.handles.insert(name, other);
                Err(fault)
            }
        }
    }

    pub(super) fn client_send(&mut self, args: Args) -> Answer {
        let len = args.size("len")?.unwrap_or(1);
        let client = self.handles.client(args.needed("on")?)?;
        let mut request = self.implementation.request_loan(client, len, true)?;
        write(self.implementation.request_loan_view(&mut request), args)?;
        self.send_request(request, args)
    }

    pub(super) fn active_send(&mut self, args: Args) -> Answer {
        let len = args.size("len")?.unwrap_or(1);
        let active = self.handles.active(args.needed("on")?)?;
        let mut response = self.implementation.response_loan(active, len, true)?;
        write(self.implementation.response_loan_view(&mut response), args)?;
        self.implementation.response_send(response)?;
        ok([])
    }

    fn send_request(&mut self, request: I::Request, args: Args) -> Answer {
        let (pending, delivered) = self.implementation.request_send(request)?;
        self.handles.insert(args.needed("as")?, Handle::Pending(pending));
        ok([("delivered", delivered.into())])
    }

    pub(super) fn has_requests(&mut self, args: Args) -> Answer {
        let server = self.handles.server(args.needed("on")?)?;
        let has = self.implementation.has_requests(server)?;
        ok([("has", has.into())])
    }

    pub(super) fn has_response(&mut self, args: Args) -> Answer {
        let pending = self.handles.pending(args.needed("on")?)?;
        let has = self.implementation.has_response(pending)?;
        ok([("has", has.into())])
    }

    pub(super) fn server_receive(&mut self, args: Args) -> Answer {
        let wait_ms = self.wait_ms(args)?;
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

    pub(super) fn pending_receive(&mut self, args: Args) -> Answer {
        let wait_ms = self.wait_ms(args)?;
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

    pub(super) fn read(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        let loaned = |view: LoanView| summary(view.len, view.payload);
        let arrived = |view: View| summary(view.len, view.payload);
        match self.handles.get_mut(name)? {
            Handle::Request(request) => loaned(self.implementation.request_loan_view(request)),
            Handle::ResponseLoan(response) => loaned(self.implementation.response_loan_view(response)),
            Handle::Active(active) => arrived(self.implementation.active_view(active)),
            Handle::Response(response) => arrived(self.implementation.response_view(response)),
            other => Err(other.misused(name, "something with a payload")),
        }
    }

    pub(super) fn is_connected(&mut self, args: Args) -> Answer {
        let name = args.needed("on")?;
        let connected = match self.handles.get(name)? {
            Handle::Pending(pending) => self.implementation.pending_connected(pending)?,
            Handle::Active(active) => self.implementation.active_connected(active)?,
            other => return Err(other.misused(name, "a pending response or an active request")),
        };
        ok([("connected", connected.into())])
    }

    pub(super) fn hint_disconnect(&mut self, args: Args) -> Answer {
        let pending = self.handles.pending(args.needed("on")?)?;
        self.implementation.hint_disconnect(pending)?;
        ok([])
    }

    pub(super) fn has_hint(&mut self, args: Args) -> Answer {
        let active = self.handles.active(args.needed("on")?)?;
        let hint = self.implementation.has_hint(active)?;
        ok([("hint", hint.into())])
    }
}

/// Elements, and whether the payload may stay as it is.
fn loan_args(args: Args) -> Result<(usize, bool), Stop> {
    Ok((args.size("len")?.unwrap_or(1), args.text("init") == Some("uninit")))
}

fn write(view: LoanView, args: Args) -> Answer {
    match (view.header, args.count("header_seed")) {
        (Some(header), Some(seed)) => payload::fill(header, seed),
        (None, Some(_)) => return Err(Stop::fault("header_seed is given, but the service has no such user header")),
        (_, None) => {}
    }
    let seed = args.count("seed").ok_or_else(|| Stop::fault("the argument seed is missing"))?;
    payload::fill(view.payload, seed);
    ok([])
}

fn summary(len: usize, payload: &[u8]) -> Answer {
    ok([("len", len.into()), ("bytes", payload.len().into()), ("crc32", payload::crc32(payload).into())])
}

/// Nothing was received; of a wait, why it ended.
fn nothing(wait_ms: Option<u64>, ended: bool) -> Answer {
    let mut fields = ok([("received", false.into())])?;
    if wait_ms.is_some() {
        fields.insert("ended".to_owned(), ended.into());
    }
    Ok(fields)
}

fn received(view: &View, arrival: Arrival) -> Answer {
    let mut fields = summary(view.len, view.payload)?;
    fields.insert("received".to_owned(), true.into());
    if let Some(header) = view.header {
        fields.insert("header_crc32".to_owned(), payload::crc32(header).into());
    }
    fields.insert("origin".to_owned(), Value::String(arrival.origin));
    fields.insert("align_ok".to_owned(), arrival.align_ok.into());
    Ok(fields)
}
