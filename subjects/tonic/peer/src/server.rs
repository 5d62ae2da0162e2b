//! The answering side.

use shmark_peer::kit::bench::place::{self, Place};
use shmark_peer::kit::implementation::{BenchServer, BenchSetup, OpResult};
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{Request, Response, Status, async_trait};

use crate::generated::echo_server::{Echo, EchoServer};
use crate::idle::Idle;
use crate::{Payload, SLEEP_MAX, number, payload, refusal, window};

/// Answers, and says what it has answered.
struct Service {
    bytes: usize,
    answered: UnboundedSender<Result<u64, String>>,
}

#[async_trait]
impl Echo for Service {
    async fn call(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        let sequence = number(request.get_ref(), self.bytes);
        let response = match &sequence {
            Ok(sequence) => Ok(Response::new(payload(self.bytes, *sequence))),
            Err(why) => Err(Status::data_loss(why.as_str())),
        };
        // Nobody listens to a server that is going away.
        let _ = self.answered.send(sequence);
        response
    }
}

/// A server in a runtime that runs while it is asked to serve.
pub struct Server {
    answered: UnboundedReceiver<Result<u64, String>>,
    idle: Idle,
    runtime: Runtime,
    _place: Place,
}

impl Server {
    pub fn new(setup: &BenchSetup, bytes: usize) -> OpResult<Self> {
        let path = place::path(setup, "sock")?;
        let idle = Idle::default();
        let runtime = idle.runtime().map_err(|error| refusal(&error))?;
        let listener = {
            let _within = runtime.enter();
            UnixListener::bind(&path).map_err(|error| place::refusal("listening at", &path, &error))?
        };
        let place = Place::new(path);
        let (tell, answered) = unbounded_channel();
        let watch = idle.clone();
        let connections = UnixListenerStream::new(listener).map(move |stream| stream.map(|stream| watch.watch(stream)));
        let server = tonic::transport::Server::builder()
            .initial_stream_window_size(window(bytes))
            .initial_connection_window_size(window(bytes))
            .add_service(EchoServer::new(Service { bytes, answered: tell.clone() }))
            .serve_with_incoming(connections);
        runtime.spawn(async move {
            let why = server.await.map_or_else(|error| error.to_string(), |()| "the server has ended".to_owned());
            let _ = tell.send(Err(why));
        });
        Ok(Self { answered, idle, runtime, _place: place })
    }
}

impl BenchServer for Server {
    fn serve(&mut self) -> Result<Option<u64>, String> {
        let (answered, idle) = (&mut self.answered, &self.idle);
        self.runtime.block_on(async {
            let Ok(sequence) = timeout(SLEEP_MAX, answered.recv()).await else { return Ok(None) };
            // The service holds a sender as long as the runtime lives.
            let sequence = sequence.ok_or("the server has ended")??;
            timeout(SLEEP_MAX, idle.reached()).await.map_err(|_| "a response could not be written for a second")?;
            Ok(Some(sequence))
        })
    }
}
