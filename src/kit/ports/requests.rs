//! Rules of a client: loaning and sending requests, hints, dropping pending responses.
#![allow(clippy::unnecessary_wraps, reason = "every operation has the same result, one that cannot fail too")]

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::Refused;

use super::event::Key;
use super::state::{Chunk, Client, Delivery, LEN_MAX, Loan, Model, Next, Request, Stage, demand};

impl Model {
    pub fn loan(mut self, client: Key, request: Key, len: usize, result: &Result<(), Refused>) -> Next {
        let max = self.settings.max_loaned_requests;
        let (full, long) = (self.clients[&client].loans >= max, !self.grows(client) && len > LEN_MAX);
        match *result {
            Ok(()) => {
                demand(!full, "a client holds at most max_loaned_requests loans (RR-LOAN-01)")?;
                demand(!long, "a loan beyond the segment's chunks is refused (RR-DYN-01)")?;
                self.clients.get_mut(&client).unwrap().loans += 1;
                self.loans.insert(request, Loan { client, len });
            }
            Err(Refused::TooManyLoans { max: told }) => {
                demand(full && told == max, "a loan below the limit succeeds (RR-LOAN-01)")?;
            }
            Err(Refused::TooLong { max: told }) => {
                demand(long && told == LEN_MAX, "a loan that fits succeeds (RR-DYN-01)")?;
            }
            Err(_) => demand(
                !self.grows(client) && self.servers_still_there(client) > self.settings.max_servers,
                "no loan fails for want of memory (RR-PRT-07)",
            )?,
        }
        Ok(vec![self])
    }

    pub fn drop_loan(mut self, request: Key) -> Next {
        let Loan { client, .. } = self.loans.remove(&request).unwrap();
        self.clients.get_mut(&client).unwrap().loans -= 1;
        Ok(vec![self])
    }

    pub fn send(mut self, request: Key, result: &Result<usize, Refused>) -> Next {
        let Loan { client, len } = self.loans.remove(&request).unwrap();
        let leaves_no_chunk = self.traits.requests_without_chunk.contains(&len);
        let held = self.requests.values().filter(|request| request.client == client && request.pending).count();
        let Client { registered, active_max: max, .. } = self.clients[&client];
        self.clients.get_mut(&client).unwrap().loans -= 1;
        let delivered = match *result {
            Ok(delivered) => delivered,
            Err(error) => {
                let refused = held >= max && error == Refused::TooManyActiveRequests { max };
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
                    model.deliver(client, *server, request, leaves_no_chunk);
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

    fn deliver(&mut self, client: Key, server: Key, request: Key, leaves_no_chunk: bool) {
        let queue = &mut self.pairs.get_mut(&(client, server)).unwrap().queue;
        let is_full = queue.len() == self.settings.max_active_requests;
        if is_full {
            if !self.settings.overflow_requests {
                return;
            }
            let displaced = queue.pop_front().unwrap();
            queue.push_back(request);
            self.delivery(displaced, server).stage = Stage::Done;
        } else {
            queue.push_back(request);
        }
        let delivery = Delivery {
            stage: Stage::Unread,
            chunk: Chunk::of(leaves_no_chunk, is_full),
            loans: 0,
            responses: VecDeque::new(),
            borrowed: BTreeSet::new(),
            unheard: 0,
        };
        self.requests.get_mut(&request).unwrap().deliveries.insert(server, delivery);
    }

    pub fn hint(mut self, request: Key) -> Next {
        self.requests.get_mut(&request).unwrap().hinted = true;
        Ok(vec![self])
    }

    pub fn drop_pending(mut self, request: Key) -> Next {
        let request = self.requests.get_mut(&request).unwrap();
        request.pending = false;
        for delivery in request.deliveries.values_mut() {
            delivery.responses.clear();
        }
        Ok(vec![self])
    }
}
