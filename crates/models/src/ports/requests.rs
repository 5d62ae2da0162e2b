//! Rules of a client: loaning and sending requests, hints, dropping pending responses.
#![allow(clippy::unnecessary_wraps, reason = "every operation has the same result, one that cannot fail too")]

use std::collections::BTreeMap;

use super::event::Key;
use super::port::ENOUGH;
use super::state::{Client, Delivery, Loan, Model, Next, Request, Stage, demand};
use super::traits::Chunk;
use super::{Refused, Sizing};
use crate::segment::Growth;

/// Rules of a loan, of a request and of a response alike.
pub struct Loaning {
    pub sizing: Sizing,
    pub len: usize,
    /// Whether as many are loaned as can be, and how many that is.
    pub full: bool,
    pub max: usize,
    /// Chunks in use, at least and at most.
    pub in_use: (usize, usize),
    /// Whether there are more receivers that may have something than a segment of full size is made for.
    pub crowded: bool,
    pub limit_rule: &'static str,
    pub short: bool,
}

impl Loaning {
    pub fn check(&self, result: &Result<(), Refused>) -> Result<(), String> {
        let Self { sizing: Sizing { growth, len_initial, preallocate }, len, full, max, .. } = *self;
        let fixed = growth == Growth::Static;
        let long = fixed && len > len_initial;
        match *result {
            Ok(()) => {
                demand(!full, self.limit_rule)?;
                demand(!long, "a loan beyond the segment's chunks is refused (RR-DYN-01)")?;
                let is_room = !fixed || preallocate.is_none_or(|messages| self.in_use.0 < messages);
                demand(is_room, "a chunk that is loaned, unread or held is not given out again (RR-LOAN-05)")
            }
            Err(Refused::TooManyLoans { max: told }) => demand(full && told == max, self.limit_rule),
            Err(Refused::Shortage) => demand(self.short && !fixed, ENOUGH),
            Err(Refused::TooLong { max: told }) => {
                demand(long && told == len_initial, "a loan that fits succeeds (RR-DYN-01)")
            }
            Err(error) => {
                let few = preallocate.is_some_and(|messages| self.in_use.1 >= messages);
                let rule = "no loan fails for want of memory, unless less is preallocated and in use (RR-PRT-07, RR-PRT-08, \
                            RR-DYN-07)";
                demand(error == Refused::NoMemory && fixed && (few || self.crowded), rule)
            }
        }
    }
}

impl Model {
    pub fn loan(mut self, client: Key, request: Key, len: usize, result: &Result<(), Refused>) -> Next {
        let max = self.settings.max_loaned_requests;
        let Client { sizing, loans, .. } = self.clients[&client];
        let crowded = self.servers_still_there(client) > self.settings.max_servers;
        Loaning {
            sizing,
            len,
            full: loans >= max,
            max,
            in_use: self.client_in_use(client),
            crowded: crowded || sizing.preallocate.is_some() && self.has_met_a_dropped_server(client),
            limit_rule: "a client holds at most max_loaned_requests loans, and as many succeed (RR-LOAN-01)",
            short: self.short,
        }
        .check(result)?;
        if result.is_ok() {
            self.clients.get_mut(&client).unwrap().loans += 1;
            self.loans.insert(request, Loan { client, len });
        }
        Ok(vec![self])
    }

    pub fn drop_loan(mut self, request: Key) -> Next {
        let Loan { client, .. } = self.loans.remove(&request).unwrap();
        self.clients.get_mut(&client).unwrap().loans -= 1;
        self.note_departure(client);
        Ok(vec![self])
    }

    pub fn send(self, request: Key, result: &Result<usize, Refused>) -> Next {
        let mut next = Vec::new();
        let mut expected = String::new();
        for model in self.send_begins(request)? {
            match model.send_ends(request, result) {
                Ok(models) => next.extend(models),
                Err(rule) => expected = rule,
            }
        }
        if next.is_empty() { Err(expected) } else { Ok(next) }
    }

    /// Delivers a request to each server that has room.
    pub fn send_begins(mut self, request: Key) -> Next {
        let Loan { client, len } = self.loans.remove(&request).unwrap();
        let leaves_no_chunk = self.traits.requests_without_chunk.contains(&len);
        let held = self.requests.values().filter(|request| request.client == client && request.pending).count();
        self.clients.get_mut(&client).unwrap().loans -= 1;
        let servers: Vec<_> =
            self.pairs.keys().filter(|(c, s)| *c == client && self.servers[s].registered).map(|(_, s)| *s).collect();
        let refused = held >= self.clients[&client].active_max;
        let made = Request { client, pending: true, hinted: false, leaves_no_chunk, deliveries: BTreeMap::new() };
        self.requests.insert(request, made);
        if refused {
            self.full = None;
            return Ok(vec![self]);
        }
        let mut next = self.deliver_to(&servers, client, request);
        for model in &mut next {
            let has = &model.requests[&request].deliveries;
            model.full = Some(servers.iter().filter(|server| !has.contains_key(server)).copied().collect());
        }
        Ok(next)
    }

    /// The states that may be when some servers were tried.
    fn deliver_to(self, servers: &[Key], client: Key, request: Key) -> Vec<Self> {
        let may_miss = !self.clients[&client].registered || self.short;
        let mut next = vec![self];
        for server in servers {
            for i in 0..next.len() {
                // Whether a loan that outlived its client is heard by a server that the client never looked at is left open, and
                // so is whether those meet that cannot now.
                if may_miss {
                    next.push(next[i].clone());
                }
                // Without overflow it shows now whether what nobody waits for was skipped.
                let more = next[i].deliver(client, *server, request);
                next.extend(more);
            }
        }
        next
    }

