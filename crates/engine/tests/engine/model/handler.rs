//! A backpressure handler that uses and drops ports while a message waits for room.

use std::cell::RefCell;
use std::rc::Rc;

use shmark_engine::{BackpressureAction, BackpressureInfo};
use shmark_models::ports::{Done, HandlerAction};

use super::faults::Fault;
use super::{World, receive_refused};

/// What the handler of the port that sends does when it is asked, and what came of it.
#[derive(Default)]
pub struct Todo {
    actions: RefCell<Vec<HandlerAction<World>>>,
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
            for actions in todo.actions.take() {
                let done = match carry_out(actions) {
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
    pub fn actions<T>(&self, actions: Vec<HandlerAction<World>>, send: impl FnOnce() -> T) -> (T, Vec<Done<World>>) {
        self.actions.replace(actions);
        let result = send();
        let mut done = self.done.take();
        done.extend(self.actions.take().into_iter().map(Done::Not));
        (result, done)
    }
}

fn carry_out(actions: HandlerAction<World>) -> Done<World> {
    match actions {
        HandlerAction::DropClient(client) => drop(client),
        HandlerAction::DropServer(server) => drop(server),
        HandlerAction::DropLoan(loan) => drop(loan),
        HandlerAction::DropPending(pending) => drop(pending),
        HandlerAction::DropActive(active) => drop(active),
        HandlerAction::DropResponse(response) => drop(response),
        HandlerAction::Receive(server) => {
            let received = server.receive().map_err(receive_refused);
            return Done::Received(server, received);
        }
        HandlerAction::ReceiveResponse(pending) => {
            let received = pending.receive().map_err(receive_refused);
            return Done::ReceivedResponse(pending, received);
        }
    }
    Done::Dropped
}
