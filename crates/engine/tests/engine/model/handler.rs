//! A backpressure handler that uses and drops ports while a message waits for room.

use std::cell::RefCell;
use std::rc::Rc;

use shmark_engine::{BackpressureAction, BackpressureInfo};
use shmark_models::ports::{Done, Meanwhile};

use super::faults::Fault;
use super::{World, receive_refused};

/// What the handler of the port that sends does when it is asked, and what came of it.
#[derive(Default)]
pub struct Todo {
    meanwhile: RefCell<Vec<Meanwhile<World>>>,
    done: RefCell<Vec<Done<World>>>,
}

impl Todo {
    /// A handler of one port: does what there is to do, and has each receiver tried once more.
    pub fn handler(self: &Rc<Self>, fault: Fault) -> impl Fn(&BackpressureInfo<'_>) -> BackpressureAction + use<> {
        let todo = Rc::clone(self);
        move |info| {
            if info.retries > 0 {
                return BackpressureAction::Discard;
            }
            for meanwhile in todo.meanwhile.take() {
                let done = match carry_out(meanwhile) {
                    Done::Received(server, Ok(_)) if fault == Fault::LosesRequestInHandler => {
                        Done::Received(server, Ok(None))
                    }
                    done => done,
                };
                todo.done.borrow_mut().push(done);
            }
            if fault == Fault::DiscardsInHandler { BackpressureAction::Discard } else { BackpressureAction::Retry }
        }
    }

    /// Sends; what the handler was not asked to do is not done.
    pub fn meanwhile<T>(&self, meanwhile: Vec<Meanwhile<World>>, send: impl FnOnce() -> T) -> (T, Vec<Done<World>>) {
        self.meanwhile.replace(meanwhile);
        let result = send();
        let mut done = self.done.take();
        done.extend(self.meanwhile.take().into_iter().map(Done::Not));
        (result, done)
    }
}

fn carry_out(meanwhile: Meanwhile<World>) -> Done<World> {
    match meanwhile {
        Meanwhile::DropClient(client) => drop(client),
        Meanwhile::DropServer(server) => drop(server),
        Meanwhile::DropLoan(loan) => drop(loan),
        Meanwhile::DropPending(pending) => drop(pending),
        Meanwhile::DropActive(active) => drop(active),
        Meanwhile::DropResponse(response) => drop(response),
        Meanwhile::Receive(server) => {
            let received = server.receive().map_err(receive_refused);
            return Done::Received(server, received);
        }
        Meanwhile::ReceiveResponse(pending) => {
            let received = pending.receive().map_err(receive_refused);
            return Done::ReceivedResponse(pending, received);
        }
    }
    Done::Dropped
}
