//! Rules of what has a name in the namespace: everything there is there for somebody who may still come for it.

use std::collections::BTreeMap;

use super::PortFile;
use super::event::Key;
use super::state::{Delivery, Model, Next, Stage, demand};
use super::traits::Chunk;

/// Segments of ports that are gone, read, and kept until their reader looks at the service again, for each reader.
const READ_MAX: usize = 64;

impl Model {
    pub fn files(self, files: &[PortFile<Key>], collected: bool) -> Next {
        let mut segments: BTreeMap<Key, usize> = BTreeMap::new();
        let mut handed_over: BTreeMap<(Key, Key), usize> = BTreeMap::new();
        for file in files {
            match *file {
                PortFile::Connection { client, server } => demand(
                    self.may_meet(client, server),
                    &format!("c{client} and s{server} need no connection that one of them does not have (RR-FNF-03)"),
                )?,
                PortFile::Segment { sender } => *segments.entry(sender).or_default() += 1,
                PortFile::HandedOver { sender, reader } => *handed_over.entry((sender, reader)).or_default() += 1,
                PortFile::Other { port } => {
                    demand(self.is_there(port), &format!("nothing of port {port} is needed (RR-FNF-03, RR-SVC-04)"))?;
                }
            }
        }
        for (sender, count) in segments {
            let needed = self.segments_of(sender, collected);
            let rule =
                "a segment stays only as long as something can be sent from it or a chunk of it is in use (RR-DYN-04)";
            demand(count <= needed, &format!("port {sender} needs {needed} segments: {rule}"))?;
        }
        let mut read: BTreeMap<Key, usize> = BTreeMap::new();
        for ((sender, reader), count) in handed_over {
            let rule = "what a port that is gone has left stays only for a reader that is there (RR-FNF-03, RR-DYN-06)";
            demand(self.is_there(reader), &format!("port {reader} is gone, like port {sender}: {rule}"))?;
            *read.entry(reader).or_default() += count.saturating_sub(self.unread_in_chunks(sender, reader));
        }
        for (reader, count) in read {
            let rule = "what was read of ports that are gone is taken away, if not at once (RR-FNF-03, RR-DYN-06)";
            demand(count <= READ_MAX, &format!("port {reader} has read what {count} segments hold: {rule}"))?;
        }
        Ok(vec![self])
    }

    fn client_is_there(&self, client: Key) -> bool {
        self.clients.contains_key(&client) && !self.is_gone(client)
    }

    fn is_there(&self, port: Key) -> bool {
        self.client_is_there(port) || self.server_is_there(port)
    }

    /// Whether a client and a server, of which one has not looked yet, have anything to do with each other.
    fn may_meet(&self, client: Key, server: Key) -> bool {
        let registered = self.servers.get(&server).is_some_and(|server| server.registered);
        let unread = self.pairs.get(&(client, server)).is_some_and(|pair| !pair.queue.is_empty());
        registered && (self.client_is_there(client) || unread)
    }

    /// Segments that a port needs at most: the one from which it loans, and those in which something is loaned, unread or
    /// held; as many as there are where that cannot be told.
    fn segments_of(&self, sender: Key, collected: bool) -> usize {
        let (registered, in_use) = if let Some(client) = self.clients.get(&sender) {
            (client.registered && !self.has_met_a_dropped_server(sender), self.client_in_use(sender).1)
        } else if let Some(server) = self.servers.get(&sender) {
            (server.registered, self.server_in_use(sender).1)
        } else {
            return 0;
        };
        match (registered && collected, self.is_there(sender)) {
            (true, _) => 1 + in_use,
            (false, true) => usize::MAX,
            (false, false) => 0,
        }
    }

    /// Messages between two ports that are unread and lie in a chunk.
    fn unread_in_chunks(&self, sender: Key, reader: Key) -> usize {
        let waits = |chunk: Chunk| chunk != Chunk::Free;
        if self.clients.contains_key(&sender) {
            let unread = |d: &&Delivery| d.stage == Stage::Unread && waits(d.chunk);
            let of = self.requests.values().filter(|request| request.client == sender);
            return of.filter_map(|request| request.deliveries.get(&reader)).filter(unread).count();
        }
        let of = self.requests.values().filter(|request| request.client == reader && request.pending);
        let responses = of.filter_map(|request| request.deliveries.get(&sender)).flat_map(|d| &d.responses);
        responses.filter(|response| waits(self.responses[*response].chunk)).count()
    }
}