    /// Tries those that had no room once more, and looks at the result.
    pub fn send_ends(mut self, request: Key, result: &Result<usize, Refused>) -> Next {
        let client = self.requests[&request].client;
        let max = self.clients[&client].active_max;
        let full = self.full.take();
        let delivered = match *result {
            Ok(delivered) => delivered,
            Err(error) => {
                let is_nowhere = self.requests[&request].deliveries.is_empty();
                let refused = (full.is_none() && error == Refused::TooManyActiveRequests { max })
                    || (self.was_short && is_nowhere && error == Refused::Shortage);
                let rule = "sending fails only when max_active_requests pending responses are held (RR-SND-03)";
                demand(refused, rule)?;
                self.requests.remove(&request);
                self.note_departure(client);
                return Ok(vec![self]);
            }
        };
        let full = full.ok_or("a client holds at most max_active_requests pending responses (RR-SND-03)")?;
        let short = self.short;
        let (there, left): (Vec<_>, Vec<_>) =
            full.into_iter().partition(|server| self.servers.get(server).is_some_and(|server| server.registered));
        let mut next = self.deliver_to(&there, client, request);
        for server in left {
            // It has left meanwhile, and refused what it had: it may be counted, and has nothing.
            for i in 0..next.len() {
                let mut counted = next[i].clone();
                let nothing = Delivery::new(Stage::Done, Chunk::Free);
                counted.requests.get_mut(&request).unwrap().deliveries.insert(server, nothing);
                next.push(counted);
            }
        }
        next.retain(|model| {
            let made = model.requests[&request].deliveries.len();
            // Nor can be seen then who has left.
            made == delivered || (short && made < delivered)
        });
        let rule = "a request is delivered to every connected server, unless its buffer is full and it discards (RR-SND-01, \
                    RR-SND-05, RR-SND-07)";
        demand(!next.is_empty(), rule)?;
        // What a client sends that has left already can be given up like what it sent before.
        for model in next.iter_mut().filter(|model| !model.clients[&client].registered) {
            model.note_excess();
        }
        Ok(next)
    }

    /// Delivers a request to one server; the other state that may be, if there is one.
    fn deliver(&mut self, client: Key, server: Key, request: Key) -> Option<Self> {
        let leaves_no_chunk = self.requests[&request].leaves_no_chunk;
        let pair = self.pairs.get_mut(&(client, server)).unwrap();
        let is_full = pair.queue.len() == self.settings.max_active_requests;
        let overflow = self.settings.overflow_requests;
        let mut other = None;
        if is_full && !overflow {
            if pair.maybe == 0 {
                return None;
            }
            let mut full = self.clone();
            full.pairs.get_mut(&(client, server)).unwrap().maybe = 0;
            other = Some(full);
        }
        let pair = self.pairs.get_mut(&(client, server)).unwrap();
        if is_full {
            let displaced = pair.queue.pop_front().unwrap();
            pair.maybe = pair.maybe.saturating_sub(1);
            self.delivery(displaced, server).stage = Stage::Done;
        }
        let pair = self.pairs.get_mut(&(client, server)).unwrap();
        let may_displace = is_full || !pair.queue.is_empty() && overflow && pair.maybe > 0;
        pair.queue.push_back(request);
        let delivery = Delivery::new(Stage::Unread, Chunk::of(leaves_no_chunk, may_displace));
        self.requests.get_mut(&request).unwrap().deliveries.insert(server, delivery);
        other
    }

    pub fn hint(mut self, request: Key) -> Next {
        self.requests.get_mut(&request).unwrap().hinted = true;
        Ok(vec![self])
    }

    pub fn pending_is_connected(mut self, request: Key, result: bool) -> Next {
        let Request { client, deliveries, .. } = &self.requests[&request];
        let client = *client;
        let (mut surely, mut unsure) = (false, Vec::new());
        for (server, delivery) in deliveries.iter().filter(|(_, delivery)| delivery.stage != Stage::Done) {
            let pair = &self.pairs[&(client, *server)];
            let at = pair.queue.iter().position(|queued| *queued == request);
            match at.filter(|at| delivery.stage == Stage::Unread && *at < pair.maybe) {
                Some(at) => unsure.push((*server, at)),
                None => surely = true,
            }
        }
        let rule = "a pending response is connected exactly as long as a server has its request, unread or held \
                    (RR-PND-04, RR-PND-05, RR-SND-01, RR-SND-06)";
        // That a server has left is not seen where nothing can be opened.
        demand(if result { surely || !unsure.is_empty() || self.short } else { !surely }, rule)?;
        if !result && !self.short {
            // They were given up, with all that is older.
            for (server, at) in unsure {
                self.take_front(client, server, at + 1);
            }
        }
        Ok(vec![self])
    }

    pub fn drop_pending(mut self, request: Key) -> Next {
        let Request { client, pending, deliveries, .. } = self.requests.get_mut(&request).unwrap();
        let client = *client;
        *pending = false;
        for delivery in deliveries.values_mut() {
            for response in delivery.responses.drain(..) {
                self.responses.remove(&response);
            }
        }
        self.note_departure(client);
        Ok(vec![self])
    }
}
