//! When a response is on its way: the runtime has nothing more to do, and no write waits for room.
//!
//! A service hands its response to the connection's task and never learns when it was written. A server whose thread leaves the
//! runtime before would keep the response until it comes back.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tonic::transport::server::Connected;

/// Of one runtime and its connection. Everything happens in one thread, so that no order of memory is needed.
#[derive(Clone, Default)]
pub struct Idle {
    parked: Arc<Notify>,
    stuck: Arc<AtomicBool>,
}

impl Idle {
    /// A runtime that says when it is idle.
    pub fn runtime(&self) -> io::Result<Runtime> {
        let parked = Arc::clone(&self.parked);
        Builder::new_current_thread().enable_all().on_thread_park(move || parked.notify_waiters()).build()
    }

    /// Returns when nothing is left to do.
    pub async fn reached(&self) {
        loop {
            self.parked.notified().await;
            if !self.stuck.load(Ordering::Relaxed) {
                return;
            }
        }
    }

    /// The connection whose writes are watched.
    pub fn watch(&self, stream: UnixStream) -> Watched {
        Watched { stream, stuck: Arc::clone(&self.stuck) }
    }
}

/// A connection.
pub struct Watched {
    stream: UnixStream,
    stuck: Arc<AtomicBool>,
}

impl Watched {
    fn wrote<T>(&self, poll: Poll<T>) -> Poll<T> {
        self.stuck.store(poll.is_pending(), Ordering::Relaxed);
        poll
    }
}

impl AsyncRead for Watched {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.wrote(poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Connected for Watched {
    type ConnectInfo = ();

    fn connect_info(&self) -> Self::ConnectInfo {}
}
