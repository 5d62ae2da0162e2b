//! The engine's side of the model: real ports, and what is held of them.

use std::collections::BTreeMap;

use shmark::engine::error::{LoanError, ReceiveError, SendError};
use shmark::engine::{
    ActiveRequest, AllocationStrategy, BackpressureStrategy, Client, Id, Node, PendingResponse, RequestMut, Response,
    ResponseMut, Server, Service, Settings, Wishes,
};

use super::event::{Event, Key};
use super::operation::Operation;
use super::state::{LEN_MAX, grows};
use crate::common::{Scratch, name};

// Slices one way and single values the other; the headers say which request and whose response it is.
type Requests = [u64];

pub struct World {
    // Dropped in this order at the end, should a case end early.
    pub responses: BTreeMap<Key, Response<u64, u64>>,
    pub response_loans: BTreeMap<Key, ResponseMut<u64, u64>>,
    pub pendings: BTreeMap<Key, PendingResponse<u64, u64>>,
    pub actives: BTreeMap<(Key, Key), ActiveRequest<Requests, u64, u64, u64>>,
    pub loans: BTreeMap<Key, RequestMut<Requests, u64, u64, u64>>,
    pub clients: BTreeMap<Key, Client<Requests, u64, u64, u64>>,
    pub servers: BTreeMap<Key, Server<Requests, u64, u64, u64>>,
    pub services: Vec<Service<Requests, u64, u64, u64>>,
    pub nodes: Vec<Node>,
    ids: BTreeMap<Key, Id>,
    settings: Settings,
    numbers: usize,
    pub scratch: Scratch,
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

type Outcome = Result<Vec<Event>, String>;

impl World {
    pub fn new(settings: Settings) -> Self {
        let scratch = Scratch::new();
        let nodes = vec![scratch.node(), scratch.node()];
        let wishes = Wishes {
            overflow_requests: Some(settings.overflow_requests),
            overflow_responses: Some(settings.overflow_responses),
            fire_and_forget: Some(settings.fire_and_forget),
            max_active_requests: Some(settings.max_active_requests),
            max_loaned_requests: Some(settings.max_loaned_requests),
            max_borrowed_responses: Some(settings.max_borrowed_responses),
            response_buffer: Some(settings.response_buffer),
            max_servers: Some(settings.max_servers),
            max_clients: Some(settings.max_clients),
            max_nodes: Some(settings.max_nodes),
        };
        let open = |node: &Node| {
            let builder = node.service_builder(&name("model")).request_response::<Requests, u64>();
            let builder = builder.request_user_header::<u64>().response_user_header::<u64>().wishes(wishes);
            builder.open_or_create().unwrap()
        };
        Self {
            responses: BTreeMap::new(),
            response_loans: BTreeMap::new(),
            pendings: BTreeMap::new(),
            actives: BTreeMap::new(),
            loans: BTreeMap::new(),
            clients: BTreeMap::new(),
            servers: BTreeMap::new(),
            services: nodes.iter().map(open).collect(),
            nodes,
            ids: BTreeMap::new(),
            settings,
            numbers: 0,
            scratch,
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
            Operation::Loan => nth(&self.clients, pick).map(|client| self.loan(client)).transpose()?,
            Operation::DropLoan => nth(&self.loans, pick).map(|request| {
                self.loans.remove(&request);
                Event::DropLoan { request }
            }),
            Operation::Send => nth(&self.loans, pick).map(|request| self.send(request)),
            Operation::Hint => nth(&self.pendings, pick).map(|request| {
                self.pendings[&request].set_disconnect_hint();
                Event::Hint { request }
            }),
            Operation::DropPending => nth(&self.pendings, pick).map(|request| {
                self.pendings.remove(&request);
                Event::DropPending { request }
            }),
            Operation::HasRequests => nth(&self.servers, pick)
                .map(|server| {
                    let result = self.servers[&server].has_requests().map_err(|error| error.to_string())?;
                    Ok::<_, String>(Event::HasRequests { server, result })
                })
                .transpose()?,
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
            Operation::HasResponse => nth(&self.pendings, pick)
                .map(|request| {
                    let result = self.pendings[&request].has_response().map_err(|error| error.to_string())?;
                    Ok::<_, String>(Event::HasResponse { request, result })
                })
                .transpose()?,
            Operation::ReceiveResponse => {
                nth(&self.pendings, pick).map(|request| self.receive_response(request)).transpose()?
            }
            Operation::DropResponse => nth(&self.responses, pick).map(|response| {
                self.responses.remove(&response);
                Event::DropResponse { response }
            }),
            Operation::Chunks => {
                let clients = self.clients.iter();
                let clients = clients.map(|(c, port)| Event::ClientChunks { client: *c, result: port.chunks_in_use() });
                let servers = self.servers.iter();
                let servers = servers.map(|(s, port)| Event::ServerChunks { server: *s, result: port.chunks_in_use() });
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
        let service = &self.services[usize::from(pick) % 2];
        let builder = service.client_builder();
        // Which segment a request lies in changes nothing.
        let mut builder = match client % 3 {
            _ if !grows(client) => builder.initial_max_slice_len(LEN_MAX),
            1 => builder.allocation_strategy(AllocationStrategy::BestFit).preallocate(1),
            _ => builder.allocation_strategy(AllocationStrategy::PowerOfTwo),
        };
        if let Some(max) = active_max {
            builder = builder.max_active_requests(max);
        }
        let made = builder.backpressure_strategy(BackpressureStrategy::DiscardData).create();
        let result = made.map(|port| {
            self.ids.insert(client, port.id());
            self.clients.insert(client, port);
        });
        Event::CreateClient { client, active_max, result }
    }

    fn create_server(&mut self, pick: u8) -> Event {
        let server = self.number();
        let loans_max = 1 + usize::from(pick) / 2 % 2;
        let builder = self.services[usize::from(pick) % 2].server_builder();
        let builder = builder.max_loaned_responses_per_request(loans_max);
        let made = builder.backpressure_strategy(BackpressureStrategy::DiscardData).create();
        let result = made.map(|port| {
            self.ids.insert(server, port.id());
            self.servers.insert(server, port);
        });
        Event::CreateServer { server, loans_max, result }
    }

    fn loan(&mut self, client: Key) -> Result<Event, String> {
        let request = self.number();
        let len = len_of(request);
        let result: Result<(), LoanError> = self.clients[&client].loan_slice_uninit(len).map(|mut loan| {
            *loan.user_header_mut() = request as u64;
            self.loans.insert(request, loan.write_from_fn(|i| content(request, i)));
        });
        match self.loans.get(&request) {
            Some(loan) if loan.payload().len() != len => Err(format!("loaned {len} elements, got {}", loan.len())),
            _ => Ok(Event::Loan { client, request, len, result }),
        }
    }

    fn send(&mut self, request: Key) -> Event {
        let sent = self.loans.remove(&request).unwrap().send();
        let result: Result<usize, SendError> = sent.map(|pending| {
            let delivered = pending.number_of_server_connections();
            self.pendings.insert(request, pending);
            delivered
        });
        Event::Send { request, result }
    }

    pub fn receive(&mut self, server: Key) -> Result<Event, String> {
        let received: Result<_, ReceiveError> = self.servers[&server].receive();
        let result = match received {
            Ok(Some(active)) => {
                let request = *active.user_header() as Key;
                self.actives.insert((request, server), active);
                Ok(Some(request))
            }
            other => other.map(|_| None),
        };
        self.inspect()?;
        Ok(Event::Receive { server, result })
    }

    fn loan_response(&mut self, (request, server): (Key, Key)) -> Event {
        let response = self.number();
        let result = self.actives[&(request, server)].loan_uninit().map(|mut loan| {
            *loan.user_header_mut() = request as u64;
            self.response_loans.insert(response, loan.write_payload(response as u64));
        });
        Event::LoanResponse { request, server, response, result }
    }

    fn send_response(&mut self, response: Key) -> Event {
        let result = self.response_loans.remove(&response).unwrap().send();
        Event::SendResponse { response, result }
    }

    fn receive_response(&mut self, request: Key) -> Result<Event, String> {
        let result = match self.pendings[&request].receive() {
            Ok(Some(response)) => {
                let number = *response as Key;
                if *response.user_header() != request as u64 {
                    return Err(format!("pending {request} received a response to {}", response.user_header()));
                }
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
            let expected: Vec<_> = (0..len_of(*request)).map(|i| content(*request, i)).collect();
            if active.payload() != expected || *active.user_header() != *request as u64 {
                let got = active.payload();
                return Err(format!("active {request} at s{server} should be {expected:?} and is {got:?}"));
            }
            if !self.ids.values().any(|id| *id == active.client_id()) {
                return Err(format!("active {request} has an unknown sender"));
            }
        }
        for (number, response) in &self.responses {
            if **response != *number as u64 {
                return Err(format!("response {number} should be {number} and is {}", **response));
            }
            if !self.ids.values().any(|id| *id == response.server_id()) {
                return Err(format!("response {number} has an unknown sender"));
            }
        }
        Ok(())
    }

    fn look(&mut self) -> Outcome {
        self.inspect()?;
        let pendings = self.pendings.iter();
        let mut events: Vec<_> = pendings
            .map(|(request, pending)| Event::PendingIsConnected { request: *request, result: pending.is_connected() })
            .collect();
        for ((request, server), active) in &self.actives {
            let (request, server) = (*request, *server);
            events.push(Event::ActiveIsConnected { request, server, result: active.is_connected() });
            events.push(Event::HasHint { request, server, result: active.has_disconnect_hint() });
        }
        Ok(events)
    }
}
