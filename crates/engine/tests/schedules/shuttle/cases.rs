//! Nothing goes wrong with what the engine does.

use super::ToClient::{self, Finish, Large as Chunk, Small as Answer, Take};
use super::ToServer::{self, Large, Receive, Small};
use super::{Case, Crash, Faults, run};
use crate::{explore, explore_bounded, is_more_wished};

type Plans = (&'static [ToServer], &'static [ToClient]);

/// Preemptions of a schedule where all of them would be too many.
pub const PREEMPTIONS_MAX: usize = 2;

/// Few steps, of which all schedules are explored.
const FEW_STEPS: &[Plans] = &[
    (&[Small, Receive], &[Take, Answer]),
    (&[Small, Small], &[Take, Take]),
    (&[Small, Small], &[Take, Finish]),
    (&[Small, Receive, Receive], &[Take, Answer, Answer]),
];

/// What can meet: the shuttle that comes back, that is given up before the server answers or is done, and that is
/// passed by requests or responses in flight through the channel.
const PLANS: &[Plans] = &[
    (&[Small, Receive, Small], &[Take, Answer, Take, Answer]),
    (&[Small, Receive, Small, Receive], &[Take, Answer, Finish, Take, Answer, Finish]),
    (&[Small, Small, Small], &[Take, Take]),
    (&[Small, Small, Small], &[Take, Finish, Take, Finish]),
    (&[Small, Small, Receive], &[Take, Answer, Answer, Take, Answer]),
    (&[Small, Small, Small], &[Take, Answer, Finish, Take, Answer]),
    (&[Small, Small, Small], &[Take, Take, Finish, Answer, Finish, Take]),
    (&[Small, Receive, Receive], &[Take, Answer, Chunk, Answer]),
    (&[Small, Receive, Receive], &[Take, Chunk, Answer, Finish]),
    (&[Small, Receive, Small], &[Take, Answer, Answer, Finish, Take, Answer]),
    (&[Small, Large, Small], &[Take, Take, Take]),
    (&[Large, Small, Small], &[Take, Take, Finish, Take]),
];

const MORE_PLANS: &[Plans] = &[
    (&[Small, Small, Small, Small], &[Take, Take, Take]),
    (&[Large, Small, Receive, Small], &[Take, Take, Answer, Take]),
    (&[Small, Receive, Small, Receive], &[Take, Chunk, Answer, Finish, Take, Answer]),
    (&[Small, Small, Receive, Small], &[Take, Take, Answer, Finish, Take]),
    (&[Small, Receive, Receive, Receive], &[Take, Answer, Answer, Chunk, Answer]),
    (&[Small, Small, Small, Receive], &[Take, Answer, Finish, Take, Answer, Answer]),
];

pub fn cases(plans: &[Plans]) -> Vec<Case> {
    let mut sizes = vec![(1, 1), (2, 2)];
    let mut overflows = vec![[false; 2], [true; 2]];
    if is_more_wished() {
        sizes.extend([(1, 2), (2, 1), (3, 3)]);
        overflows.extend([[true, false], [false, true]]);
    }
    let mut cases = Vec::new();
    for (client, server) in plans {
        for (capacity, buffer) in sizes.iter().copied() {
            for overflow in overflows.iter().copied() {
                cases.push(Case { capacity, buffer, overflow, client, server });
            }
        }
    }
    cases
}

#[test]
fn few_messages_keep_their_order_by_shuttle_and_channel_under_any_schedule() {
    for case in cases(FEW_STEPS) {
        explore(move || {
            run(case, Faults::default(), Crash::None);
        });
    }
}

#[test]
fn messages_keep_their_order_by_shuttle_and_channel_under_any_schedule_of_few_preemptions() {
    let mut plans = PLANS.to_vec();
    if is_more_wished() {
        plans.extend(MORE_PLANS);
    }
    for case in cases(&plans) {
        explore_bounded(PREEMPTIONS_MAX, move || {
            run(case, Faults::default(), Crash::None);
        });
    }
}
