//! Rules of a server that receives: order, what is skipped, whose turn it is, how much it holds.

use std::collections::BTreeMap;

use super::{PortSettings, Refused};

use super::event::Key;
use super::state::{Model, Next, Pair, Stage, demand};

type Held = BTreeMap<Key, (usize, usize)>;

/// Whether a server surely has room for one more active request of a client: memory for responses that outlive theirs is
/// bounded by its place, which they may keep.
fn has_room(held: &Held, client: Key, max: usize) -> bool {
    held.get(&client).is_none_or(|(active, kept)| active + kept < max)
}

impl Model {
    fn is_wanted(&self, request: Key) -> bool {
        self.settings.fire_and_forget || self.requests[&request].pending
    }

    /// Where the oldest request of a client is that has to be received, and the oldest that can be.
    fn wanted(&self, pair: &Pair) -> (Option<usize>, Option<usize>) {
        let from = |start: usize| (start..pair.queue.len()).find(|i| self.is_wanted(pair.queue[*i]));
        (from(pair.maybe), from(0))
    }

    fn pairs_of(&self, server: Key) -> impl Iterator<Item = (Key, &Pair)> {
        self.pairs.iter().filter(move |((_, s), _)| *s == server).map(|((client, _), pair)| (*client, pair))
    }

    /// Takes so many from the front.
    pub fn take_front(&mut self, client: Key, server: Key, count: usize) {
        let pair = self.pairs.get_mut(&(client, server)).unwrap();
        pair.maybe = pair.maybe.saturating_sub(count);
        let taken: Vec<_> = pair.queue.drain(..count).collect();
        for request in taken {
            self.delivery(request, server).stage = Stage::Done;
        }
    }

    /// The server has looked at these clients, or may have: what nobody waits for it has skipped (RR-FNF-02).
    fn skip(&mut self, server: Key, surely: bool, but: Option<Key>) {
        if self.settings.fire_and_forget {
            return;
        }
        let unwanted = |pair: &Pair| pair.queue.iter().take_while(|request| !self.is_wanted(**request)).count();
        let fronts: Vec<_> = self.pairs_of(server).map(|(client, pair)| (client, unwanted(pair))).collect();
        for (client, count) in fronts.into_iter().filter(|(client, count)| *count > 0 && Some(*client) != but) {
            if surely {
                self.take_front(client, server, count);
            } else {
                let pair = self.pairs.get_mut(&(client, server)).unwrap();
                pair.maybe = pair.maybe.max(count);
            }
        }
    }

    /// The server has found nothing: what may have been given up was.
    fn nothing_is_there(&mut self, server: Key) {
        let counts: Vec<_> = self.pairs_of(server).map(|(client, pair)| (client, pair.queue.len())).collect();
        for (client, count) in counts {
            self.take_front(client, server, count);
        }
    }

    pub fn has_requests(mut self, server: Key, result: bool) -> Next {
        let (mut surely, mut perhaps) = (false, false);
        for (_, pair) in self.pairs_of(server) {
            let (sure, possible) = self.wanted(pair);
            surely |= sure.is_some();
            perhaps |= possible.is_some();
        }
        let rule = "has_requests says whether a request waits that a receive would return (RR-FNF-02, RR-FNF-04)";
        demand(if result { perhaps } else { !surely || self.short }, rule)?;
        if result || self.short {
            self.skip(server, false, None);
        } else {
            self.nothing_is_there(server);
        }
        Ok(vec![self])
    }

    /// For each client, active requests that a server holds of it, and those that are only kept by their loaned responses.
    fn held(&self, server: Key) -> Held {
        let mut held = Held::new();
        for request in self.requests.values() {
            let Some(delivery) = request.deliveries.get(&server).filter(|delivery| delivery.is_at_server()) else {
                continue;
            };
            let (active, kept) = held.entry(request.client).or_default();
            *(if delivery.stage == Stage::Held { active } else { kept }) += 1;
        }
        held
    }

