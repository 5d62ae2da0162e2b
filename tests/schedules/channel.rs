//! Nothing goes wrong with what the engine does.

use crate::exchange::{Crash, run};
use crate::slots::Behaviour;
use crate::{cases, explore};

/// Each message is read as it was written, in order, by the receiver, or is the sender's again; each chunk comes back once;
/// no chunk is written while it can be read.
#[test]
fn nothing_is_lost_doubled_or_read_half_written_under_any_schedule() {
    for case in cases() {
        explore(move || {
            run(case, Behaviour::default(), Crash::None);
        });
    }
}
