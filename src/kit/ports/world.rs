//! The implementation's side of the model: real ports, and what is held of them.

use std::collections::BTreeMap;

use super::event::{Event, Key};
use super::operation::Operation;
use super::state::{LEN_MAX, growth};
use super::{ClientShape, PortSettings, Ports, ServerShape};
use crate::kit::segment::Growth;

pub struct World<P: Ports> {
    // Dropped in this order at the end, should a case end early.
    pub responses: BTreeMap<Key, P::Response>,
    pub response_loans: BTreeMap<Key, P::ResponseLoan>,
    pub pendings: BTreeMap<Key, P::Pending>,
    pub actives: BTreeMap<(Key, Key), P::Active>,
    pub loans: BTreeMap<Key, P::Loan>,
    pub clients: BTreeMap<Key, P::Client>,
    pub servers: BTreeMap<Key, P::Server>,
    pub ports: P,
    ids: BTreeMap<Key, u128>,
    settings: PortSettings,
    can_grow: bool,
    numbers: usize,
}

fn nth<K: Copy, V>(map: &BTreeMap<K, V>, pick: u8) -> Option<K> {
    map.keys().nth(pick as usize % map.len().max(1)).copied()
}

fn content(request: Key, i: usize) -> u64 {
    (request * 100 + i) as u64
}

/// At times longer than a segment that does not grow has room for.
fn len_of(request: Key) -> usize {
    if request % 13 == 12 { LEN_MAX + 1 + request } else { request % (LEN_MAX + 1) }
}

fn contents(request: Key) -> Vec<u64> {
    (0..len_of(request)).map(|i| content(request, i)).collect()
}

type Outcome = Result<Vec<Event>, String>;

impl<P: Ports> World<P> {
    pub fn new(ports: P, settings: PortSettings, can_grow: bool) -> Self {
        Self {
            responses: BTreeMap::new(),
            response_loans: BTreeMap::new(),
            pendings: BTreeMap::new(),
            actives: BTreeMap::new(),
            loans: BTreeMap::new(),
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            ports,
            ids: BTreeMap::new(),
            settings,
            can_grow,
            numbers: 0,
        }
    }

    fn number(&mut self) -> Key {
        self.numbers += 1;
        self.numbers
    }

    /// Carries out one operation on whatever `pick` picks; nothing if there is nothing to do it on.
    pub fn carry_out(&mut self, operation: Operation, pick: u8) -> Outcome {
        match operation {
            Operation::Request => {
                let mut events = self.single(Operation::Loan, pick)?;
                if let Some(Event::Loan { request, result: Ok(()), .. }) = events.first() {
                    events.push(self.send(*request));
                }
                Ok(events)
            }
            Operation::Answer => {
                let mut events = self.single(Operation::LoanResponse, pick)?;
                if let Some(Event::LoanResponse { response, result: Ok(()), .. }) = events.first() {
                    events.push(self.send_response(*response));
                }
                Ok(events)
            }
            Operation::Look => self.look(),
            other => self.single(other, pick),
        }
    }

    pub fn single(&mut self, operation: Operation, pick: u8) -> Outcome {
        let event = match operation {
            Operation::CreateClient => Some(self.create_client(pick)),
            Operation::CreateServer => Some(self.create_server(pick)),
            Operation::DropClient => nth(&self.clients, pick).map(|client| {
                self.clients.remove(&client);
                Event::DropClient { client }
            }),
            Operation::DropServer => nth(&self.servers, pick).map(|server| {
                self.servers.remove(&server);
                Event::DropServer { server }
            }),
            Operation::Loan => nth(&self.clients, pick).map(|client| self.loan(client)),
            Operation::DropLoan => nth(&self.loans, pick).map(|request| {
                self.loans.remove(&request);
                Event::DropLoan { request }
            }),
            Operation::Send => nth(&self.loans, pick).map(|request| self.send(request)),
            Operation::Hint => nth(&self.pendings, pick).map(|request| {
                self.ports.set_disconnect_hint(&self.pendings[&request]);
                Event::Hint { request }
            }),
            Operation::DropPending => nth(&self.pendings, pick).map(|request| {
                self.pendings.remove(&request);
                Event::DropPending { request }
            }),
            Operation::HasRequests => nth(&self.servers, pick).map(|server| {
                let result = self.ports.has_requests(&self.servers[&server]);
                Event::HasRequests { server, result }
            }),
            Operation::Receive => nth(&self.servers, pick).map(|server| self.receive(server)).transpose()?,
            Operation::DropActive => nth(&self.actives, pick).map(|key| {
                self.actives.remove(&key);
                Event::DropActive { request: key.0, server: key.1 }
            }),
            Operation::LoanResponse => nth(&self.actives, pick).map(|key| self.loan_response(key)),
            Operation::DropResponseLoan => nth(&self.response_loans, pick).map(|response| {
                self.response_loans.remove(&response);
                Event::DropResponseLoan { response }
            }),
            Operation::SendResponse => nth(&self.response_loans, pick).map(|response| self.send_response(response)),
            Operation::HasResponse => nth(&self.pendings, pick).map(|request| {
                let result = self.ports.has_response(&self.pendings[&request]);
                Event::HasResponse { request, result }
            }),
            Operation::ReceiveResponse => {
                nth(&self.pendings, pick).map(|request| self.receive_response(request)).transpose()?
            }
            Operation::DropResponse => nth(&self.responses, pick).map(|response| {
                self.responses.remove(&response);
                Event::DropResponse { response }
            }),
            Operation::Chunks => {
                let ports = &self.ports;
                let clients = self.clients.iter().filter_map(|(client, port)| {
                    Some(Event::ClientChunks { client: *client, result: ports.client_chunks(port)? })
                });
                let servers = self.servers.iter().filter_map(|(server, port)| {
                    Some(Event::ServerChunks { server: *server, result: ports.server_chunks(port)? })
                });
                return Ok(clients.chain(servers).collect());
            }
            Operation::Request | Operation::Answer | Operation::Look => None,
        };
        Ok(event.into_iter().collect())
    }

