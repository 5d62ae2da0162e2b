//! The model's clients and servers, and the chunks that they have in use.
#![allow(clippy::unnecessary_wraps, reason = "every operation has one shape, also one that is never refused")]

use super::event::Key;
use super::state::{Client, Delivery, Model, Next, Pair, Server, Stage, demand};
use super::traits::Chunk;
use super::{ClientShape, Refused, ServerShape};

pub const ENOUGH: &str = "nothing is refused for a shortage when there is none (RR-BAD-04)";

impl Model {
    pub fn create_client(mut self, client: Key, shape: &ClientShape, result: &Result<(), Refused>) -> Next {
        let (max_clients, has) = (self.settings.max_clients, self.settings.max_active_requests);
        let full = self.clients.values().filter(|client| client.registered).count() >= max_clients;
        let active_max = shape.max_active_requests.unwrap_or(has).max(1);
        match result {
            Ok(()) => {
                demand(!full, "no more than max_clients clients exist (RR-PRT-01)")?;
                demand(active_max <= has, "a client cannot have more active requests than the service (RR-PRT-04)")?;
                let sizing = shape.sizing;
                let made = Client { registered: true, active_max, sizing, loans: 0, left: None, gone: None };
                self.clients.insert(client, made);
                for (server, _) in self.servers.iter().filter(|(_, server)| server.registered) {
                    self.pairs.insert((client, *server), Pair::default());
                }
            }
            Err(Refused::Shortage) => demand(self.short, ENOUGH)?,
            Err(Refused::TooManyClients { max: told }) => {
                demand(full && *told == max_clients, "a client's place that was left can be taken (RR-PRT-01)")?;
            }
            Err(Refused::TooManyDeparted { max: told }) => {
                let max = self.settings.max_departed_clients;
                let refused = !self.settings.overflow_requests && *told == max;
                let most = self.servers.keys().map(|server| self.departed_of(*server).len()).max().unwrap_or(0);
                let rule = "a client is refused for those that left only without overflow of requests, and when a server has \
                            unread requests of as many as can be (RR-FNF-01)";
                demand(refused && most >= max, rule)?;
            }
            Err(error) => {
                let refused = *error == Refused::TooManyActiveRequests { max: has };
                demand(active_max > has && refused, "a client below the limits is created (RR-PRT-01)")?;
            }
        }
        Ok(vec![self])
    }

    /// Clients that have left and of which a server has something unread or may get something, in the order in which they
    /// left.
    pub fn departed_of(&self, server: Key) -> Vec<Key> {
        let of = self.pairs.iter().filter(|((_, s), _)| *s == server);
        let counts = of.filter(|((client, _), pair)| !pair.queue.is_empty() || self.clients[client].gone.is_none());
        let left = counts.filter_map(|((client, _), _)| Some((self.clients[client].left?, *client)));
        let mut left: Vec<_> = left.collect();
        left.sort_unstable();
        left.into_iter().map(|(_, client)| client).collect()
    }

    pub fn drop_client(mut self, client: Key) -> Next {
        self.departures += 1;
        let left = self.clients.get_mut(&client).unwrap();
        left.registered = false;
        left.left = Some(self.departures);
        self.note_departure(client);
        self.note_excess();
        Ok(vec![self])
    }

    /// Beyond the maximum of departed clients the oldest are given up, at once or later.
    pub fn note_excess(&mut self) {
        for server in self.servers.keys().copied().collect::<Vec<_>>() {
            let departed = self.departed_of(server);
            let mut more = departed.len().saturating_sub(self.settings.max_departed_clients);
            // Where it is not noted when each of them left, or could not be, it may be others.
            if more > 0 && (self.was_short || !self.traits.departed_in_order) {
                more = departed.len();
            }
            for client in departed.into_iter().take(more) {
                let pair = self.pairs.get_mut(&(client, server)).unwrap();
                pair.maybe = pair.queue.len();
            }
        }
    }

    /// Whether nothing is left of a client but what it sent.
    pub fn is_gone(&self, client: Key) -> bool {
        let Client { registered, loans, .. } = self.clients[&client];
        let holds = |request: &super::state::Request| {
            let borrowed = request.deliveries.values().any(|delivery| !delivery.borrowed.is_empty());
            request.client == client && (request.pending || borrowed)
        };
        !registered && loans == 0 && !self.requests.values().any(holds)
    }

    /// After something of a client was dropped.
    pub fn note_departure(&mut self, client: Key) {
        if self.clients[&client].registered || self.clients[&client].gone.is_some() || !self.is_gone(client) {
            return;
        }
        self.departures += 1;
        self.clients.get_mut(&client).unwrap().gone = Some(self.departures);
        if self.settings.fire_and_forget {
            return;
        }
        // Nobody can ask any more whether what nobody waits for was skipped (RR-FNF-02).
        for ((_, server), pair) in self.pairs.iter_mut().filter(|((c, _), _)| *c == client) {
            pair.maybe = 0;
            for request in std::mem::take(&mut pair.queue) {
                let delivery = self.requests.get_mut(&request).and_then(|r| r.deliveries.get_mut(server));
                delivery.unwrap().stage = Stage::Done;
            }
        }
    }

