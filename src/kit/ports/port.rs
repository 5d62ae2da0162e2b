//! The model's clients and servers, and the chunks that they have in use.
#![allow(clippy::unnecessary_wraps, reason = "every operation has one shape, also one that is never refused")]

use super::Refused;

use super::event::Key;
use super::state::{Chunk, Client, Delivery, Model, Next, Pair, Server, Stage, demand};

impl Model {
    pub fn create_client(mut self, client: Key, active_max: Option<usize>, result: &Result<(), Refused>) -> Next {
        let (max_clients, has) = (self.settings.max_clients, self.settings.max_active_requests);
        let full = self.clients.values().filter(|client| client.registered).count() >= max_clients;
        let active_max = active_max.unwrap_or(has).max(1);
        match result {
            Ok(()) => {
                demand(!full, "no more than max_clients clients exist (RR-PRT-01)")?;
                demand(active_max <= has, "a client cannot have more active requests than the service (RR-PRT-04)")?;
                self.clients.insert(client, Client { registered: true, active_max, loans: 0 });
                for (server, _) in self.servers.iter().filter(|(_, server)| server.registered) {
                    self.pairs.insert((client, *server), Pair::default());
                }
            }
            Err(Refused::TooManyClients { max: told }) => {
                demand(full && *told == max_clients, "a client's place that was left can be taken (RR-PRT-01)")?;
            }
            Err(error) => {
                let refused = *error == Refused::TooManyActiveRequests { max: has };
                demand(active_max > has && refused, "a client below the limits is created (RR-PRT-01)")?;
            }
        }
        Ok(vec![self])
    }

    pub fn drop_client(mut self, client: Key) -> Next {
        self.clients.get_mut(&client).unwrap().registered = false;
        Ok(vec![self])
    }

    pub fn create_server(mut self, server: Key, loans_max: usize, result: &Result<(), Refused>) -> Next {
        let max_servers = self.settings.max_servers;
        let full = self.servers.values().filter(|server| server.registered).count() >= max_servers;
        match result {
            Ok(()) => {
                demand(!full, "no more than max_servers servers exist (RR-PRT-01)")?;
                self.servers.insert(server, Server { registered: true, loans_max });
                for (client, _) in self.clients.iter().filter(|(_, client)| client.registered) {
                    self.pairs.insert((*client, server), Pair::default());
                }
            }
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
        for ((_, s), pair) in &mut self.pairs {
            if *s == server {
                pair.queue.clear();
            }
        }
        for delivery in self.requests.values_mut().filter_map(|request| request.deliveries.get_mut(&server)) {
            if delivery.stage == Stage::Unread {
                delivery.stage = Stage::Done;
            }
        }
        Ok(vec![self])
    }

    /// Servers that may have memory of a client: those that exist, and dropped ones of which something is still held.
    pub fn servers_still_there(&self, client: Key) -> usize {
        let holds = |server: Key| {
            self.requests
                .values()
                .filter_map(|request| request.deliveries.get(&server))
                .any(|delivery| delivery.stage == Stage::Held || delivery.loans > 0)
        };
        let met = self.pairs.keys().filter(|(c, _)| *c == client).map(|(_, server)| *server);
        met.filter(|server| self.servers[server].registered || holds(*server)).count()
    }

    /// As [`Self::servers_still_there`], for a server.
    pub fn clients_still_there(&self, server: Key) -> usize {
        let holds = |client: Key| {
            self.clients[&client].loans > 0
                || self.requests.values().any(|request| {
                    let borrowed = request.deliveries.values().any(|delivery| !delivery.borrowed.is_empty());
                    request.client == client && (request.pending || borrowed)
                })
        };
        let met = self.pairs.keys().filter(|(_, s)| *s == server).map(|(client, _)| *client);
        met.filter(|client| self.clients[client].registered || holds(*client)).count()
    }

    pub fn client_chunks(self, client: Key, result: usize) -> Next {
        let of = || self.requests.values().filter(|request| request.client == client);
        let in_chunks = |may_be: &dyn Fn(Chunk) -> bool| {
            let keeps = |delivery: &Delivery| delivery.stage != Stage::Done && may_be(delivery.chunk);
            let at_servers = of().filter(|request| request.deliveries.values().any(keeps)).count();
            self.clients[&client].loans + at_servers
        };
        let (least, most) = (in_chunks(&|chunk| chunk == Chunk::Kept), in_chunks(&|chunk| chunk != Chunk::Free));
        demand(result >= least, "a chunk that is loaned, unread or held is not free (RR-LOAN-05)")?;
        // Unread requests of a dropped server come back when all that it still holds is gone.
        let dropped = self.pairs.keys().any(|(c, server)| *c == client && !self.servers[server].registered);
        demand(result <= most || dropped, "every chunk comes back (RR-RCL-01)").map(|()| vec![self])
    }

    pub fn server_chunks(self, server: Key, result: usize) -> Next {
        let deliveries = || self.requests.values().filter_map(|request| request.deliveries.get(&server));
        let in_chunks = |may_be: &dyn Fn(Chunk) -> bool| {
            let keeps = |response: &&Key| may_be(self.responses[*response].chunk);
            let of = |d: &Delivery| d.loans + d.responses.iter().chain(&d.borrowed).filter(keeps).count();
            deliveries().map(of).sum::<usize>()
        };
        let (least, most) = (in_chunks(&|chunk| chunk == Chunk::Kept), in_chunks(&|chunk| chunk != Chunk::Free));
        let unheard: usize = deliveries().map(|delivery| delivery.unheard).sum();
        demand(result >= least, "a chunk that is loaned, unread or held is not free (RR-LOAN-05)")?;
        demand(result <= most + unheard, "every chunk comes back (RR-RCL-01)").map(|()| vec![self])
    }
}
