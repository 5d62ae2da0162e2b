//! The model: what is held and what waits where, in plain collections. Its rules are in the modules beside this one, one
//! method for each operation.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::{PortSettings, RequestResponse};
use crate::kit::segment::Growth;

use super::event::{Event, Key};

/// Elements that a request may have.
pub const LEN_MAX: usize = 6;

/// How a client's payload segment grows.
pub fn growth(client: Key, can_grow: bool) -> Growth {
    match client % 3 {
        1 if can_grow => Growth::BestFit,
        2 if can_grow => Growth::PowerOfTwo,
        _ => Growth::Static,
    }
}

/// States that agree with an event, or what each state expected.
pub fn follow(models: &[Model], event: &Event) -> Result<Vec<Model>, String> {
    let mut next: Vec<Model> = Vec::new();
    let mut expected = Vec::new();
    for model in models {
        match model.clone().apply(event) {
            Ok(more) => {
                for model in more {
                    if !next.contains(&model) {
                        next.push(model);
                    }
                }
            }
            Err(rule) => expected.push(rule),
        }
    }
    if next.is_empty() { Err(format!("{event}\nbut {}", expected.join("\nor ("))) } else { Ok(next) }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub registered: bool,
    pub active_max: usize,
    pub loans: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub registered: bool,
    pub loans_max: usize,
}

/// Where a request is at one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Unread,
    Held,
    Done,
}

/// Whether a message that is unread or held keeps a chunk of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chunk {
    Kept,
    /// It was copied to where it waits.
    Free,
    /// It might have been, but displaced an older message.
    Either,
}

impl Chunk {
    pub fn of(leaves_none: bool, displaces: bool) -> Self {
        match (leaves_none, displaces) {
            (false, _) => Self::Kept,
            (true, false) => Self::Free,
            (true, true) => Self::Either,
        }
    }
}

/// What an implementation can do and does without chunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Traits {
    pub can_grow: bool,
    /// Lengths of requests that leave no chunk.
    pub requests_without_chunk: BTreeSet<usize>,
    pub responses_without_chunk: bool,
}

impl Traits {
    pub fn of(implementation: &impl RequestResponse, len_max: usize) -> Self {
        Self {
            can_grow: implementation.grows(),
            requests_without_chunk: (0..=len_max).filter(|len| implementation.request_leaves_no_chunk(*len)).collect(),
            responses_without_chunk: implementation.response_leaves_no_chunk(),
        }
    }
}

/// A request at one server, and the responses from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub stage: Stage,
    pub chunk: Chunk,
    /// Responses that are loaned, by the active request or what it left.
    pub loans: usize,
    pub responses: VecDeque<Key>,
    /// Responses that are held.
    pub borrowed: BTreeSet<Key>,
    /// Responses that were sent when nobody listened any more; their chunks come back when the client looks again.
    pub unheard: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub client: Key,
    /// Whether its pending response is held.
    pub pending: bool,
    pub hinted: bool,
    pub deliveries: BTreeMap<Key, Delivery>,
}

/// A client and a server that have met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    pub queue: VecDeque<Key>,
    /// How often another client was served while this one had a request ready.
    pub passed_by: BTreeMap<Key, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub request: Key,
    pub server: Key,
    /// Once it is sent.
    pub chunk: Chunk,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loan {
    pub client: Key,
    pub len: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub settings: PortSettings,
    pub traits: Traits,
    pub clients: BTreeMap<Key, Client>,
    pub servers: BTreeMap<Key, Server>,
    /// Loaned requests.
    pub loans: BTreeMap<Key, Loan>,
    pub requests: BTreeMap<Key, Request>,
    pub pairs: BTreeMap<(Key, Key), Pair>,
    pub responses: BTreeMap<Key, Response>,
}

pub type Next = Result<Vec<Model>, String>;

/// The rule that was broken, unless it holds.
pub fn demand(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

impl Model {
    pub fn new(settings: PortSettings, traits: Traits) -> Self {
        Self {
            settings,
            traits,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            loans: BTreeMap::new(),
            requests: BTreeMap::new(),
            pairs: BTreeMap::new(),
            responses: BTreeMap::new(),
        }
    }

    pub fn grows(&self, client: Key) -> bool {
        growth(client, self.traits.can_grow) != Growth::Static
    }

    fn apply(self, event: &Event) -> Next {
        match event {
            Event::CreateClient { client, active_max, result } => self.create_client(*client, *active_max, result),
            Event::DropClient { client } => self.drop_client(*client),
            Event::CreateServer { server, loans_max, result } => self.create_server(*server, *loans_max, result),
            Event::DropServer { server } => self.drop_server(*server),
            Event::Loan { client, request, len, result } => self.loan(*client, *request, *len, result),
            Event::DropLoan { request } => self.drop_loan(*request),
            Event::Send { request, result } => self.send(*request, result),
            Event::Hint { request } => self.hint(*request),
            Event::DropPending { request } => self.drop_pending(*request),
            Event::PendingIsConnected { request, result } => {
                let open = |delivery: &Delivery| delivery.stage != Stage::Done;
                let connected = self.requests[request].deliveries.values().any(open);
                let rule = "a pending response is connected exactly as long as a server has its request, unread or held \
                            (RR-PND-04, RR-PND-05, RR-SND-01, RR-SND-06)";
                demand(*result == connected, rule).map(|()| vec![self])
            }
            Event::HasRequests { server, result } => self.has_requests(*server, *result),
            Event::Receive { server, result } => self.receive(*server, result),
            Event::DropActive { request, server } => self.drop_active(*request, *server),
            Event::ActiveIsConnected { request, result, .. } => {
                let rule = "an active request is connected exactly as long as its pending response is held (RR-ACT-01, \
                            RR-PND-06, RR-FNF-01)";
                demand(*result == self.requests[request].pending, rule).map(|()| vec![self])
            }
            Event::HasHint { request, result, .. } => {
                let Request { pending, hinted, .. } = &self.requests[request];
                // What a hint means when nobody waits at all is left open.
                demand(*result == *hinted || !pending, "an active request shows its own hint and no other (RR-PND-07)")
                    .map(|()| vec![self])
            }
            Event::LoanResponse { request, server, response, result } => {
                self.loan_response(*request, *server, *response, result)
            }
            Event::DropResponseLoan { response } => self.drop_response_loan(*response),
            Event::SendResponse { response, result } => self.send_response(*response, result),
            Event::HasResponse { request, result } => {
                let any = self.requests[request].deliveries.values().any(|delivery| !delivery.responses.is_empty());
                demand(*result == any, "has_response says whether a response waits (RR-PND-01)").map(|()| vec![self])
            }
            Event::ReceiveResponse { request, result } => self.receive_response(*request, result),
            Event::DropResponse { response } => self.drop_response(*response),
            Event::ClientChunks { client, result } => self.client_chunks(*client, *result),
            Event::ServerChunks { server, result } => self.server_chunks(*server, *result),
        }
    }

    pub fn delivery(&mut self, request: Key, server: Key) -> &mut Delivery {
        self.requests.get_mut(&request).unwrap().deliveries.get_mut(&server).unwrap()
    }
}