    pub fn receive(mut self, server: Key, result: &Result<Option<Key>, Refused>) -> Next {
        match *result {
            // It is not lost: what cannot be mapped now is received later (RR-BAD-04).
            Err(Refused::Shortage) if self.was_short => self.skip(server, false, None),
            Ok(None) if self.short => self.skip(server, false, None),
            Ok(None) => {
                let waits = self.pairs_of(server).any(|(_, pair)| self.wanted(pair).0.is_some());
                demand(!waits, "a request that waits is received (RR-SND-01, RR-FNF-01)")?;
                self.nothing_is_there(server);
            }
            Err(error) => {
                let max = self.settings.max_active_requests;
                let waiting = self.pairs_of(server).map(|(client, pair)| (client, self.wanted(pair)));
                let waiting: Vec<_> = waiting.filter(|(_, (_, possible))| possible.is_some()).collect();
                let held = self.held(server);
                let none_has_room =
                    waiting.iter().all(|(client, (sure, _))| sure.is_none() || !has_room(&held, *client, max));
                // Whom it cannot attach now it cannot serve either.
                let none_has_room = none_has_room || self.short;
                let full = !waiting.is_empty() && none_has_room && error == Refused::TooManyHeld { max };
                demand(full, "a server holds max_active_requests active requests of every client (RR-SND-04)")?;
                self.skip(server, true, None);
            }
            Ok(Some(request)) => self.receive_this(server, request)?,
        }
        Ok(vec![self])
    }

    fn receive_this(&mut self, server: Key, request: Key) -> Result<(), String> {
        let max = self.settings.max_active_requests;
        let client = self.requests.get(&request).ok_or("only what was sent is received (RR-SND-11)")?.client;
        let arrives = self.pairs.get(&(client, server)).and_then(|pair| {
            let at = pair.queue.iter().position(|queued| *queued == request)?;
            let (sure, _) = self.wanted(pair);
            (self.is_wanted(request) && sure.is_none_or(|first| at <= first)).then_some(at)
        });
        let at = arrives.ok_or("requests arrive in order, none twice (RR-SND-11, RR-SND-02, RR-FNF-02)")?;
        let held = self.held(server);
        let active = held.get(&client).map_or(0, |(active, _)| *active);
        demand(active < max, "a server holds at most max_active_requests of a client (RR-SND-04)")?;
        self.check_turn(client, server, &held)?;
        self.take_front(client, server, at + 1);
        self.delivery(request, server).stage = Stage::Held;
        // What is behind it has not been looked at.
        self.skip(server, false, Some(client));
        Ok(())
    }

    /// Nobody who could be served is passed over twice by another client (RR-SND-12), and those that have left are served
    /// in the order in which they left.
    fn check_turn(&mut self, client: Key, server: Key, held: &Held) -> Result<(), String> {
        let max = self.settings.max_active_requests;
        let (left, gone) = (self.clients[&client].left, self.clients[&client].gone);
        let others: Vec<_> = self.pairs_of(server).map(|(client, _)| client).collect();
        // Where nothing may be given up, a server that has as many departed clients as may wait need not take in another one,
        // who would be one more if it left as well.
        let PortSettings { overflow_requests, max_departed_clients, .. } = self.settings;
        let is_crowded = !overflow_requests && self.departed_of(server).len() >= max_departed_clients;
        for other in others {
            let pair = &self.pairs[&(other, server)];
            let is_ready = other != client && self.wanted(pair).0.is_some() && has_room(held, other, max);
            if let (true, Some(left), Some(gone)) = (is_ready && !self.short, left, gone) {
                let Self { clients, .. } = &*self;
                let earlier =
                    clients[&other].left.is_some_and(|l| l < left) && clients[&other].gone.is_some_and(|g| g < gone);
                demand(
                    !earlier || !self.traits.departed_in_order,
                    "clients that have left are served in the order in which they left (RR-FNF-01)",
                )?;
            }
            let counts = is_ready && !is_crowded && !self.short && left.is_none() && self.clients[&other].registered;
            let pair = self.pairs.get_mut(&(other, server)).unwrap();
            if counts {
                let times = pair.passed_by.entry(client).or_insert(0);
                *times += 1;
                demand(*times < 2, "no client that has a request ready is passed over twice by another (RR-SND-12)")?;
            } else if !is_ready {
                pair.passed_by.clear();
            }
        }
        Ok(())
    }
}
