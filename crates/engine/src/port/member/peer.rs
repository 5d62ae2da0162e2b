//! A connection as the membership of its port sees it.

use std::io;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use crate::connection::{ConnectionFile, Side};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::client::connection::ClientConnection;
use crate::port::link::Link;
use crate::port::server::connection::ServerConnection;
use crate::service::ServiceInner;

/// A port's side of a connection.
pub(in crate::port) trait Peer: Deref<Target = Link> + Sized {
    /// The port's.
    const SIDE: Side;

    /// Over its file, not known to the peer yet; `peer` is its port and node, `layout` that of its messages. Maps the peer's
    /// segments, so not under the service's lock.
    ///
    /// # Errors
    /// Those of mapping.
    fn open(
        service: &Arc<ServiceInner>,
        port: Id,
        peer: [Id; 2],
        file: ConnectionFile,
        layout: &ChunkLayout,
    ) -> io::Result<Rc<Self>>;
}

macro_rules! peer {
    ($connection:ident, $side:ident) => {
        impl Peer for $connection {
            const SIDE: Side = Side::$side;

            fn open(
                service: &Arc<ServiceInner>,
                port: Id,
                peer: [Id; 2],
                file: ConnectionFile,
                layout: &ChunkLayout,
            ) -> io::Result<Rc<Self>> {
                Self::new(service, port, peer, file, layout)
            }
        }
    };
}

peer!(ClientConnection, Client);
peer!(ServerConnection, Server);
