//! Steps of a case, each one or several operations on real ports.

use std::collections::BTreeMap;

use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::event::{Event, Key};
use super::operation::{Operation, Step, operation};
use super::system::{Follow, SystemUnderTest, Written, nth};
use super::{Ports, Shortage};
use crate::random::Random;

/// Clients that come, send and leave in one step, at most.
const CROWD_MAX: u8 = 100;
/// Messages that are sent one after the other in one step, with a handler, at most.
const SENT_MAX: u8 = 4;
/// From no file at all to all but a segment that has grown.
const FILE_KIB_MAX: [usize; 4] = [0, 4, 16, 64];

impl<P: Ports> SystemUnderTest<P> {
    /// Carries out one step on whatever it picks; nothing if there is nothing to do it on.
    pub fn carry_out(&mut self, step: Step, follow: &mut Follow<'_>) -> Result<(), String> {
        let Step { operation, pick, size } = step;
        match operation {
            Operation::Request => {
                let Some(client) = nth(&self.clients, pick) else { return Ok(()) };
                self.request(client, size, follow)?;
            }
            Operation::Answer => {
                let Some(key) = nth(&self.actives, pick) else { return Ok(()) };
                let loaned = self.loan_response(key, size);
                follow(loaned.clone())?;
                if let Event::LoanResponse { response, result: Ok(()), .. } = loaned {
                    follow(self.send_response(response))?;
                }
            }
            Operation::SendMeanwhile => {
                let Some(client) = nth(&self.clients, pick) else { return Ok(()) };
                for i in 0..=pick % SENT_MAX {
                    let loaned = self.loan(client, size);
                    follow(loaned.clone())?;
                    let Event::Loan { request, result: Ok(()), .. } = loaned else { break };
                    self.send_with_handler(request, u64::from_be_bytes([0, 0, 0, 0, 0, i, pick, size]), follow)?;
                    // Or a client would hold as many pending responses as it can before a buffer is full.
                    if size & 1 != 0 && self.pendings.contains_key(&request) {
                        follow(self.drop_pending(request))?;
                    }
                    if !self.clients.contains_key(&client) {
                        break;
                    }
                }
            }
            Operation::SendResponseMeanwhile => {
                let Some(key) = nth(&self.actives, pick) else { return Ok(()) };
                for i in 0..=pick % SENT_MAX {
                    let loaned = self.loan_response(key, size);
                    follow(loaned.clone())?;
                    let Event::LoanResponse { response, result: Ok(()), .. } = loaned else { break };
                    let seed = u64::from_be_bytes([0, 0, 0, 0, 0, i, pick, size]);
                    self.send_response_with_handler(key.0, response, seed, follow)?;
                    if !self.actives.contains_key(&key) {
                        break;
                    }
                }
            }
            Operation::Peeked => self.look()?.into_iter().try_for_each(follow)?,
            Operation::Chunks => {
                self.chunks().into_iter().try_for_each(&mut *follow)?;
                self.files(true).into_iter().try_for_each(follow)?;
            }
            Operation::Crowd => self.crowd(pick, size, follow)?,
            Operation::Drain => {
                let Some(server) = nth(&self.servers, pick) else { return Ok(()) };
                self.drain(server, follow)?;
            }
            Operation::Leave => self.leave(pick, size, follow)?,
            Operation::Shortage => self.run_short(pick, size, follow)?,
            _ => self.single(step)?.into_iter().try_for_each(follow)?,
        }
        Ok(())
    }

    /// Some steps with hardly any descriptors or memory; then there is enough again, and every server looks.
    fn run_short(&mut self, pick: u8, size: u8, follow: &mut Follow<'_>) -> Result<(), String> {
        let shortage = Some(if size < 160 {
            Shortage::Descriptors { free: usize::from(size % 8) }
        } else {
            Shortage::Memory { file_kib_max: FILE_KIB_MAX[usize::from(size % 4)] }
        });
        if !self.ports.shortage(shortage) {
            return Ok(());
        }
        self.was_short = true;
        follow(Event::Shortage { shortage })?;
        let mut numbers = Random::seed_from_u64(u64::from(pick) << 8 | u64::from(size));
        for _ in 0..=pick % 16 {
            let operation = operation(numbers.random_range(0..usize::MAX));
            let step = Step { operation, pick: numbers.next_u64() as u8, size: numbers.next_u64() as u8 };
            if !matches!(operation, Operation::Shortage | Operation::Crowd | Operation::Drain) {
                self.carry_out(step, follow)?;
            }
        }
        self.ports.shortage(None);
        follow(Event::Shortage { shortage: None })?;
        for server in self.servers.keys().copied().collect::<Vec<_>>() {
            let result = self.ports.has_requests(&self.servers[&server]);
            follow(Event::HasRequests { server, result })?;
        }
        Ok(())
    }

