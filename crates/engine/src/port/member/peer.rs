//! A connection as the membership of its port sees it.

use std::io;
use std::rc::Rc;
use std::sync::Arc;

use crate::connection::{ConnectionFile, Side};
use crate::id::Id;
use crate::payload::ChunkLayout;
use crate::port::client::connection::ClientConnection;
use crate::port::payloads::Payloads;
use crate::port::server::connection::ServerConnection;
use crate::service::ServiceInner;

/// A port's side of a connection.
pub(in crate::port) trait Peer: Sized {
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
    fn id(&self) -> Id;
    fn node(&self) -> Id;
    fn file(&self) -> &ConnectionFile;
    fn is_gone(&self) -> bool;
    /// Tells the peer that this side takes part. Under the lock.
    fn attach(&self, payloads: &Payloads);
    /// It is this side's own. Without the lock.
    fn settle(&self);
    /// Lets go of segments that the peer has given back.
    fn tidy(&self);
}

macro_rules! peer {
    ($connection:ident, $side:ident, $peer:ident) => {
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
            fn id(&self) -> Id {
                self.$peer
            }
            fn node(&self) -> Id {
                self.node
            }
            fn file(&self) -> &ConnectionFile {
                &self.file
            }
            fn is_gone(&self) -> bool {
                self.gone.get()
            }
            fn attach(&self, payloads: &Payloads) {
                self.attach(payloads);
            }
            fn settle(&self) {
                self.settle();
            }
            fn tidy(&self) {
                self.tidy();
            }
        }
    };
}

peer!(ClientConnection, Client, server);
peer!(ServerConnection, Server, client);
