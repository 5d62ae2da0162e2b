//! The implementation's side of the model: real ports, and what is held of them.

use std::collections::BTreeMap;

use super::event::{Event, Key};
use super::operation::{Operation, Step};
use super::{ClientShape, PortFile, PortSettings, Ports, ServerShape, Sizing};
use crate::kit::segment::Growth;

/// Elements that fit a segment that does not grow.
const LEN_MAX: usize = 6;
/// Lengths of messages, chosen from evenly: most fit what there is, some make a segment grow once, some again.
const LENS: [usize; 16] = [0, 1, 2, 3, 4, 6, 1, 3, 5, 8, 9, 20, 50, 100, 300, 1000];
/// Clients that come, send and leave in one operation, at most.
const CROWD_MAX: u8 = 100;

pub fn lens() -> impl Iterator<Item = usize> + Clone {
    LENS.into_iter()
}

/// A request or a response that was loaned: who wrote it, and how long it is.
#[derive(Clone, Copy)]
pub struct Written {
    pub sender: Key,
    pub len: usize,
}

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
    pub ids: BTreeMap<Key, u128>,
    keys: BTreeMap<u128, Key>,
    /// Every message that was loaned.
    pub written: BTreeMap<Key, Written>,
    settings: PortSettings,
    can_grow: bool,
    numbers: usize,
}

pub fn nth<K: Copy, V>(map: &BTreeMap<K, V>, pick: u8) -> Option<K> {
    map.keys().nth(pick as usize % map.len().max(1)).copied()
}

pub type Outcome = Result<Vec<Event>, String>;

