//! Single operations on real ports, and what they are found to hold.

use super::event::{Event, Key};
use super::operation::{Operation, Step};
use super::system::{StepResult, SystemUnderTest, Written, nth};
use super::{Ports, Refused};

/// Which request and which response a response is, in its user header.
pub fn both(request: Key, response: Key) -> u64 {
    (request as u64) << 32 | response as u64
}

pub fn contents(message: Key, len: usize) -> Vec<u64> {
    (0..len).map(|i| (message * 100_000 + i) as u64).collect()
}

impl<P: Ports> SystemUnderTest<P> {
    pub fn single(&mut self, Step { operation, pick, size }: Step) -> Result<Option<Event>, String> {
        use Operation as O;
        let event = match operation {
            O::CreateClient => Some(self.create_client(pick)),
            O::CreateServer => Some(self.create_server(pick)),
            O::DropClient => nth(&self.clients, pick).map(|client| self.drop_client(client)),
            O::DropServer => nth(&self.servers, pick).map(|server| self.drop_server(server)),
            O::Loan => nth(&self.clients, pick).map(|client| self.loan(client, size)),
            O::DropLoan => nth(&self.loans, pick).map(|request| self.drop_loan(request)),
            O::Send => nth(&self.loans, pick).map(|request| self.send(request)),
            O::Hint => nth(&self.pendings, pick).map(|request| {
                self.ports.set_disconnect_hint(&self.pendings[&request]);
                Event::Hint { request }
            }),
            O::DropPending => nth(&self.pendings, pick).map(|request| self.drop_pending(request)),
            O::HasRequests => nth(&self.servers, pick).map(|server| {
                let result = self.ports.has_requests(&self.servers[&server]);
                Event::HasRequests { server, result }
            }),
            O::Receive => nth(&self.servers, pick).map(|server| self.receive(server)).transpose()?,
            O::DropActive => nth(&self.actives, pick).map(|key| self.drop_active(key)),
            O::LoanResponse => nth(&self.actives, pick).map(|key| self.loan_response(key, size)),
            O::DropResponseLoan => nth(&self.response_loans, pick).map(|key| self.drop_response_loan(key)),
            O::SendResponse => nth(&self.response_loans, pick).map(|response| self.send_response(response)),
            O::HasResponse => nth(&self.pendings, pick).map(|request| {
                let result = self.ports.has_response(&self.pendings[&request]);
                Event::HasResponse { request, result }
            }),
            O::ReceiveResponse => nth(&self.pendings, pick).map(|key| self.receive_response(key)).transpose()?,
            O::DropResponse => nth(&self.responses, pick).map(|response| {
                self.responses.remove(&response);
                Event::DropResponse { response }
            }),
            O::Request
            | O::Answer
            | O::SendMeanwhile
            | O::SendResponseMeanwhile
            | O::Peeked
            | O::Chunks
            | O::Crowd
            | O::Drain
            | O::Leave
            | O::Shortage => None,
        };
        Ok(event)
    }

    pub fn drop_client(&mut self, client: Key) -> Event {
        self.clients.remove(&client);
        Event::DropClient { client }
    }

    pub fn drop_server(&mut self, server: Key) -> Event {
        self.servers.remove(&server);
        Event::DropServer { server }
    }

    pub fn loan(&mut self, client: Key, size: u8) -> Event {
        let (request, len) = (self.number(), Self::len(size));
        self.written.insert(request, Written { sender: client, len });
        let loaned = self.ports.loan(&self.clients[&client], request as u64, &contents(request, len));
        let result = loaned.map(|loan| {
            self.loans.insert(request, loan);
        });
        Event::Loan { client, request, len, result }
    }

    pub fn drop_loan(&mut self, request: Key) -> Event {
        self.loans.remove(&request);
        Event::DropLoan { request }
    }

    pub fn send(&mut self, request: Key) -> Event {
        let loan = self.loans.remove(&request).unwrap();
        let result = self.ports.send(loan).map(|(pending, delivered)| {
            self.pendings.insert(request, pending);
            delivered
        });
        Event::Send { request, result }
    }

    pub fn drop_pending(&mut self, request: Key) -> Event {
        self.pendings.remove(&request);
        Event::DropPending { request }
    }

    pub fn receive(&mut self, server: Key) -> Result<Event, String> {
        let received = self.ports.receive(&self.servers[&server]);
        self.received(server, received)
    }

