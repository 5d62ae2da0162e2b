//! Payload segments: where a sender's chunks come from, and how they come back.

mod interface;
mod model;
mod operations;

use super::{Config, RuleViolation};
pub use interface::{Growth, LoanRefused, PayloadSegment, SegmentInstance, SegmentShape};

/// Random sequences of loans, writes, sends and returns, compared with a plain list of what is held. Growth is met all the
/// time, with messages pinned in segments that were outgrown.
///
/// # Errors
/// The first rule found broken, with the shortest sequence that breaks it.
pub fn check_operations(segment: &impl PayloadSegment, config: Config) -> Result<(), RuleViolation> {
    operations::check(segment, config)
}
