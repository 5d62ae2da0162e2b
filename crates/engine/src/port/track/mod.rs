//! How a message travels: by the shuttle, in the slot of a channel, or in a chunk that a slot names. All others push a message
//! and take one; which way it goes is decided here, by its size and by what is under way.
//!
//! Here is what the two sides of a connection have; [`outbound`] has how they push, [`inbound`] how they take, and
//! [`search`] how they look for what is taken otherwise.

mod inbound;
mod outbound;
mod search;

use std::cell::Cell;
use std::io;

pub(super) use self::inbound::{NotTaken, Peer, Takes, Turn};
pub(super) use self::outbound::Outgoing;
pub(super) use crate::channel::shuttle::Oldest;
use crate::channel::shuttle::{ShuttleClient, ShuttleServer};
use crate::channel::{Entry, OffsetConsumer, OffsetProducer};
use crate::connection::{self, ConnectionFile, LaneLines, LaneWords, Side};
use crate::ownership::Places;
use crate::port::link::{Ends, Link};
use crate::settings::Settings;
use crate::shm::Lines;

/// The sender's end of a channel.
#[derive(Debug)]
pub(super) struct Outbound {
    producer: OffsetProducer,
    slots: Lines,
}

impl Outbound {
    pub fn new(slots: &Lines, overflow: bool) -> Self {
        Self { producer: OffsetProducer::new(slots.len(), overflow), slots: slots.clone() }
    }
}

/// The receiver's end of a channel.
#[derive(Debug)]
pub(super) struct Inbound {
    consumer: OffsetConsumer,
    slots: Lines,
}

impl Inbound {
    pub fn new(slots: &Lines, overflow: bool) -> Self {
        Self { consumer: OffsetConsumer::new(slots.len(), overflow), slots: slots.clone() }
    }
}

/// One lane's receiving end.
#[derive(Debug)]
pub(in crate::port) struct LaneReceiver {
    pub responses: Inbound,
    pub words: LaneWords,
    /// Responses of this lane that are held, older pending responses' too.
    pub borrowed: Cell<usize>,
    /// Slot of the request channel in which the lane's request is, none if it is in the shuttle, and the word that is there
    /// until the server takes it.
    sent_slot: Cell<Option<usize>>,
    sent_word: Cell<u64>,
    /// The server can never take it: a newer request displaced it.
    pub displaced: Cell<bool>,
}

/// The client's ends of a connection: requests go out, and responses come in on the lane of their request.
#[derive(Debug)]
pub(in crate::port) struct ClientTrack {
    requests: Outbound,
    /// Slot of the newest request that may be in the channel.
    newest_slot: Cell<Option<usize>>,
    shuttle: ShuttleClient,
    /// The line of the shuttle.
    line: Lines,
    pub lanes: Box<[LaneReceiver]>,
}

impl Ends for ClientTrack {
    const SIDE: Side = Side::Client;

    fn new(file: &ConnectionFile, settings: &Settings) -> Self {
        let lane = |lane: &LaneLines| LaneReceiver {
            responses: Inbound::new(&lane.responses, settings.overflow_responses),
            words: lane.words.clone(),
            borrowed: Cell::new(0),
            sent_slot: Cell::new(None),
            sent_word: Cell::new(0),
            displaced: Cell::new(false),
        };
        Self {
            requests: Outbound::new(&file.requests, settings.overflow_requests),
            newest_slot: Cell::new(None),
            shuttle: ShuttleClient::new(file.requests.len(), settings.overflow_requests, settings.overflow_responses),
            line: file.shared.clone(),
            lanes: file.lanes.iter().map(lane).collect(),
        }
    }

    #[inline(always)]
    fn on_empty_poll(&self) {
        self.shuttle.on_empty_poll();
    }
}

/// One lane's sending end.
#[derive(Debug)]
pub(in crate::port) struct LaneSender {
    responses: Outbound,
    pub words: LaneWords,
    /// Newest request that came on the lane, 0 once it is finished. An older one is nobody's any more: its lane was used
    /// anew. Only this one is answered.
    pub newest: Cell<u64>,
    /// Without overflow: the request to which a response was pushed last, and how many were.
    pushed: Cell<(u64, usize)>,
}

/// The server's ends of a connection: requests come in, and responses go out on the lane of their request.
#[derive(Debug)]
pub(in crate::port) struct ServerTrack {
    requests: Inbound,
    shuttle: ShuttleServer,
    /// The line of the shuttle.
    line: Lines,
    pub lanes: Box<[LaneSender]>,
    /// Responses to a request that may be unread.
    response_buffer: usize,
    /// Active requests that are held, and their loans.
    pub places: Places,
}

impl Ends for ServerTrack {
    const SIDE: Side = Side::Server;

    fn new(file: &ConnectionFile, settings: &Settings) -> Self {
        let Settings { response_buffer, overflow_requests, overflow_responses, .. } = *settings;
        let lane = |lane: &LaneLines| LaneSender {
            responses: Outbound::new(&lane.responses, overflow_responses),
            words: lane.words.clone(),
            newest: Cell::new(0),
            pushed: Cell::new((0, 0)),
        };
        Self {
            requests: Inbound::new(&file.requests, overflow_requests),
            shuttle: ShuttleServer::new(response_buffer, overflow_requests, overflow_responses),
            line: file.shared.clone(),
            lanes: file.lanes.iter().map(lane).collect(),
            response_buffer,
            places: Places::new(settings.max_active_requests),
        }
    }

    #[inline(always)]
    fn on_empty_poll(&self) {
        self.shuttle.on_empty_poll();
    }

    /// All of them, before what a client that is gone has left is swept away with the connection's file.
    fn map_ahead(link: &Link) -> io::Result<()> {
        for word in connection::all_words(&link.file.requests) {
            if let Ok(Some(entry)) = Entry::of_word(word) {
                link.remote.map_ahead(entry)?;
            }
        }
        Ok(())
    }
}
