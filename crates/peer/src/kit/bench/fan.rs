//! Several clients or several servers: load slices over rows of ports, each row in one thread.
//!
//! Between the ports of a row the order of messages is free, and from one port to another it is kept. So what is expected is
//! not one number: it is the next one of each client, and of each server.

use super::client::{lead, timed};
use super::floor::Floor;
use super::plan::BenchPlan;
use super::record::{Measurements, Tally};
use super::server::follow;
use super::usage::Meter;
use crate::kit::implementation::{BenchClient, BenchServer, Load, Timing, Waiting};

/// What the client knows of the requests under way: whose turn it is, and what has come for the oldest one.
#[derive(Debug)]
pub(super) struct Turns {
    /// Clients that send the next request and have the oldest one.
    sender: usize,
    receiver: usize,
    /// Number of the oldest request's first response.
    first: u64,
    /// For each of its responses [`FIRST`] and [`SEEN`].
    states: Vec<u8>,
}

/// It is the first one of its server.
const FIRST: u8 = 1;
/// It has come.
const SEEN: u8 = 2;

impl Turns {
    pub(super) fn new(load: &Load) -> Self {
        let states = (0..load.answers()).map(|index| if index % load.responses == 0 { FIRST } else { 0 }).collect();
        Self { sender: 0, receiver: 0, first: 1, states }
    }

    /// Takes a response; whether it is the one that was next of its server.
    #[inline]
    fn take(&mut self, number: u64) -> bool {
        let index = number.wrapping_sub(self.first) as usize;
        let Some(state) = self.states.get(index).copied() else { return false };
        let is_next = state == FIRST || (state == 0 && self.states[index - 1] & SEEN != 0);
        self.states[index] |= SEEN;
        is_next
    }

    /// Goes on to the next request.
    #[inline]
    fn pass(&mut self, clients: usize) {
        self.first += self.states.len() as u64;
        self.states.iter_mut().for_each(|state| *state &= FIRST);
        self.receiver = following(self.receiver, clients);
    }
}

#[inline]
fn following(index: usize, len: usize) -> usize {
    if index + 1 == len { 0 } else { index + 1 }
}

/// Requests that a server has seen: the last ones, as many as can be told apart while they are under way.
///
/// It needs no division to tell clients apart: the request before the one of sequence `s` has `s - clients`.
#[derive(Debug)]
pub(super) struct Window {
    /// Sequence plus `clients`, so that those before each client's first are there. A power of two of them.
    seen: Vec<u64>,
    clients: u64,
}

impl Window {
    pub(super) fn new(load: &Load) -> Self {
        let clients = load.clients as u64;
        // A request overwrites one that no other under way has before it.
        let len = (load.clients + load.clients * load.outstanding).next_power_of_two();
        let mut seen = vec![u64::MAX; len];
        (1..=clients).for_each(|before| seen[before as usize % len] = before);
        Self { seen, clients }
    }

    /// Takes a request; whether it is the one that was next of its client.
    #[inline]
    fn take(&mut self, sequence: u64) -> bool {
        let (before, own) = (sequence, sequence.wrapping_add(self.clients));
        let mask = self.seen.len() - 1;
        let is_next = self.seen[before as usize & mask] == before && self.seen[own as usize & mask] != own;
        self.seen[own as usize & mask] = own;
        is_next
    }
}

/// The client's side of a trial: sends by one after the other, and takes the responses to the oldest request first.
///
/// # Errors
/// Why the trial cannot go on.
pub(super) fn client(
    ports: &mut [impl BenchClient],
    turns: &mut Turns,
    floor: &mut Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    meter: &mut Meter,
    measurements: &mut Measurements,
) -> Result<(), String> {
    lead(floor, plan, meter, measurements, |floor, measurements| {
        // As with one client, the opening request is answered before anything is timed.
        many(ports, turns, floor, plan, tally, 1)?;
        let Measurements { clock, loads: times, .. } = measurements;
        match plan.load.timing {
            Timing::RoundTrip => timed(clock, times, || many(ports, turns, floor, plan, tally, 1)),
            Timing::Throughput => timed(clock, times, || many(ports, turns, floor, plan, tally, plan.slice_requests)),
            Timing::OpenLoop => Err("an open loop has one client and one server".to_owned()),
        }
    })
}

/// So many requests with all their responses.
#[inline]
fn many(
    ports: &mut [impl BenchClient],
    turns: &mut Turns,
    floor: &Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    requests: usize,
) -> Result<(), String> {
    let clients = ports.len();
    let most = clients * plan.load.outstanding;
    let (mut to_send, mut under_way) = (requests, 0);
    while to_send > 0 || under_way > 0 {
        while to_send > 0 && under_way < most {
            ports[turns.sender].send(tally.sent + 1)?;
            turns.sender = following(turns.sender, clients);
            tally.sent += 1;
            to_send -= 1;
            under_way += 1;
        }
        let port = &mut ports[turns.receiver];
        for _ in 0..turns.states.len() {
            let response = floor.wait.port(Waiting::Spin, "response", || port.poll())?;
            let is_next = turns.take(response);
            tally.receive_unordered(response, is_next);
        }
        turns.pass(clients);
        under_way -= 1;
    }
    Ok(())
}

/// The server's side of a trial: polls one after the other. Each has a window of its own.
///
/// # Errors
/// Why the trial cannot go on.
pub(super) fn server(
    ports: &mut [impl BenchServer],
    windows: &mut [Window],
    floor: &mut Floor,
    plan: &BenchPlan,
    tally: &mut Tally,
    meter: &mut Meter,
) -> Result<(), String> {
    let (mut turn, servers) = (0, ports.len());
    follow(floor, plan, meter, |floor| {
        for _ in 0..(plan.slice_requests + 1) * servers {
            let (server, request) = floor.wait.port(Waiting::Spin, "request", || {
                let server = turn;
                turn = following(turn, servers);
                Ok(ports[server].serve()?.map(|request| (server, request)))
            })?;
            let is_next = windows[server].take(request);
            tally.serve_unordered(is_next, plan.load.numbering(server).numbers(request));
        }
        Ok(())
    })
}

#[cfg(test)]
#[path = "fan_tests.rs"]
mod tests;
