//! The model: what is held and what waits where, in plain collections. Its rules are in the modules beside this one, one
//! method for each operation.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use super::event::{Event, Key};
use super::traits::{Chunk, Traits};
use super::{PortSettings, Sizing};

/// States that agree with an event, or what each state expected.
pub fn follow(models: Vec<Model>, event: &Event) -> Result<Vec<Model>, String> {
    let mut next: Vec<Model> = Vec::new();
    let mut expected = Vec::new();
    for model in models {
        match model.apply(event) {
            Ok(more) => {
                for model in more {
                    if next.is_empty() || !next.contains(&model) {
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
    pub sizing: Sizing,
    pub loans: usize,
    /// When it was dropped, and when the last of its loans and pending responses was, too.
    pub left: Option<u64>,
    pub gone: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub registered: bool,
    pub loans_max: usize,
    pub sizing: Sizing,
    /// Responses that were sent when nobody listened any more; their chunks come back when the client looks again.
    pub unheard: usize,
}

/// Where a request is at one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Unread,
    Held,
    Done,
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
}

impl Delivery {
    /// Without any response.
    pub fn new(stage: Stage, chunk: Chunk) -> Self {
        Self { stage, chunk, loans: 0, responses: VecDeque::new(), borrowed: BTreeSet::new() }
    }

    /// Whether the server still has anything of the request.
    pub fn is_at_server(&self) -> bool {
        self.stage == Stage::Held || self.loans > 0
    }

    pub fn is_over(&self) -> bool {
        self.stage == Stage::Done && self.loans == 0 && self.responses.is_empty() && self.borrowed.is_empty()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub client: Key,
    /// Whether its pending response is held.
    pub pending: bool,
    pub hinted: bool,
    /// Whether it leaves its chunk where there is room.
    pub leaves_no_chunk: bool,
    pub deliveries: BTreeMap<Key, Delivery>,
}

/// A client and a server that have met.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pair {
    pub queue: VecDeque<Key>,
    /// So many in front may be gone already: nobody waited for them, or they were given up.
    pub maybe: usize,
    /// How often another client was served while this one had a request ready.
    pub passed_by: BTreeMap<Key, usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    pub request: Key,
    pub server: Key,
    pub len: usize,
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
    pub traits: Rc<Traits>,
    pub clients: BTreeMap<Key, Client>,
    pub servers: BTreeMap<Key, Server>,
    /// Loaned requests.
    pub loans: BTreeMap<Key, Loan>,
    pub requests: BTreeMap<Key, Request>,
    pub pairs: BTreeMap<(Key, Key), Pair>,
    pub responses: BTreeMap<Key, Response>,
    /// Servers that had no room for the request that is being sent; nothing if it is refused.
    pub full: Option<Vec<Key>>,
    /// Counts departures, and the requests and clients that there were when what is over was forgotten last.
    pub departures: u64,
    /// Whether descriptors or memory have run out.
    pub short: bool,
    /// Whether they ever had: a port tells it with the next call that finds nothing.
    pub was_short: bool,
    kept: usize,
}

pub type Next = Result<Vec<Model>, String>;

/// The rule that was broken, unless it holds.
pub fn demand(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}

impl Model {
    pub fn new(settings: PortSettings, traits: Rc<Traits>) -> Self {
        Self {
            settings,
            traits,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            loans: BTreeMap::new(),
            requests: BTreeMap::new(),
            pairs: BTreeMap::new(),
            responses: BTreeMap::new(),
            full: None,
            departures: 0,
            short: false,
            was_short: false,
            kept: 0,
        }
    }

    fn apply(mut self, event: &Event) -> Next {
        if self.requests.len() + self.pairs.len() > 2 * self.kept + 16 {
            self.forget();
        }
        match event {
            Event::CreateClient { client, shape, result } => self.create_client(*client, shape, result),
            Event::DropClient { client } => self.drop_client(*client),
            Event::CreateServer { server, shape, result } => self.create_server(*server, shape, result),
            Event::DropServer { server } => self.drop_server(*server),
            Event::Loan { client, request, len, result } => self.loan(*client, *request, *len, result),
            Event::DropLoan { request } => self.drop_loan(*request),
            Event::Send { request, result } => self.send(*request, result),
            Event::SendBegins { request } => self.send_begins(*request),
            Event::SendEnds { request, result } => self.send_ends(*request, result),
            Event::Hint { request } => self.hint(*request),
            Event::DropPending { request } => self.drop_pending(*request),
            Event::PendingIsConnected { request, result } => self.pending_is_connected(*request, *result),
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
            Event::LoanResponse { request, server, response, len, result } => {
                self.loan_response((*request, *server), *response, *len, result)
            }
            Event::DropResponseLoan { response } => self.drop_response_loan(*response),
            Event::SendResponse { response, result } => self.send_response(*response, result),
            Event::HasResponse { request, result } => {
                let any = self.requests[request].deliveries.values().any(|delivery| !delivery.responses.is_empty());
                demand(
                    *result == any || (self.short && !result),
                    "has_response says whether a response waits (RR-PND-01)",
                )
                .map(|()| vec![self])
            }
            Event::ReceiveResponse { request, result } => self.receive_response(*request, result),
            Event::DropResponse { response } => self.drop_response(*response),
            Event::ClientChunks { client, result } => self.client_chunks(*client, *result),
            Event::ServerChunks { server, result } => self.server_chunks(*server, *result),
            Event::Shortage { shortage } => {
                self.short = shortage.is_some();
                self.was_short = true;
                Ok(vec![self])
            }
            Event::Files { files, collected } => self.files(files, *collected),
        }
    }

    /// Forgets what nothing can come of any more.
    fn forget(&mut self) {
        let Self { clients, servers, requests, pairs, .. } = self;
        requests.retain(|_, request| request.pending || !request.deliveries.values().all(Delivery::is_over));
        let of_clients: BTreeSet<Key> = requests.values().map(|request| request.client).collect();
        clients.retain(|key, client| client.registered || client.loans > 0 || of_clients.contains(key));
        let of_servers: BTreeSet<Key> = requests.values().flat_map(|r| r.deliveries.keys().copied()).collect();
        servers.retain(|key, server| server.registered || of_servers.contains(key));
        pairs.retain(|(client, server), _| clients.contains_key(client) && servers.contains_key(server));
        for pair in pairs.values_mut() {
            pair.passed_by.retain(|client, _| clients.contains_key(client));
        }
        self.kept = self.requests.len() + self.pairs.len();
    }

    pub fn delivery(&mut self, request: Key, server: Key) -> &mut Delivery {
        self.requests.get_mut(&request).unwrap().deliveries.get_mut(&server).unwrap()
    }
}
