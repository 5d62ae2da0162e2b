//! What can be done, and how often it is.

use proptest::prelude::*;

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
    /// Look at everything that is held.
    Look,
    Chunks,
}

pub fn operation() -> impl Strategy<Value = Operation> {
    use Operation as O;
    let weighted = [
        (3, O::CreateClient),
        (1, O::DropClient),
        (3, O::CreateServer),
        (1, O::DropServer),
        (2, O::Loan),
        (1, O::DropLoan),
        (2, O::Send),
        (1, O::Hint),
        (3, O::DropPending),
        (2, O::HasRequests),
        (8, O::Receive),
        (3, O::DropActive),
        (2, O::LoanResponse),
        (1, O::DropResponseLoan),
        (2, O::SendResponse),
        (2, O::HasResponse),
        (5, O::ReceiveResponse),
        (3, O::DropResponse),
        (8, O::Request),
        (6, O::Answer),
        (3, O::Look),
        (1, O::Chunks),
    ];
    let total = weighted.iter().map(|(weight, _)| weight).sum::<u32>();
    (0..total).prop_map(move |mut number| {
        for (weight, operation) in weighted {
            if number < weight {
                return operation;
            }
            number -= weight;
        }
        O::Look
    })
}
