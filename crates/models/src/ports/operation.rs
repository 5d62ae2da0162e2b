//! What can be done, and how often it is.

use proptest::prelude::*;

use crate::WITHOUT_VARIABLE;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    CreateClient,
    DropClient,
    CreateServer,
    DropServer,
    Loan,
    DropLoan,
    Send,
    Hint,
    DropPending,
    HasRequests,
    Receive,
    DropActive,
    LoanResponse,
    DropResponseLoan,
    SendResponse,
    HasResponse,
    ReceiveResponse,
    DropResponse,
    /// Loan and send.
    Request,
    /// Loan and send.
    Answer,
    /// A request is sent, and if there is no room, a handler does something else.
    SendMeanwhile,
    /// The same with a response.
    SendResponseMeanwhile,
    /// Look at everything that is held.
    Peeked,
    Chunks,
    /// Several clients come, send and leave, one after the other.
    Crowd,
    /// A server receives all that there is, and lets it go.
    Drain,
    /// Everything of one port: the port and what was made from it, in some order.
    Leave,
    /// Several steps while there are no descriptors or no memory.
    Shortage,
}

const WEIGHTED: [(u32, Operation); 28] = {
    use Operation as O;
    [
        (6, O::CreateClient),
        (3, O::DropClient),
        (6, O::CreateServer),
        (2, O::DropServer),
        (9, O::Loan),
        (2, O::DropLoan),
        (9, O::Send),
        (1, O::Hint),
        (6, O::DropPending),
        (3, O::HasRequests),
        (18, O::Receive),
        (7, O::DropActive),
        (6, O::LoanResponse),
        (2, O::DropResponseLoan),
        (6, O::SendResponse),
        (3, O::HasResponse),
        (11, O::ReceiveResponse),
        (6, O::DropResponse),
        (16, O::Request),
        (13, O::Answer),
        (4, O::SendMeanwhile),
        (4, O::SendResponseMeanwhile),
        (4, O::Peeked),
        (3, O::Chunks),
        (1, O::Crowd),
        (1, O::Drain),
        (4, O::Leave),
        (1, O::Shortage),
    ]
};

/// Operations, with what else a step of a case depends on: whom it picks, and how long a message is.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub operation: Operation,
    pub pick: u8,
    pub size: u8,
}

pub fn step() -> impl Strategy<Value = Step> {
    let total = WEIGHTED.iter().map(|(weight, _)| weight).sum::<u32>();
    let operation = (0..total).prop_map(|number| operation(number as usize));
    (operation, any::<u8>(), any::<u8>()).prop_map(|(operation, pick, size)| Step { operation, pick, size })
}

/// The operation of a number, as often as its weight.
pub fn operation(number: usize) -> Operation {
    let mut number = number as u32 % WEIGHTED.iter().map(|(weight, _)| weight).sum::<u32>();
    for (weight, operation) in WEIGHTED {
        if number < weight {
            return operation;
        }
        number -= weight;
    }
    Operation::Peeked
}

/// Operations that a case leaves out: what is done rarely in most cases is done often in some, and what would end
/// something is not done at all in others.
#[derive(Debug, Clone, Copy)]
pub struct LeftOut(u32);

impl LeftOut {
    pub fn contains(self, operation: Operation) -> bool {
        !matches!(operation, Operation::CreateClient | Operation::CreateServer) && self.holds(operation)
    }

    fn holds(self, operation: Operation) -> bool {
        self.0 & (1 << operation as u32) != 0
    }

    /// Those of [`WITHOUT_VARIABLE`].
    pub fn always() -> Self {
        let names = std::env::var(WITHOUT_VARIABLE).unwrap_or_default();
        let is_named =
            |(_, operation): &&(u32, Operation)| names.split(',').any(|name| name == format!("{operation:?}"));
        let bit = |(_, operation): &(u32, Operation)| 1 << *operation as u32;
        Self(WEIGHTED.iter().filter(is_named).map(bit).sum())
    }

    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

pub fn left_out() -> impl Strategy<Value = LeftOut> {
    (any::<u32>(), any::<u32>()).prop_map(|(some, others)| LeftOut(some & others))
}
