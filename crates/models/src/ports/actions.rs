//! What a backpressure handler does while a message waits for room.

use rand::{Rng as _, RngExt as _, SeedableRng as _};

use super::event::{Event, Key};
use super::interface::{Done, HandlerAction, Ports};
use super::system::{Follow, SystemUnderTest, nth};
use crate::random::Random;

/// So many things are done in one handler, at most.
const MEANWHILE_MAX: usize = 3;

/// Whose handle was given to a handler.
#[derive(Debug, Clone, Copy)]
enum Given {
    Client(Key),
    Server(Key),
    Loan(Key),
    Pending(Key),
    Active(Key, Key),
    Response(Key),
}

impl<P: Ports> SystemUnderTest<P> {
    /// Sends a request. Where it finds no room and the client has a handler, that does some things, and it is tried once more.
    pub fn send_with_handler(&mut self, request: Key, seed: u64, follow: &mut Follow<'_>) -> Result<(), String> {
        let loan = self.loans.remove(&request).unwrap();
        let (given, actions) = self.give(seed, None);
        let (sent, done) = self.ports.send_with_handler(loan, actions);
        follow(Event::SendBegins { request })?;
        self.take_back(given, done, follow)?;
        let result = sent.map(|(pending, delivered)| {
            self.pendings.insert(request, pending);
            delivered
        });
        follow(Event::SendEnds { request, result })
    }

    /// As [`Self::send_with_handler`], of a response: nobody but its one receiver sees whether it is sent before or after.
    pub fn send_response_with_handler(
        &mut self,
        request: Key,
        response: Key,
        seed: u64,
        follow: &mut Follow<'_>,
    ) -> Result<(), String> {
        let loan = self.response_loans.remove(&response).unwrap();
        let (given, actions) = self.give(seed, Some(request));
        let (result, done) = self.ports.send_response_with_handler(loan, actions);
        self.take_back(given, done, follow)?;
        follow(Event::SendResponse { response, result })
    }

    /// Chooses what a handler does; `request` is the one that is answered.
    fn give(&mut self, seed: u64, request: Option<Key>) -> (Vec<Given>, Vec<HandlerAction<P>>) {
        let mut numbers = Random::seed_from_u64(seed);
        let count = 1 + numbers.random_range(0..MEANWHILE_MAX);
        (0..count).filter_map(|_| self.give_one(numbers.random_range(0..16), numbers.next_u64() as u8, request)).unzip()
    }

    /// Mostly what may make room.
    fn give_one(&mut self, number: usize, pick: u8, request: Option<Key>) -> Option<(Given, HandlerAction<P>)> {
        Some(match number {
            0 => {
                let client = nth(&self.clients, pick)?;
                (Given::Client(client), HandlerAction::DropClient(self.clients.remove(&client)?))
            }
            1 => {
                let server = nth(&self.servers, pick)?;
                (Given::Server(server), HandlerAction::DropServer(self.servers.remove(&server)?))
            }
            2 => {
                let request = nth(&self.loans, pick)?;
                (Given::Loan(request), HandlerAction::DropLoan(self.loans.remove(&request)?))
            }
            3 | 4 => {
                let request = nth(&self.pendings, pick)?;
                (Given::Pending(request), HandlerAction::DropPending(self.pendings.remove(&request)?))
            }
            5 | 6 => {
                let key = nth(&self.actives, pick)?;
                (Given::Active(key.0, key.1), HandlerAction::DropActive(self.actives.remove(&key)?))
            }
            7 => {
                let response = nth(&self.responses, pick)?;
                (Given::Response(response), HandlerAction::DropResponse(self.responses.remove(&response)?))
            }
            8..=11 => {
                let server = nth(&self.servers, pick)?;
                (Given::Server(server), HandlerAction::Receive(self.servers.remove(&server)?))
            }
            _ => {
                let answered = request.filter(|request| self.pendings.contains_key(request));
                let request = answered.or_else(|| nth(&self.pendings, pick))?;
                (Given::Pending(request), HandlerAction::ReceiveResponse(self.pendings.remove(&request)?))
            }
        })
    }

    /// Tells what was done, and takes back what is still there.
    fn take_back(&mut self, given: Vec<Given>, done: Vec<Done<P>>, follow: &mut Follow<'_>) -> Result<(), String> {
        let mut events = Vec::new();
        for (given, done) in given.into_iter().zip(done) {
            match (given, done) {
                (given, Done::Dropped) => events.push(match given {
                    Given::Client(client) => Event::DropClient { client },
                    Given::Server(server) => Event::DropServer { server },
                    Given::Loan(request) => Event::DropLoan { request },
                    Given::Pending(request) => Event::DropPending { request },
                    Given::Active(request, server) => Event::DropActive { request, server },
                    Given::Response(response) => Event::DropResponse { response },
                }),
                (Given::Server(server), Done::Received(port, received)) => {
                    self.servers.insert(server, port);
                    events.push(self.received(server, received)?);
                }
                (Given::Pending(request), Done::ReceivedResponse(pending, received)) => {
                    self.pendings.insert(request, pending);
                    events.push(self.received_response(request, received)?);
                }
                (given, Done::Not(actions)) => self.put_back(given, actions)?,
                (given, _) => return Err(format!("the handler was to do something else with {given:?}")),
            }
        }
        events.into_iter().try_for_each(follow)
    }

    fn put_back(&mut self, given: Given, actions: HandlerAction<P>) -> Result<(), String> {
        match (given, actions) {
            (Given::Client(key), HandlerAction::DropClient(client)) => drop(self.clients.insert(key, client)),
            (Given::Server(key), HandlerAction::DropServer(server) | HandlerAction::Receive(server)) => {
                drop(self.servers.insert(key, server));
            }
            (Given::Loan(key), HandlerAction::DropLoan(loan)) => drop(self.loans.insert(key, loan)),
            (Given::Pending(key), HandlerAction::DropPending(pending) | HandlerAction::ReceiveResponse(pending)) => {
                drop(self.pendings.insert(key, pending));
            }
            (Given::Active(request, server), HandlerAction::DropActive(active)) => {
                drop(self.actives.insert((request, server), active));
            }
            (Given::Response(key), HandlerAction::DropResponse(response)) => drop(self.responses.insert(key, response)),
            (given, _) => return Err(format!("something else came back than {given:?}")),
        }
        Ok(())
    }
}
