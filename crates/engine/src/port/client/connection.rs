//! A client's side of a connection: what it knows privately about one server.

use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::connection::{ConnectionFile, Side, State};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::link::Link;
use crate::port::track::ClientTrack;
use crate::service::ServiceInner;

#[derive(Debug)]
pub(in crate::port) struct ClientConnection {
    link: Link,
    pub track: ClientTrack,
}

impl Deref for ClientConnection {
    type Target = Link;
    #[inline(always)]
    fn deref(&self) -> &Link {
        &self.link
    }
}

impl ClientConnection {
    /// As [`Link::new`], of the server's response segment.
    pub fn new(
        service: &Arc<ServiceInner>,
        client: Id,
        server: [Id; 2],
        file: ConnectionFile,
        response_layout: &ChunkLayout,
    ) -> io::Result<Rc<Self>> {
        let track = ClientTrack::new(&file, service.settings());
        let link = Link::new(service, (client, Side::Client), server, file, response_layout.align)?;
        Ok(Rc::new(Self { link, track }))
    }

    /// Whether the server, which got the request of a lane, can still answer it.
    pub fn is_answerable(&self, lane: usize, request_id: u64) -> bool {
        let end = &self.track.lanes[lane];
        if self.gone.get() || end.displaced.get() || end.words.done() == request_id {
            return false;
        }
        // A server that has left takes nothing more: what is still in its slot stays there.
        self.file.server_state() < State::Left || !self.track.is_unread(lane)
    }
}
