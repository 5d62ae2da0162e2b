//! The end of a case: everything is dropped, and nothing may be left.

use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::Ports;
use super::event::Event;
use super::operation::{LeftOut, Operation, Step};
use super::system::{Follow, SystemUnderTest};
use crate::random::Random;

impl<P: Ports> SystemUnderTest<P> {
    fn holds_something(&self) -> bool {
        let of_clients = self.loans.len() + self.pendings.len() + self.responses.len();
        of_clients + self.actives.len() + self.response_loans.len() > 0
    }

    /// Drops everything in some order, at times the ports in between, receives what is left, and counts chunks.
    pub fn tear_down(&mut self, seed: u64, left_out: LeftOut, follow: &mut Follow<'_>) -> Result<(), String> {
        use Operation as O;
        let mut numbers = Random::seed_from_u64(seed);
        let mut drops = vec![O::DropLoan, O::DropPending, O::DropActive, O::DropResponseLoan, O::DropResponse];
        if seed.is_multiple_of(4) {
            let more = [O::DropClient, O::DropServer, O::ReceiveResponse, O::SendResponse];
            drops.extend(more.into_iter().filter(|operation| !left_out.contains(*operation)));
        }
        while self.holds_something() {
            let operation = drops[numbers.random_range(0..drops.len())];
            let step = Step { operation, pick: numbers.next_u64() as u8, size: 0 };
            self.carry_out(step, follow)?;
        }
        for server in self.servers.keys().copied().collect::<Vec<_>>() {
            self.drain(server, follow)?;
        }
        for event in self.chunks() {
            // Whoever is left holds nothing and waits for nothing.
            if let Event::ClientChunks { result: 1.., .. } = event {
                return Err(format!("{event} after everything was dropped and received (RR-RCL-01)"));
            }
            follow(event)?;
        }
        self.files(true).into_iter().try_for_each(&mut *follow)?;
        while !self.clients.is_empty() || !self.servers.is_empty() {
            let operation = [O::DropClient, O::DropServer][numbers.random_range(0..2)];
            self.carry_out(Step { operation, pick: numbers.next_u64() as u8, size: 0 }, follow)?;
            // A server that is left alone has everything back, what nobody listened to as well.
            if self.clients.is_empty() {
                for (server, port) in &self.servers {
                    let _ = self.ports.has_requests(port);
                    let result = self.ports.server_chunks(port).unwrap_or(0);
                    if result > 0 {
                        return Err(format!("s{server} has {result} chunks in use without any client (RR-RCL-02)"));
                    }
                }
            }
            self.files(false).into_iter().try_for_each(&mut *follow)?;
        }
        Ok(())
    }

    /// Nothing of a port is left, then nothing of the service, then nothing at all (RR-SVC-04).
    pub fn end(mut self) -> Result<(), String> {
        match self.ports.left_by_ports() {
            // What could not be taken away for a shortage goes with the next port that leaves, or with the service.
            left if left.is_empty() || self.was_short => {}
            left => return Err(format!("left of ports that were dropped: {left:?}")),
        }
        match self.ports.end() {
            left if left.is_empty() => Ok(()),
            left => Err(format!("left of a service that was dropped: {left:?}")),
        }
    }
}
