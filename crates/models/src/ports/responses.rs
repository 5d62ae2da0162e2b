//! Rules of responses: loaned and sent by active requests, received by pending responses.
#![allow(clippy::unnecessary_wraps, reason = "every operation has the same result, one that cannot fail too")]

use super::PortSettings;
use super::Refused;

use super::event::Key;
use super::requests::Loaning;
use super::state::{Model, Next, Response, Stage, demand};
use super::traits::Chunk;

impl Model {
    pub fn drop_active(mut self, request: Key, server: Key) -> Next {
        self.delivery(request, server).stage = Stage::Done;
        Ok(vec![self])
    }

    pub fn loan_response(
        mut self,
        (request, server): (Key, Key),
        response: Key,
        len: usize,
        result: &Result<(), Refused>,
    ) -> Next {
        let max = self.servers[&server].loans_max;
        Loaning {
            sizing: self.servers[&server].sizing,
            len,
            full: self.requests[&request].deliveries[&server].loans >= max,
            max,
            in_use: self.server_in_use(server),
            crowded: self.clients_still_there(server) > self.settings.max_clients,
            limit_rule: "an active request holds at most its maximum of loaned responses, and as many succeed (RR-LOAN-02)",
            short: self.short,
        }
        .check(result)?;
        if result.is_ok() {
            self.delivery(request, server).loans += 1;
            self.responses.insert(response, Response { request, server, len, chunk: Chunk::Kept });
        }
        Ok(vec![self])
    }

    pub fn drop_response_loan(mut self, response: Key) -> Next {
        let Response { request, server, .. } = self.responses.remove(&response).unwrap();
        self.delivery(request, server).loans -= 1;
        Ok(vec![self])
    }

    pub fn send_response(mut self, response: Key, result: &Result<(), Refused>) -> Next {
        demand(result.is_ok(), "sending a response succeeds, even if nobody listens (RR-PND-06)")?;
        let Response { request, server, len, .. } = self.responses.remove(&response).unwrap();
        let PortSettings { response_buffer, overflow_responses, .. } = self.settings;
        let pending = self.requests[&request].pending;
        let leaves_no_chunk = self.traits.responses_without_chunk.contains(&len);
        let delivery = self.delivery(request, server);
        delivery.loans -= 1;
        if !pending {
            self.servers.get_mut(&server).unwrap().unheard += 1;
            return Ok(vec![self]);
        }
        // After the active request was dropped, no more responses come from it (RR-ACT-05).
        if delivery.stage != Stage::Held {
            return Ok(vec![self]);
        }
        let is_full = delivery.responses.len() == response_buffer;
        if is_full && !overflow_responses {
            return Ok(vec![self]);
        }
        let displaced = if is_full { delivery.responses.pop_front() } else { None };
        delivery.responses.push_back(response);
        self.responses.insert(response, Response { request, server, len, chunk: Chunk::of(leaves_no_chunk, is_full) });
        if let Some(displaced) = displaced {
            self.responses.remove(&displaced);
        }
        Ok(vec![self])
    }

    pub fn receive_response(mut self, request: Key, result: &Result<Option<Key>, Refused>) -> Next {
        let max = self.settings.max_borrowed_responses;
        let client = self.requests[&request].client;
        let mut waiting = Vec::new();
        for (server, delivery) in &self.requests[&request].deliveries {
            if let Some(response) = delivery.responses.front() {
                let kept = self.kept_responses(client, *server);
                waiting.push((*response, delivery.borrowed.len() < max, delivery.borrowed.len() + kept >= max));
            }
        }
        match *result {
            Err(Refused::Shortage) if self.was_short => {}
            Ok(None) if self.short => {}
            Ok(None) => demand(waiting.is_empty(), "a response that waits is received (RR-PND-01, RR-PND-03)")?,
            Err(error) => {
                let full = !waiting.is_empty() && waiting.iter().all(|(_, _, may_be_full)| *may_be_full);
                let told = error == Refused::TooManyHeld { max };
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
                delivery.borrowed.insert(response);
            }
        }
        Ok(vec![self])
    }

    pub fn drop_response(mut self, response: Key) -> Next {
        let Response { request, server, .. } = self.responses.remove(&response).unwrap();
        self.delivery(request, server).borrowed.remove(&response);
        self.note_departure(self.requests[&request].client);
        Ok(vec![self])
    }

    /// Responses of a server that are held beyond their pending responses; they may count against a later one.
    fn kept_responses(&self, client: Key, server: Key) -> usize {
        let gone = self.requests.values().filter(|request| request.client == client && !request.pending);
        gone.filter_map(|request| request.deliveries.get(&server)).map(|delivery| delivery.borrowed.len()).sum()
    }
}
