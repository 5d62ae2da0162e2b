//! The implementation's side of the model: real ports, and what is held of them.

use std::collections::BTreeMap;

use super::event::{Event, Key};
use super::{ClientShape, PortFile, PortSettings, Ports, ServerShape, Sizing};
use crate::segment::Growth;

/// Elements that fit a segment that does not grow.
const LEN_MAX: usize = 6;
/// Lengths of messages, chosen from evenly: most fit what there is, some make a segment grow once, some again.
pub const LENS: [usize; 16] = [0, 1, 2, 3, 4, 6, 1, 3, 5, 8, 9, 20, 50, 100, 300, 1000];
pub fn lens() -> impl Iterator<Item = usize> + Clone {
    LENS.into_iter()
}

/// A request or a response that was loaned: who wrote it, and how long it is.
#[derive(Clone, Copy)]
pub struct Written {
    pub sender: Key,
    pub len: usize,
}

pub struct SystemUnderTest<P: Ports> {
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
    /// Whether there was a shortage: what could not be taken away then may stay for a while.
    pub was_short: bool,
    numbers: usize,
}

pub fn nth<K: Copy, V>(map: &BTreeMap<K, V>, pick: u8) -> Option<K> {
    map.keys().nth(pick as usize % map.len().max(1)).copied()
}

pub type StepResult = Result<Vec<Event>, String>;

/// Follows what was done: the model's side.
pub type Follow<'a> = dyn FnMut(Event) -> Result<(), String> + 'a;

impl<P: Ports> SystemUnderTest<P> {
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
            was_short: false,
            numbers: 0,
        }
    }

    pub fn number(&mut self) -> Key {
        self.numbers += 1;
        self.numbers
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
        if self.was_short {
            return None;
        }
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
        let growth = match usize::from(pick / 2 % 4) {
            // The first one twice, if there are two.
            turn @ 0..=2 if self.can_grow => Growth::GROWING[turn % Growth::GROWING.len()],
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
        let (node, handler) = (usize::from(pick) % 2, pick / 4 % 4 != 1);
        let shape = ClientShape { node, max_active_requests: active_max, handler, sizing };
        let result = self.ports.create_client(shape).map(|port| {
            self.know(client, self.ports.client_id(&port));
            self.clients.insert(client, port);
        });
        Event::CreateClient { client, shape, result }
    }

    pub fn create_server(&mut self, pick: u8) -> Event {
        let server = self.number();
        let (loans_max, sizing) = (1 + usize::from(pick) / 64 % 2, self.sizing(pick));
        let (node, handler) = (usize::from(pick) % 2, pick / 4 % 4 != 1);
        let shape = ServerShape { node, max_loaned_responses: loans_max, handler, sizing };
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
