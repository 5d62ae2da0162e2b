//! The calling side.

use std::collections::VecDeque;

use shmark_peer::kit::bench::place;
use shmark_peer::kit::implementation::{BenchClient, BenchSetup, OpResult};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint};

use crate::generated::echo_client::EchoClient;
use crate::{SLEEP_MAX, number, payload, refusal, window};

/// A client and its calls that are under way, oldest first.
pub struct Client {
    calls: VecDeque<JoinHandle<Result<u64, String>>>,
    stub: EchoClient<Channel>,
    bytes: usize,
    runtime: Runtime,
}

impl Client {
    pub fn new(setup: &BenchSetup, bytes: usize) -> OpResult<Self> {
        let path = place::path(setup, "sock")?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| refusal(&error))?;
        let endpoint = Endpoint::from_shared(format!("unix://{}", path.display()))
            .map_err(|error| refusal(&error))?
            .initial_stream_window_size(window(bytes))
            .initial_connection_window_size(window(bytes));
        let channel = runtime.block_on(endpoint.connect()).map_err(|error| refusal(&error))?;
        Ok(Self { calls: VecDeque::new(), stub: EchoClient::new(channel), bytes, runtime })
    }
}

impl BenchClient for Client {
    fn send(&mut self, sequence: u64) -> Result<(), String> {
        let (mut stub, bytes) = (self.stub.clone(), self.bytes);
        let request = payload(bytes, sequence);
        self.calls.push_back(self.runtime.spawn(async move {
            let response = stub.call(request).await.map_err(|status| status.to_string())?;
            number(response.get_ref(), bytes)
        }));
        Ok(())
    }

    fn poll(&mut self) -> Result<Option<u64>, String> {
        let Some(call) = self.calls.front_mut() else { return Ok(None) };
        // A timeout is made within the runtime.
        match self.runtime.block_on(async { timeout(SLEEP_MAX, call).await }) {
            Err(_) => Ok(None),
            Ok(ended) => {
                self.calls.pop_front();
                ended.map_err(|error| error.to_string())?.map(Some)
            }
        }
    }
}
