//! A client and a server, joined by a shuttle, a channel of requests and a lane of responses, each with a plan of its own.

mod account;
mod cases;
mod client;
mod crash;
mod server;
mod weakened;

use std::collections::VecDeque;
use std::rc::Rc;

use loom::thread;
use shmark_engine::channel::shuttle::{REQUEST, ShuttleClient, ShuttleServer};
use shmark_engine::channel::{OffsetConsumer, OffsetProducer};

use crate::slots::{Behaviour, Explored, Life, Words};
use account::{Account, Payloads};
use client::Client;
use server::Server;

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToServer {
    /// Gives up what is pending, and sends a request that the shuttle or a slot may take.
    Small,
    /// The same with a request in a chunk.
    Large,
    /// Receives a response if there is one.
    Receive,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToClient {
    /// Takes a request if there is one, and holds it.
    Take,
    /// Answers the request that it has held longest, with a response that the shuttle or a slot may take.
    Small,
    /// The same with a response in a chunk.
    Large,
    /// Drops the request that it has held longest.
    Finish,
}

/// What is tried.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Requests, and responses of one request, that may be unread.
    pub capacity: usize,
    pub buffer: usize,
    /// Of requests, and of responses.
    pub overflow: [bool; 2],
    pub client: &'static [ToServer],
    pub server: &'static [ToClient],
}

/// Rules of the shuttle that are broken. By default none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "independent ways to be wrong")]
pub struct Rules {
    /// The server looks into the shuttle, and only afterwards into the channel.
    pub server_looks_into_the_shuttle_first: bool,
    /// The client looks into the shuttle, and only afterwards into the lane.
    pub client_looks_into_the_shuttle_first: bool,
    /// The second response to a request goes by the shuttle, too.
    pub replies_twice: bool,
    /// The client uses the shuttle while a request is in it, or may be answered by it, or while one is in the channel.
    pub sends_before_taken: bool,
    pub sends_before_done: bool,
    pub passes_the_channel: bool,
    /// The server still reads a request when it is done with it.
    pub reads_when_done: bool,
}

/// How a run goes wrong: how the line of the shuttle behaves, how everything else does, and what the sides do.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    pub line: Behaviour,
    pub rest: Behaviour,
    pub rules: Rules,
}

impl Default for Faults {
    /// None, and every order of loads and stores is explored.
    fn default() -> Self {
        let looks = Behaviour { every_look: true, ..Behaviour::default() };
        Self { line: looks, rest: looks, rules: Rules::default() }
    }
}

/// Which side stops for ever, before which of its shared stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    None,
    Client { before_store: usize },
    Server { before_store: usize },
}

/// Shared stores that each side made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stores {
    pub client: usize,
    pub server: usize,
}

struct Shared {
    line: Words,
    done: Words,
    requests: Words,
    lane: Words,
}

/// Carries a case out once, under the schedule that is being explored.
pub fn run(case: Case, Faults { line, rest, rules }: Faults, crash: Crash) -> Stores {
    let Case { capacity, buffer, overflow: [overflow_requests, overflow_responses], .. } = case;
    let shared = Shared {
        line: Explored::words(2),
        done: Explored::words(1),
        requests: Explored::words(capacity),
        lane: Explored::words(buffer),
    };
    let account = Rc::new(Account::new(capacity, buffer));
    let requests = Rc::new(Payloads::new(capacity));
    let replies = Rc::new(Payloads::new(buffer));
    let life = Life::until(if let Crash::Client { before_store } = crash { Some(before_store) } else { None });
    let mut client = Client {
        account: Rc::clone(&account),
        rules,
        buffer,
        shuttle: ShuttleClient::new(capacity, overflow_requests, overflow_responses),
        line: Explored::new(&shared.line, line, &life),
        done: Explored::new(&shared.done, rest, &life),
        requests: (OffsetProducer::new(capacity, overflow_requests), Explored::new(&shared.requests, rest, &life)),
        lane: (OffsetConsumer::new(buffer, overflow_responses), Explored::new(&shared.lane, rest, &life)),
        outgoing: Rc::clone(&requests),
        incoming: Rc::clone(&replies),
        sent_slot: None,
        pending: 0,
        tried: 0,
        life,
    };
    let life = Life::until(if let Crash::Server { before_store } = crash { Some(before_store) } else { None });
    let mut server = Server {
        account: Rc::clone(&account),
        rules,
        capacity,
        shuttle: ShuttleServer::new(buffer, overflow_requests, overflow_responses),
        line: Explored::new(&shared.line, line, &life),
        done: Explored::new(&shared.done, rest, &life),
        requests: (OffsetConsumer::new(capacity, overflow_requests), Explored::new(&shared.requests, rest, &life)),
        lane: (OffsetProducer::new(buffer, overflow_responses), Explored::new(&shared.lane, rest, &life)),
        outgoing: replies,
        incoming: requests,
        newest: 0,
        held: VecDeque::new(),
        life,
    };
    let serving = thread::spawn(move || {
        for step in case.server {
            if !server.life.is_dead() {
                server.step(*step);
            }
        }
        server
    });
    for step in case.client {
        if !client.life.is_dead() {
            client.step(*step);
        }
    }
    let mut server = serving.join().unwrap();
    client.life.survive();
    server.life.survive();
    let stores = Stores { client: client.life.stores(), server: server.life.stores() };
    judge(case, &shared, &account, &mut client, &mut server);
    stores
}

/// What has to hold when both sides are done, dead or alive; the account has judged each step on the way.
fn judge(case: Case, shared: &Shared, account: &Account, client: &mut Client, server: &mut Server) {
    let is_whole = !client.life.is_dead() && !server.life.is_dead();
    if !client.life.is_dead() {
        while client.receive() {}
        assert_eq!(account.unread_replies(client.pending), 0, "responses to {} were lost", client.pending);
    }
    if !server.life.is_dead() {
        while server.take() {}
        assert_eq!(account.unread_requests(), 0, "requests were lost");
        while !server.held.is_empty() {
            server.finish();
        }
    }
    if client.life.is_dead() {
        return;
    }
    if is_whole {
        assert!(client.is_shuttle_free(), "the server is done with every request, and the shuttle does not come back");
    }
    // The client goes on, and has as much room as it has to have, not more and not less.
    let refused = account.refused();
    for _ in 0..=case.capacity {
        client.send(true);
    }
    assert_eq!(account.unread_requests(), case.capacity, "not as many unread requests as fit");
    let words = shared.requests.slots.iter().chain([&shared.line.slots[REQUEST]]);
    let there = words.filter(|word| word.load(std::sync::atomic::Ordering::Acquire) != 0).count();
    assert_eq!(there, case.capacity, "not as many words as unread requests");
    if is_whole {
        assert_eq!(account.refused() - refused, usize::from(!case.overflow[0]), "one more than fits is refused");
        judge_responses(case, account, client, server);
    }
}

/// The last request gets as many responses as fit.
fn judge_responses(case: Case, account: &Account, client: &mut Client, server: &mut Server) {
    while server.take() {}
    assert_eq!(account.unread_requests(), 0, "requests were lost");
    client.send(true);
    while server.take() {}
    while server.held.len() > 1 {
        server.finish();
    }
    for _ in 0..=case.buffer {
        server.answer(true);
    }
    assert_eq!(account.unread_replies(client.pending), case.buffer, "not as many unread responses as fit");
    while client.receive() {}
    assert_eq!(account.unread_replies(client.pending), 0, "responses were lost");
}
