//! What is required, and what a broken rule looks like to somebody who has never seen the code.

use std::fmt;

/// What is required of an implementation. The text of each is what has to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Channel, return queue.
    #[error("a push into a channel with room is done, and gives nothing back")]
    RoomIsUsed,
    /// Channel without overflow, return queue.
    #[error("a push into a full channel without overflow is refused, and changes nothing")]
    FullRefuses,
    /// Channel with overflow.
    #[error(
        "a push into a full channel with overflow is done, displaces the oldest entry, and hands exactly that one back to \
         the producer"
    )]
    OldestIsDisplaced,
    /// Channel.
    #[error("a take gives the oldest entry of the channel, and nothing only if there is none")]
    OldestIsTaken,
    /// Return queue.
    #[error("a take gives an entry that was given back and not taken since, and nothing only if there is none")]
    ReturnedIsTaken,
    /// Channel.
    #[error("a look shows the oldest entry, which the next take then gives, and does not take it itself")]
    FrontIsOldest,
    /// Channel, return queue.
    #[error(
        "every entry ends at exactly one side: it is taken by the consumer or displaced back to the producer, never both, \
         never twice, never neither"
    )]
    OneOwner,
    /// Channel between threads.
    #[error("entries are taken in the order in which they were pushed")]
    Order,
    /// Segment.
    #[error("a loan within the limits succeeds, and grows the segment where the strategy says so")]
    LoanSucceeds,
    /// Segment.
    #[error("a loan that is one too many or too long is refused for that reason")]
    LoanIsRefused,
    /// Segment.
    #[error("a loan is exactly as long as was asked for")]
    LoanIsAsLong,
    /// Segment.
    #[error("a loan is aligned as was asked for")]
    LoanIsAligned,
    /// Segment.
    #[error("no two chunks that are loaned or held overlap")]
    ChunksAreApart,
    /// Segment.
    #[error("every receiver gets every message")]
    EveryoneReceives,
    /// Segment.
    #[error("what a chunk holds changes only when its owner writes it: never while it is held, never by another loan")]
    ContentsStay,
    /// Segment.
    #[error("a chunk is in use exactly as long as it is loaned or held, and a loan that was refused uses none")]
    ChunksComeBack,
    /// Segment.
    #[error("an outgrown segment is gone when its last chunk has come home, and a static one has no other")]
    OutgrownGoes,
    /// Segment.
    #[error("chunks grow as the strategy says: not at all, to fit, or to the next power of two")]
    GrowsByStrategy,
    /// Whole ports; what happened names the requirements of the catalogue.
    #[error("several clients and servers behave as the requirements of the pattern say")]
    Pattern,
    /// Everything.
    #[error("no operation panics")]
    NoPanic,
    /// The kit's own: an implementation that offers nothing that could be tested has not passed.
    #[error("at least one of the shapes that were asked for is offered")]
    SomethingIsTested,
    /// The kit's own.
    #[error("the kit's environment variables are numbers")]
    Configuration,
}

/// A rule that was broken.
#[derive(Clone, PartialEq, Eq)]
pub struct RuleViolation {
    pub(super) rule: Rule,
    pub(super) tested: String,
    pub(super) happened: String,
    pub(super) operations: Vec<String>,
    pub(super) repeat: String,
}

impl RuleViolation {
    /// What was required.
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What happened instead.
    pub fn happened(&self) -> &str {
        &self.happened
    }

    /// What was done, in order, one line each: the shortest sequence that was found.
    pub fn operations(&self) -> &[String] {
        &self.operations
    }
}

impl fmt::Display for RuleViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "a rule is broken by {}", self.tested)?;
        writeln!(f, "  required: {}", self.rule)?;
        writeln!(f, "  happened: {}", self.happened)?;
        if !self.operations.is_empty() {
            writeln!(f, "  what was done:")?;
            for (number, operation) in self.operations.iter().enumerate() {
                writeln!(f, "    {:>3}. {operation}", number + 1)?;
            }
        }
        write!(f, "  to repeat: {}", self.repeat)
    }
}

/// As [`Display`](fmt::Display), so that a test that returns a failure shows it readably.
impl fmt::Debug for RuleViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::error::Error for RuleViolation {}

/// A broken rule, as the code that compares sees it.
#[derive(Debug, Clone)]
pub(super) struct Broken {
    pub rule: Rule,
    pub happened: String,
}

/// `Ok` if it holds.
pub(super) fn demand(holds: bool, rule: Rule, happened: impl FnOnce() -> String) -> Result<(), Broken> {
    if holds { Ok(()) } else { Err(Broken { rule, happened: happened() }) }
}