    pub fn create_server(mut self, server: Key, shape: &ServerShape, result: &Result<(), Refused>) -> Next {
        let max_servers = self.settings.max_servers;
        let full = self.servers.values().filter(|server| server.registered).count() >= max_servers;
        match result {
            Ok(()) => {
                demand(!full, "no more than max_servers servers exist (RR-PRT-01)")?;
                let (loans_max, sizing) = (shape.max_loaned_responses, shape.sizing);
                self.servers.insert(server, Server { registered: true, loans_max, sizing, unheard: 0 });
                for (client, _) in self.clients.iter().filter(|(_, client)| client.registered) {
                    self.pairs.insert((*client, server), Pair::default());
                }
            }
            Err(Refused::Shortage) => demand(self.short, ENOUGH)?,
            Err(error) => {
                let refused = *error == Refused::TooManyServers { max: max_servers };
                demand(full && refused, "a server's place that was left can be taken (RR-PRT-01)")?;
            }
        }
        Ok(vec![self])
    }

    pub fn drop_server(mut self, server: Key) -> Next {
        self.servers.get_mut(&server).unwrap().registered = false;
        // What it has not received it never will (RR-PND-05).
        for ((_, _), pair) in self.pairs.iter_mut().filter(|((_, s), _)| *s == server) {
            pair.queue.clear();
            pair.maybe = 0;
        }
        for delivery in self.requests.values_mut().filter_map(|request| request.deliveries.get_mut(&server)) {
            if delivery.stage == Stage::Unread {
                delivery.stage = Stage::Done;
            }
        }
        Ok(vec![self])
    }

    /// Whether a server may have memory: it exists, or something is still held of it.
    pub fn server_is_there(&self, server: Key) -> bool {
        let of = |request: &super::state::Request| request.deliveries.get(&server).is_some_and(Delivery::is_at_server);
        self.servers.get(&server).is_some_and(|server| server.registered) || self.requests.values().any(of)
    }

    /// Servers that may have memory of a client: those that exist, and dropped ones of which something is still held.
    pub fn servers_still_there(&self, client: Key) -> usize {
        self.pairs.keys().filter(|(c, server)| *c == client && self.server_is_there(*server)).count()
    }

    /// As [`Self::servers_still_there`], for a server.
    pub fn clients_still_there(&self, server: Key) -> usize {
        self.pairs.keys().filter(|(client, s)| *s == server && !self.is_gone(*client)).count()
    }

    /// Chunks that a client has in use, at least and at most.
    pub fn client_in_use(&self, client: Key) -> (usize, usize) {
        let (mut least, mut most) = (self.clients[&client].loans, self.clients[&client].loans);
        for (key, request) in self.requests.iter().filter(|(_, request)| request.client == client) {
            let kept = request.deliveries.iter().filter(|(_, delivery)| delivery.stage != Stage::Done);
            let (mut surely, mut perhaps) = (false, false);
            for (server, delivery) in kept {
                surely |= delivery.chunk == Chunk::Kept && !self.may_be_gone(client, *server, *key);
                perhaps |= delivery.chunk != Chunk::Free;
            }
            least += usize::from(surely);
            most += usize::from(perhaps);
        }
        (least, most)
    }

    /// Whether a request is unread, if it is not gone.
    fn may_be_gone(&self, client: Key, server: Key, request: Key) -> bool {
        let front = self.pairs.get(&(client, server)).map(|pair| pair.queue.iter().take(pair.maybe));
        front.is_some_and(|mut front| front.any(|queued| *queued == request))
    }

    /// Unread requests of a dropped server come back when all that it still holds is gone.
    pub fn has_met_a_dropped_server(&self, client: Key) -> bool {
        self.pairs.keys().any(|(c, server)| *c == client && !self.servers[server].registered)
    }

    pub fn client_chunks(self, client: Key, result: usize) -> Next {
        let (least, most) = self.client_in_use(client);
        demand(result >= least, "a chunk that is loaned, unread or held is not free (RR-LOAN-05)")?;
        let comes_back = result <= most || self.has_met_a_dropped_server(client);
        demand(comes_back, "every chunk comes back (RR-RCL-01)").map(|()| vec![self])
    }

    /// Chunks that a server has in use, at least and at most.
    pub fn server_in_use(&self, server: Key) -> (usize, usize) {
        let in_chunks = |may_be: &dyn Fn(Chunk) -> bool| {
            let keeps = |response: &&Key| may_be(self.responses[*response].chunk);
            let of = |d: &Delivery| d.loans + d.responses.iter().chain(&d.borrowed).filter(keeps).count();
            self.requests.values().filter_map(|request| request.deliveries.get(&server)).map(of).sum::<usize>()
        };
        let most = in_chunks(&|chunk| chunk != Chunk::Free) + self.servers[&server].unheard;
        (in_chunks(&|chunk| chunk == Chunk::Kept), most)
    }

    pub fn server_chunks(self, server: Key, result: usize) -> Next {
        let (least, most) = self.server_in_use(server);
        demand(result >= least, "a chunk that is loaned, unread or held is not free (RR-LOAN-05)")?;
        demand(result <= most, "every chunk comes back (RR-RCL-01)").map(|()| vec![self])
    }
}
