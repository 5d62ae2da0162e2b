//! Rules of a server that receives: order, what is skipped, whose turn it is, how much it holds.

use super::Refused;

use super::event::Key;
use super::state::{Model, Next, Stage, demand};

impl Model {
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

    pub fn has_requests(self, server: Key, result: bool) -> Next {
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

    pub fn receive(mut self, server: Key, result: &Result<Option<Key>, Refused>) -> Next {
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
                let full = waits && surely_ready.is_empty() && error == Refused::TooManyHeld { max };
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
}
