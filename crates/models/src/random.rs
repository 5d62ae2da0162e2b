//! Choices that follow from a seed: for threads, which have no case that could be shrunk.

/// Named, because the standard generator of `rand` may change with its version.
pub(super) type Random = rand::rngs::Xoshiro256PlusPlus;
