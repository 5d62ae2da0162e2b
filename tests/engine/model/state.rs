//! The model: what is held and what waits where, in plain collections. One rule of the requirements a method.
#![allow(clippy::unnecessary_wraps, reason = "every operation has one shape, also one that is never refused")]

use std::collections::{BTreeMap, VecDeque};

use shmark::engine::Settings;
use shmark::engine::error::{LoanError, ReceiveError, SendError};

use super::event::{Event, Key};

/// Elements that a request may have.
pub const LEN_MAX: usize = 3;

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

/// A request at one server, and the responses from there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub stage: Stage,
    /// Responses that are loaned, by the active request or what it left.
    pub loans: usize,
    pub responses: VecDeque<Key>,
    pub borrowed: usize,
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
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub settings: Settings,
    pub clients: BTreeMap<Key, Client>,
    pub servers: BTreeMap<Key, Server>,
    /// Loaned requests and their clients.
    pub loans: BTreeMap<Key, Key>,
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
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            loans: BTreeMap::new(),
            requests: BTreeMap::new(),
            pairs: BTreeMap::new(),
            responses: BTreeMap::new(),
        }
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

    fn delivery(&mut self, request: Key, server: Key) -> &mut Delivery {
        self.requests.get_mut(&request).unwrap().deliveries.get_mut(&server).unwrap()
    }

    fn loan(mut self, client: Key, request: Key, len: usize, result: &Result<(), LoanError>) -> Next {
        let max = self.settings.max_loaned_requests;
        let (full, long) = (self.clients[&client].loans >= max, len > LEN_MAX);
        match *result {
            Ok(()) => {
                demand(!full, "a client holds at most max_loaned_requests loans (RR-LOAN-01)")?;
                demand(!long, "a loan beyond the segment's chunks is refused (RR-DYN-01)")?;
                self.clients.get_mut(&client).unwrap().loans += 1;
                self.loans.insert(request, client);
            }
            Err(LoanError::ExceedsMaxLoans { max: told }) => {
                demand(full && told == max, "a loan below the limit succeeds (RR-LOAN-01)")?;
            }
            Err(LoanError::ExceedsMaxLoanSize { len: asked, max: told }) => {
                demand(long && (asked, told) == (len, LEN_MAX), "a loan that fits succeeds (RR-DYN-01)")?;
            }
            Err(_) => demand(
                self.servers_still_there(client) > self.settings.max_servers,
                "no loan fails for want of memory (RR-PRT-07)",
            )?,
        }
        Ok(vec![self])
    }

    fn drop_loan(mut self, request: Key) -> Next {
        let client = self.loans.remove(&request).unwrap();
        self.clients.get_mut(&client).unwrap().loans -= 1;
        Ok(vec![self])
    }

    fn send(mut self, request: Key, result: &Result<usize, SendError>) -> Next {
        let client = self.loans.remove(&request).unwrap();
        let held = self.requests.values().filter(|request| request.client == client && request.pending).count();
        let Client { registered, active_max: max, .. } = self.clients[&client];
        self.clients.get_mut(&client).unwrap().loans -= 1;
        let delivered = match *result {
            Ok(delivered) => delivered,
            Err(error) => {
                let refused = held >= max && error == SendError::ExceedsMaxActiveRequests { max };
                let rule = "sending fails only when max_active_requests pending responses are held (RR-SND-03)";
                return demand(refused, rule).map(|()| vec![self]);
            }
        };
        demand(held < max, "a client holds at most max_active_requests pending responses (RR-SND-03)")?;
        let servers: Vec<_> =
            self.pairs.keys().filter(|(c, s)| *c == client && self.servers[s].registered).map(|(_, s)| *s).collect();
        // Whether a loan that outlived its client is heard by a server that the client never looked at is left open.
        let least = if registered { (1 << servers.len()) - 1 } else { 0 };
        let mut next = Vec::new();
        for reached in least..1_usize << servers.len() {
            let mut model = self.clone();
            let deliveries = BTreeMap::new();
            model.requests.insert(request, Request { client, pending: true, hinted: false, deliveries });
            for (i, server) in servers.iter().enumerate() {
                if reached & (1 << i) != 0 {
                    model.deliver(client, *server, request);
                }
            }
            if model.requests[&request].deliveries.len() == delivered {
                next.push(model);
            }
        }
        let rule = "a request is delivered to every connected server, unless its buffer is full and it discards (RR-SND-01, \
                    RR-SND-05, RR-SND-07)";
        demand(!next.is_empty(), rule).map(|()| next)
    }

    fn deliver(&mut self, client: Key, server: Key, request: Key) {
        let queue = &mut self.pairs.get_mut(&(client, server)).unwrap().queue;
        if queue.len() == self.settings.max_active_requests {
            if !self.settings.overflow_requests {
                return;
            }
            let displaced = queue.pop_front().unwrap();
            queue.push_back(request);
            self.delivery(displaced, server).stage = Stage::Done;
        } else {
            queue.push_back(request);
        }
        let delivery = Delivery { stage: Stage::Unread, loans: 0, responses: VecDeque::new(), borrowed: 0, unheard: 0 };
        self.requests.get_mut(&request).unwrap().deliveries.insert(server, delivery);
    }

    fn hint(mut self, request: Key) -> Next {
        self.requests.get_mut(&request).unwrap().hinted = true;
        Ok(vec![self])
    }

    fn drop_pending(mut self, request: Key) -> Next {
        let request = self.requests.get_mut(&request).unwrap();
        request.pending = false;
        for delivery in request.deliveries.values_mut() {
            delivery.responses.clear();
        }
        Ok(vec![self])
    }

    /// Takes what nobody waits for from the front, where that is not received (RR-FNF-02).
    fn skip(&mut self, client: Key, server: Key) {
        while let Some(request) = self.unwanted_front(client, server) {
            self.pairs.get_mut(&(client, server)).unwrap().queue.pop_front();
            self.delivery(request, server).stage = Stage::Done;
        }
    }

    fn unwanted_front(&self, client: Key, server: Key) -> Option<Key> {
        let front = self.pairs[&(client, server)].queue.front().copied();
        front.filter(|request| !self.settings.fire_and_forget && !self.requests[request].pending)
    }

    /// The oldest request of a client that is not skipped.
    fn wanted_front(&self, client: Key, server: Key) -> Option<Key> {
        let wanted = |request: &&Key| self.settings.fire_and_forget || self.requests[request].pending;
        self.pairs[&(client, server)].queue.iter().find(wanted).copied()
    }

    fn clients_of(&self, server: Key) -> Vec<Key> {
        self.pairs.keys().filter(|(_, s)| *s == server).map(|(client, _)| *client).collect()
    }

    /// Every way in which a server may have looked at some clients and skipped what nobody waits for.
    fn skipped(self, server: Key, clients: Vec<Key>, surely: bool) -> Vec<Model> {
        let mut models = vec![self];
        for client in clients {
            for i in 0..models.len() {
                if models[i].unwanted_front(client, server).is_some() {
                    if !surely {
                        models.push(models[i].clone());
                    }
                    models[i].skip(client, server);
                }
            }
        }
        models
    }

    fn has_requests(self, server: Key, result: bool) -> Next {
        let any = self.clients_of(server).iter().any(|client| self.wanted_front(*client, server).is_some());
        let rule = "has_requests says whether a request waits that a receive would return (RR-FNF-02, RR-FNF-04)";
        let clients = self.clients_of(server);
        demand(result == any, rule).map(|()| self.skipped(server, clients, !result))
    }

    /// Active requests that a server holds of a client, and those that are only kept by their loaned responses.
    fn held(&self, client: Key, server: Key) -> (usize, usize) {
        let of = self.requests.values().filter(|request| request.client == client);
        let deliveries: Vec<_> = of.filter_map(|request| request.deliveries.get(&server)).collect();
        let held = deliveries.iter().filter(|delivery| delivery.stage == Stage::Held).count();
        (held, deliveries.iter().filter(|delivery| delivery.stage != Stage::Held && delivery.loans > 0).count())
    }

    fn receive(mut self, server: Key, result: &Result<Option<Key>, ReceiveError>) -> Next {
        let max = self.settings.max_active_requests;
        let (mut ready, mut surely_ready, mut waits) = (Vec::new(), Vec::new(), false);
        let clients = self.clients_of(server);
        for client in clients.iter().copied() {
            if self.wanted_front(client, server).is_some() {
                let (held, kept) = self.held(client, server);
                waits = true;
                if held < max {
                    ready.push(client);
                }
                // Memory for responses that outlive their active request is bounded by its place, which they may keep.
                if held + kept < max {
                    surely_ready.push(client);
                }
            }
        }
        match *result {
            Ok(None) => {
                demand(!waits, "a request that waits is received (RR-SND-01, RR-FNF-01)")?;
                Ok(self.skipped(server, clients, true))
            }
            Err(error) => {
                let full = waits && surely_ready.is_empty() && error == ReceiveError::ExceedsMaxBorrows { max };
                demand(full, "a server holds max_active_requests active requests of every client (RR-SND-04)")?;
                Ok(self.skipped(server, clients, true))
            }
            Ok(Some(request)) => {
                let client = self.requests.get(&request).ok_or("only what was sent is received (RR-SND-11)")?.client;
                let next = self.pairs.get(&(client, server)).and_then(|_| self.wanted_front(client, server));
                demand(
                    next == Some(request),
                    "requests arrive in order, none twice (RR-SND-11, RR-SND-02, RR-FNF-02)",
                )?;
                demand(ready.contains(&client), "a server holds at most max_active_requests of a client (RR-SND-04)")?;
                for ((other, _), pair) in self.pairs.iter_mut().filter(|((_, s), _)| *s == server) {
                    if *other == client || !surely_ready.contains(other) {
                        pair.passed_by.clear();
                    } else {
                        let times = pair.passed_by.entry(client).or_insert(0);
                        *times += 1;
                        let rule = "no client that has a request ready is passed over twice by another (RR-SND-12)";
                        demand(*times < 2, rule)?;
                    }
                }
                self.skip(client, server);
                self.pairs.get_mut(&(client, server)).unwrap().queue.pop_front();
                self.delivery(request, server).stage = Stage::Held;
                // What is behind it has not been looked at.
                let others = clients.into_iter().filter(|other| *other != client).collect();
                Ok(self.skipped(server, others, false))
            }
        }
    }

    fn drop_active(mut self, request: Key, server: Key) -> Next {
        self.delivery(request, server).stage = Stage::Done;
        Ok(vec![self])
    }

    fn loan_response(mut self, request: Key, server: Key, response: Key, result: &Result<(), LoanError>) -> Next {
        let max = self.servers[&server].loans_max;
        let full = self.requests[&request].deliveries[&server].loans >= max;
        match *result {
            Ok(()) => {
                demand(!full, "an active request holds at most its maximum of loaned responses (RR-LOAN-02)")?;
                self.delivery(request, server).loans += 1;
                self.responses.insert(response, Response { request, server });
            }
            Err(LoanError::ExceedsMaxLoans { max: told }) => {
                demand(full && told == max, "a loan below the request's own limit succeeds (RR-LOAN-02)")?;
            }
            Err(_) => {
                let more = self.clients_still_there(server) > self.settings.max_clients;
                demand(more, "no loan fails for want of memory (RR-PRT-07)")?;
            }
        }
        Ok(vec![self])
    }

    fn drop_response_loan(mut self, response: Key) -> Next {
        let Response { request, server } = self.responses.remove(&response).unwrap();
        self.delivery(request, server).loans -= 1;
        Ok(vec![self])
    }

    fn send_response(mut self, response: Key, result: &Result<(), SendError>) -> Next {
        demand(result.is_ok(), "sending a response succeeds, even if nobody listens (RR-PND-06)")?;
        let Response { request, server } = self.responses[&response].clone();
        let Settings { response_buffer, overflow_responses, .. } = self.settings;
        let pending = self.requests[&request].pending;
        let delivery = self.delivery(request, server);
        delivery.loans -= 1;
        if !pending {
            delivery.unheard += 1;
        } else if delivery.stage == Stage::Held {
            // After the active request was dropped, no more responses come from it (RR-ACT-05).
            if delivery.responses.len() == response_buffer && overflow_responses {
                delivery.responses.pop_front();
            }
            if delivery.responses.len() < response_buffer {
                delivery.responses.push_back(response);
            }
        }
        Ok(vec![self])
    }

    fn receive_response(mut self, request: Key, result: &Result<Option<Key>, ReceiveError>) -> Next {
        let max = self.settings.max_borrowed_responses;
        let client = self.requests[&request].client;
        let mut waiting = Vec::new();
        for (server, delivery) in &self.requests[&request].deliveries {
            if let Some(response) = delivery.responses.front() {
                let kept = self.kept_responses(client, *server);
                waiting.push((*response, delivery.borrowed < max, delivery.borrowed + kept >= max));
            }
        }
        match *result {
            Ok(None) => demand(waiting.is_empty(), "a response that waits is received (RR-PND-01, RR-PND-03)")?,
            Err(error) => {
                let full = !waiting.is_empty() && waiting.iter().all(|(_, _, may_be_full)| *may_be_full);
                let told = error == ReceiveError::ExceedsMaxBorrows { max };
                demand(full && told, "receiving fails only when max_borrowed_responses are held (RR-PND-02)")?;
            }
            Ok(Some(response)) => {
                let found = waiting.iter().find(|(front, ..)| *front == response);
                let rule = "responses come to their own request, in order, the newest or the oldest that fit, none twice \
                            (RR-PND-01, RR-PND-03, RR-SND-11, RR-ACT-03)";
                let (_, room, _) = found.ok_or(rule)?;
                demand(*room, "a pending response holds at most max_borrowed_responses of a server (RR-PND-02)")?;
                let server = self.responses[&response].server;
                let delivery = self.delivery(request, server);
                delivery.responses.pop_front();
                delivery.borrowed += 1;
            }
        }
        Ok(vec![self])
    }

    fn drop_response(mut self, response: Key) -> Next {
        let Response { request, server } = self.responses.remove(&response).unwrap();
        self.delivery(request, server).borrowed -= 1;
        Ok(vec![self])
    }

    /// Responses of a server that are held beyond their pending responses; they may count against a later one.
    fn kept_responses(&self, client: Key, server: Key) -> usize {
        let gone = self.requests.values().filter(|request| request.client == client && !request.pending);
        gone.filter_map(|request| request.deliveries.get(&server)).map(|delivery| delivery.borrowed).sum()
    }
}