    /// What a server has received.
    pub fn received(&mut self, server: Key, received: Result<Option<P::Active>, Refused>) -> Result<Event, String> {
        let result = match received {
            Ok(Some(active)) => {
                let request = self.ports.request(&active).header as Key;
                self.actives.insert((request, server), active);
                self.inspect_active(request, server)?;
                Ok(Some(request))
            }
            other => other.map(|_| None),
        };
        Ok(Event::Receive { server, result })
    }

    pub fn drop_active(&mut self, (request, server): (Key, Key)) -> Event {
        self.actives.remove(&(request, server));
        Event::DropActive { request, server }
    }

    pub fn loan_response(&mut self, (request, server): (Key, Key), size: u8) -> Event {
        let (response, len) = (self.number(), Self::len(size));
        self.written.insert(response, Written { sender: server, len });
        let active = &self.actives[&(request, server)];
        let header = both(request, response);
        let result = self.ports.loan_response(active, header, &contents(response, len)).map(|loan| {
            self.response_loans.insert(response, loan);
        });
        Event::LoanResponse { request, server, response, len, result }
    }

    pub fn drop_response_loan(&mut self, response: Key) -> Event {
        self.response_loans.remove(&response);
        Event::DropResponseLoan { response }
    }

    pub fn send_response(&mut self, response: Key) -> Event {
        let loan = self.response_loans.remove(&response).unwrap();
        Event::SendResponse { response, result: self.ports.send_response(loan) }
    }

    fn receive_response(&mut self, request: Key) -> Result<Event, String> {
        let received = self.ports.receive_response(&self.pendings[&request]);
        self.received_response(request, received)
    }

    /// What a pending response has received.
    pub fn received_response(
        &mut self,
        request: Key,
        received: Result<Option<P::Response>, Refused>,
    ) -> Result<Event, String> {
        let result = match received {
            Ok(Some(response)) => {
                let header = self.ports.response(&response).header;
                let (of, number) = ((header >> 32) as Key, (header & 0xffff_ffff) as Key);
                if of != request {
                    return Err(format!("pending {request} received a response to {of}"));
                }
                self.responses.insert(number, response);
                self.inspect_response(number)?;
                Ok(Some(number))
            }
            other => other.map(|_| None),
        };
        Ok(Event::ReceiveResponse { request, result })
    }

    /// What is held reads as it was written, and says who sent it (RR-TYP-05, RR-ACT-04, RR-PND-08, RR-PRT-02).
    fn inspect_active(&self, request: Key, server: Key) -> Result<(), String> {
        let got = self.ports.request(&self.actives[&(request, server)]);
        let what = format!("active {request} at s{server}");
        self.inspect(&what, request, (&got.payload, got.client), got.header == request as u64)
    }

    fn inspect_response(&self, response: Key) -> Result<(), String> {
        let got = self.ports.response(&self.responses[&response]);
        let has_header = got.header & 0xffff_ffff == response as u64;
        self.inspect(&format!("response {response}"), response, (&got.payload, got.server), has_header)
    }

    fn inspect(&self, what: &str, message: Key, got: (&[u64], u128), has_header: bool) -> Result<(), String> {
        let Some(Written { sender, len }) = self.written.get(&message).copied() else {
            return Err(format!("{what} was never written"));
        };
        let expected = contents(message, len);
        if got.0 != expected || !has_header {
            let differs = expected.iter().zip(got.0).position(|(expected, got)| expected != got);
            let lens = format!("{} elements should be {len}", got.0.len());
            return Err(format!("{what} should be as it was written: {lens}, first difference at {differs:?}"));
        }
        if self.ids.get(&sender) != Some(&got.1) {
            return Err(format!("{what} has an unknown sender"));
        }
        Ok(())
    }

    /// Everything that is held, once more.
    pub fn look(&mut self) -> StepResult {
        self.actives.keys().try_for_each(|(request, server)| self.inspect_active(*request, *server))?;
        self.responses.keys().try_for_each(|response| self.inspect_response(*response))?;
        let mut events = Vec::new();
        for (request, pending) in &self.pendings {
            let result = self.ports.pending_is_connected(pending);
            events.push(Event::PendingIsConnected { request: *request, result });
        }
        for ((request, server), active) in &self.actives {
            let (request, server) = (*request, *server);
            events.push(Event::ActiveIsConnected { request, server, result: self.ports.active_is_connected(active) });
            events.push(Event::HasHint { request, server, result: self.ports.has_disconnect_hint(active) });
        }
        Ok(events)
    }
}