    fn create_client(&mut self, pick: u8) -> Event {
        let client = self.number();
        // Mostly all that the service has, at times less, at times more than there is.
        let active_max = (pick >= 128).then_some(usize::from(pick) % (self.settings.max_active_requests + 2));
        // Which segment a request lies in changes nothing.
        let growth = growth(client, self.can_grow);
        let len_initial = if growth == Growth::Static { LEN_MAX } else { 1 };
        let shape = ClientShape { node: usize::from(pick) % 2, max_active_requests: active_max, growth, len_initial };
        let result = self.ports.create_client(shape).map(|port| {
            self.ids.insert(client, self.ports.client_id(&port));
            self.clients.insert(client, port);
        });
        Event::CreateClient { client, active_max, result }
    }

    fn create_server(&mut self, pick: u8) -> Event {
        let server = self.number();
        let loans_max = 1 + usize::from(pick) / 2 % 2;
        let shape = ServerShape { node: usize::from(pick) % 2, max_loaned_responses: loans_max };
        let result = self.ports.create_server(shape).map(|port| {
            self.ids.insert(server, self.ports.server_id(&port));
            self.servers.insert(server, port);
        });
        Event::CreateServer { server, loans_max, result }
    }

    fn loan(&mut self, client: Key) -> Event {
        let request = self.number();
        let contents = contents(request);
        let loaned = self.ports.loan(&self.clients[&client], request as u64, &contents);
        let result = loaned.map(|loan| {
            self.loans.insert(request, loan);
        });
        Event::Loan { client, request, len: contents.len(), result }
    }

    fn send(&mut self, request: Key) -> Event {
        let loan = self.loans.remove(&request).unwrap();
        let result = self.ports.send(loan).map(|(pending, delivered)| {
            self.pendings.insert(request, pending);
            delivered
        });
        Event::Send { request, result }
    }

    pub fn receive(&mut self, server: Key) -> Result<Event, String> {
        let received = self.ports.receive(&self.servers[&server]);
        let result = received.map(|active| {
            active.map(|active| {
                let request = self.ports.request(&active).header as Key;
                self.actives.insert((request, server), active);
                request
            })
        });
        self.inspect()?;
        Ok(Event::Receive { server, result })
    }

    fn loan_response(&mut self, (request, server): (Key, Key)) -> Event {
        let response = self.number();
        let active = &self.actives[&(request, server)];
        let result = self.ports.loan_response(active, request as u64, response as u64).map(|loan| {
            self.response_loans.insert(response, loan);
        });
        Event::LoanResponse { request, server, response, result }
    }

    fn send_response(&mut self, response: Key) -> Event {
        let loan = self.response_loans.remove(&response).unwrap();
        Event::SendResponse { response, result: self.ports.send_response(loan) }
    }

    fn receive_response(&mut self, request: Key) -> Result<Event, String> {
        let result = match self.ports.receive_response(&self.pendings[&request]) {
            Ok(Some(response)) => {
                let received = self.ports.response(&response);
                if received.header != request as u64 {
                    return Err(format!("pending {request} received a response to {}", received.header));
                }
                let number = received.payload as Key;
                self.responses.insert(number, response);
                Ok(Some(number))
            }
            other => other.map(|_| None),
        };
        Ok(Event::ReceiveResponse { request, result })
    }

    /// Everything that is held reads as it was written, and says who sent it (RR-TYP-05, RR-ACT-04, RR-PND-08, RR-PRT-02).
    fn inspect(&self) -> Result<(), String> {
        for ((request, server), active) in &self.actives {
            let (expected, got) = (contents(*request), self.ports.request(active));
            if got.payload != expected || got.header != *request as u64 {
                return Err(format!("active {request} at s{server} should be {expected:?} and is {got:?}"));
            }
            if !self.ids.values().any(|id| *id == got.client) {
                return Err(format!("active {request} has an unknown sender"));
            }
        }
        for (number, response) in &self.responses {
            let got = self.ports.response(response);
            if got.payload != *number as u64 {
                return Err(format!("response {number} should be {number} and is {}", got.payload));
            }
            if !self.ids.values().any(|id| *id == got.server) {
                return Err(format!("response {number} has an unknown sender"));
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Outcome {
        self.inspect()?;
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