    /// Loans and sends; the request, if that was possible.
    fn request(&mut self, client: Key, size: u8, follow: &mut Follow<'_>) -> Result<Option<Key>, String> {
        let loaned = self.loan(client, size);
        follow(loaned.clone())?;
        let Event::Loan { request, result: Ok(()), .. } = loaned else { return Ok(None) };
        let sent = self.send(request);
        follow(sent.clone())?;
        Ok(matches!(sent, Event::Send { result: Ok(_), .. }).then_some(request))
    }

    /// Up to [`CROWD_MAX`] clients come, send one or two requests and leave, one after the other. A few pending responses
    /// stay, the others are dropped before or after their client.
    fn crowd(&mut self, pick: u8, size: u8, follow: &mut Follow<'_>) -> Result<(), String> {
        // A few mostly, and at times many.
        let clients = if pick >= 128 { pick % CROWD_MAX + 1 } else { pick % 8 + 1 };
        for i in 0..clients {
            let created = self.create_client(size.rotate_left(1) & 0x7f);
            follow(created.clone())?;
            let Event::CreateClient { client, result: Ok(()), .. } = created else { return Ok(()) };
            let mut sent = Vec::new();
            for _ in 0..=size % 2 {
                sent.extend(self.request(client, size, follow)?);
            }
            if size & 2 != 0 {
                follow(self.drop_client(client))?;
            }
            let stays = size & 0xc == 0xc && i % 16 == 15;
            for request in sent.into_iter().filter(|_| !stays) {
                follow(self.drop_pending(request))?;
            }
            if size & 2 == 0 {
                follow(self.drop_client(client))?;
            }
        }
        Ok(())
    }

    /// A server receives until nothing is there, and drops what it gets.
    pub fn drain(&mut self, server: Key, follow: &mut Follow<'_>) -> Result<(), String> {
        loop {
            let event = self.receive(server)?;
            follow(event.clone())?;
            let Event::Receive { result: Ok(Some(request)), .. } = event else { return Ok(()) };
            self.actives.remove(&(request, server));
            follow(Event::DropActive { request, server })?;
        }
    }

    /// One port leaves, with everything that was made from it, which goes before it or after it; a server may leave its
    /// responses, and a client its pending responses.
    fn leave(&mut self, pick: u8, size: u8, follow: &mut Follow<'_>) -> Result<(), String> {
        let port_first = size & 1 != 0;
        let of = |written: &BTreeMap<Key, Written>, key: &Key, port: Key| written[key].sender == port;
        if size & 2 != 0 {
            let Some(server) = nth(&self.servers, pick) else { return Ok(()) };
            if port_first {
                follow(self.drop_server(server))?;
            }
            for key in self.actives.keys().filter(|(_, s)| *s == server).copied().collect::<Vec<_>>() {
                follow(self.drop_active(key))?;
            }
            let loans: Vec<_> =
                self.response_loans.keys().filter(|key| of(&self.written, key, server)).copied().collect();
            for response in loans {
                follow(if size & 4 == 0 { self.drop_response_loan(response) } else { self.send_response(response) })?;
            }
            return if port_first { Ok(()) } else { follow(self.drop_server(server)) };
        }
        let Some(client) = nth(&self.clients, pick) else { return Ok(()) };
        if port_first {
            follow(self.drop_client(client))?;
        }
        for request in self.loans.keys().filter(|key| of(&self.written, key, client)).copied().collect::<Vec<_>>() {
            follow(if size & 4 == 0 { self.drop_loan(request) } else { self.send(request) })?;
        }
        if size & 8 == 0 {
            let pendings: Vec<_> = self.pendings.keys().filter(|key| of(&self.written, key, client)).copied().collect();
            for request in pendings {
                follow(self.drop_pending(request))?;
            }
        }
        if port_first { Ok(()) } else { follow(self.drop_client(client)) }
    }
}
