//! Is a build faster, slower or the same as another one? `shmark compare`.
//!
//! [`measured`] launches both in turn within one run; a round is one launch of each, so whatever the machine does, it does
//! to both. Ratios of rounds become a verdict in [`verdict`], as many rounds as [`sequence`] finds needed. [`stored`] sets
//! earlier reports side by side, which is the weaker form: between two runs the machine changes more than most builds do.

pub mod measured;
pub mod sequence;
mod signed_rank;
pub mod stored;
pub mod verdict;