/// Follows what was done: the model's side.
pub type Follow<'a> = dyn FnMut(Event) -> Result<(), String> + 'a;

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
            keys: BTreeMap::new(),
            written: BTreeMap::new(),
            settings,
            can_grow,
            numbers: 0,
        }
    }

    pub fn number(&mut self) -> Key {
        self.numbers += 1;
        self.numbers
    }

    /// Carries out one step on whatever it picks; nothing if there is nothing to do it on.
    pub fn carry_out(&mut self, step: Step, follow: &mut Follow<'_>) -> Result<(), String> {
        let Step { operation, pick, size } = step;
        match operation {
            Operation::Request => {
                let Some(client) = nth(&self.clients, pick) else { return Ok(()) };
                self.request(client, size, follow)?;
            }
            Operation::Answer => {
                let Some(key) = nth(&self.actives, pick) else { return Ok(()) };
                let loaned = self.loan_response(key, size);
                follow(loaned.clone())?;
                if let Event::LoanResponse { response, result: Ok(()), .. } = loaned {
                    follow(self.send_response(response))?;
                }
            }
            Operation::Look => self.look()?.into_iter().try_for_each(follow)?,
            Operation::Chunks => {
                self.chunks().into_iter().try_for_each(&mut *follow)?;
                self.files(true).into_iter().try_for_each(follow)?;
            }
            Operation::Crowd => self.crowd(pick, size, follow)?,
            Operation::Drain => {
                let Some(server) = nth(&self.servers, pick) else { return Ok(()) };
                self.drain(server, follow)?;
            }
            Operation::Leave => self.leave(pick, size, follow)?,
            _ => self.single(step)?.into_iter().try_for_each(follow)?,
        }
        Ok(())
    }

    /// Loans and sends; the request, if that was possible.
    fn request(&mut self, client: Key, size: u8, follow: &mut Follow<'_>) -> Result<Option<Key>, String> {
        let loaned = self.loan(client, size);
        follow(loaned.clone())?;
        let Event::Loan { request, result: Ok(()), .. } = loaned else { return Ok(None) };
        let sent = self.send(request);
        follow(sent.clone())?;
        Ok(matches!(sent, Event::Send { result: Ok(_), .. }).then_some(request))
    }

    /// Up to [`CROWD_MAX`] clients come, send one or two requests and leave, one after the other. A few pending responses
    /// stay, the others are dropped before or after their client.
    fn crowd(&mut self, pick: u8, size: u8, follow: &mut Follow<'_>) -> Result<(), String> {
        // A few mostly, and at times many.
        let clients = if pick >= 128 { pick % CROWD_MAX + 1 } else { pick % 8 + 1 };
        for i in 0..clients {
            let created = self.create_client(size.rotate_left(1) & 0x7f);
            follow(created.clone())?;
            let Event::CreateClient { client, result: Ok(()), .. } = created else { return Ok(()) };
            let mut sent = Vec::new();
            for _ in 0..1 + size % 2 {
                sent.extend(self.request(client, size, follow)?);
            }
            if size & 2 != 0 {
                follow(self.drop_client(client))?;
            }
            let stays = size & 12 == 12 && i % 16 == 15;
            for request in sent.into_iter().filter(|_| !stays) {
                follow(self.drop_pending(request))?;
            }
            if size & 2 == 0 {
                follow(self.drop_client(client))?;
            }
        }
        Ok(())
    }

    /// A server receives until nothing is there, and drops what it gets.
    pub fn drain(&mut self, server: Key, follow: &mut Follow<'_>) -> Result<(), String> {
        loop {
            let event = self.receive(server)?;
            follow(event.clone())?;
            let Event::Receive { result: Ok(Some(request)), .. } = event else { return Ok(()) };
            self.actives.remove(&(request, server));
            follow(Event::DropActive { request, server })?;
        }
    }

    /// One port leaves, with everything that was made from it, which goes before it or after it; a server may leave its
    /// responses, and a client its pending responses.
    fn leave(&mut self, pick: u8, size: u8, follow: &mut Follow<'_>) -> Result<(), String> {
        let port_first = size & 1 != 0;
        let of = |written: &BTreeMap<Key, Written>, key: &Key, port: Key| written[key].sender == port;
        if size & 2 != 0 {
            let Some(server) = nth(&self.servers, pick) else { return Ok(()) };
            if port_first {
                follow(self.drop_server(server))?;
            }
            for key in self.actives.keys().filter(|(_, s)| *s == server).copied().collect::<Vec<_>>() {
                follow(self.drop_active(key))?;
            }
            let loans: Vec<_> = self.response_loans.keys().filter(|key| of(&self.written, key, server)).copied().collect();
            for response in loans {
                follow(if size & 4 == 0 { self.drop_response_loan(response) } else { self.send_response(response) })?;
            }
            return if port_first { Ok(()) } else { follow(self.drop_server(server)) };
        }
        let Some(client) = nth(&self.clients, pick) else { return Ok(()) };
        if port_first {
            follow(self.drop_client(client))?;
        }
        for request in self.loans.keys().filter(|key| of(&self.written, key, client)).copied().collect::<Vec<_>>() {
            follow(if size & 4 == 0 { self.drop_loan(request) } else { self.send(request) })?;
        }
        if size & 8 == 0 {
            let pendings: Vec<_> = self.pendings.keys().filter(|key| of(&self.written, key, client)).copied().collect();
            for request in pendings {
                follow(self.drop_pending(request))?;
            }
        }
        if port_first { Ok(()) } else { follow(self.drop_client(client)) }
    }

    pub fn chunks(&mut self) -> Vec<Event> {
        let ports = &self.ports;
        let clients = self.clients.iter().filter_map(|(client, port)| {
            Some(Event::ClientChunks { client: *client, result: ports.client_chunks(port)? })
        });
        let servers = self.servers.iter().filter_map(|(server, port)| {
            Some(Event::ServerChunks { server: *server, result: ports.server_chunks(port)? })
        });
        clients.chain(servers).collect()
    }

    /// What is in the namespace.
    pub fn files(&mut self, collected: bool) -> Option<Event> {
        // 0 is nobody: a file of a port that never was is there for nothing.
        let key = |id: u128| self.keys.get(&id).copied().unwrap_or(0);
        let files = self.ports.files()?.into_iter().map(|file| match file {
            PortFile::Connection { client, server } => {
                PortFile::Connection { client: key(client), server: key(server) }
            }
            PortFile::Segment { sender } => PortFile::Segment { sender: key(sender) },
            PortFile::HandedOver { sender, reader } => {
                PortFile::HandedOver { sender: key(sender), reader: key(reader) }
            }
            PortFile::Other { port } => PortFile::Other { port: key(port) },
        });
        Some(Event::Files { files: files.collect(), collected })
    }

    /// How a port's segment is: one of each kind, and how much there is from the beginning.
    fn sizing(&self, pick: u8) -> Sizing {
        let growth = match pick / 2 % 4 {
            0 | 1 if self.can_grow => Growth::BestFit,
            2 if self.can_grow => Growth::PowerOfTwo,
            _ => Growth::Static,
        };
        let len_initial = if growth == Growth::Static { LEN_MAX } else { [1, 4][usize::from(pick / 8 % 2)] };
        let preallocate = [None, None, Some(1), Some(1 + usize::from(pick % 3))][usize::from(pick / 16 % 4)];
        Sizing { growth, len_initial, preallocate }
    }

    pub fn create_client(&mut self, pick: u8) -> Event {
        let client = self.number();
        // Mostly all that the service has, at times less, at times more than there is.
        let active_max = (pick >= 192).then_some(usize::from(pick) % (self.settings.max_active_requests + 2));
        let sizing = self.sizing(pick);
        let shape = ClientShape { node: usize::from(pick) % 2, max_active_requests: active_max, sizing };
        let result = self.ports.create_client(shape).map(|port| {
            self.know(client, self.ports.client_id(&port));
            self.clients.insert(client, port);
        });
        Event::CreateClient { client, shape, result }
    }

    pub fn create_server(&mut self, pick: u8) -> Event {
        let server = self.number();
        let (loans_max, sizing) = (1 + usize::from(pick) / 64 % 2, self.sizing(pick));
        let shape = ServerShape { node: usize::from(pick) % 2, max_loaned_responses: loans_max, sizing };
        let result = self.ports.create_server(shape).map(|port| {
            self.know(server, self.ports.server_id(&port));
            self.servers.insert(server, port);
        });
        Event::CreateServer { server, shape, result }
    }

    fn know(&mut self, port: Key, id: u128) {
        self.ids.insert(port, id);
        self.keys.insert(id, port);
    }

    pub fn len(size: u8) -> usize {
        LENS[usize::from(size / 16)]
    }
}
